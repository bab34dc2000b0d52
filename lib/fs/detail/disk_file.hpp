#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A file of the operating system.
class DiskFile final : public File {
 public:
  DiskFile(os::Descriptor descriptor, std::string_view path, const OpenOptions& options)
      : path_(path), options_(options), descriptor_(descriptor.release()) {
    os::hand_out(do_native_handle());
  }
  ~DiskFile() override;

 private:
  /// What an operation needs of the file besides that it is not closed: nothing, that it was opened for reading or for
  /// writing, or that it is no directory (which `read` and `write` need, too).
  enum class Need : unsigned char { open, read, write, content };

  /// The descriptor, if the file has what `operation` needs.
  Result<int> check(std::string_view operation, Need need) const;
  std::unexpected<Error> failed(std::string_view operation) const;
  bool may_raise_sigpipe(int descriptor) noexcept;

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site) override;
  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override;
  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override;
  Result<void> do_truncate(std::uint64_t size, std::source_location site) override;
  Result<void> do_sync(std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  int do_native_handle() const noexcept override { return descriptor_.load(std::memory_order_relaxed); }
  std::string_view do_path() const noexcept override { return path_; }

  const std::string path_;
  const OpenOptions options_;
  std::atomic<int> descriptor_;
  std::optional<bool> regular_;  ///< Whether it is a regular file; unknown before the first `write`.
};

}  // namespace LEASH_NAMESPACE::fs::detail
