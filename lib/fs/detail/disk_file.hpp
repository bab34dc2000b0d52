#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fs/detail/need.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <memory>
#include <optional>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A file of the operating system. Its path lies behind the object, so that both are one piece of memory.
class DiskFile final : public File {
 public:
  [[nodiscard]] static std::unique_ptr<DiskFile> make(os::Descriptor descriptor, std::string_view path,
                                                      const OpenOptions& options);
  ~DiskFile() override;

  /// Takes over `descriptor`, one of leash's own (see own_descriptors.hpp). For a file that was made without one.
  void take(os::Descriptor descriptor) noexcept;

  // NOLINTNEXTLINE(misc-new-delete-overloads): it goes with the operator new that has a Room
  static void operator delete(void* object) noexcept { ::operator delete(object); }

 private:
  /// How many bytes an object has room for behind it.
  struct Room {
    std::size_t bytes;
  };
  static void* operator new(std::size_t size, Room room) { return ::operator new(size + room.bytes); }
  static void operator delete(void* object, Room) noexcept { ::operator delete(object); }

  DiskFile(os::Descriptor descriptor, std::string_view path, const OpenOptions& options) noexcept;

  /// The descriptor, if the file has what `operation` needs.
  Result<int> check(std::string_view operation, Need need) const;
  Access access() const noexcept { return {options_.read, options_.write, options_.directory}; }
  std::unexpected<Error> failed(std::string_view operation, std::uint64_t transferred = 0) const;
  bool may_raise_sigpipe(int descriptor) noexcept;
  void free_locks_that_maps_keep(int descriptor) noexcept;

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site) override;
  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override;
  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override;
  Result<void> do_truncate(std::uint64_t size, std::source_location site) override;
  Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) override;
  Result<void> do_sync(std::source_location site) override;
  Result<void> do_sync_data(std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<void> do_chmod(std::uint32_t mode, std::source_location site) override;
  Result<void> do_set_times(std::optional<Clock::system_time_point> accessed,
                            std::optional<Clock::system_time_point> modified, std::source_location site) override;
  Result<void> do_try_lock(LockMode mode, LockRange range, std::source_location site) override;
  Result<void> do_lock(Call call, LockMode mode, LockRange range) override;
  Result<void> do_unlock(LockRange range, std::source_location site) override;
  Result<std::unique_ptr<Mapping>> do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                          std::source_location site) override;
  Result<int> do_release(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  int do_native_handle() const noexcept override { return descriptor_.load(std::memory_order_relaxed); }
  std::string_view do_path() const noexcept override { return path_; }

  const std::string_view path_;  ///< Of what lies behind the object.
  const OpenOptions options_;
  std::atomic<int> descriptor_;
  std::atomic<std::uint64_t> locked_by_{
      0};  ///< The process (`this_process`) that has locked a range last; 0 if none has.
  std::atomic<bool> mapped_{false};
  std::optional<bool> regular_;  ///< Whether it is a regular file; unknown before the first `write`.
};

}  // namespace LEASH_NAMESPACE::fs::detail
