#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/detail/need.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/open_options.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A handle to a node of a MemoryFS. It keeps the node alive, and so the tree. Handle and path are one allocation.
class MemoryFile final : public File {
 public:
  /// Throws `std::bad_alloc`.
  static std::unique_ptr<File> make(NodeRef node, std::string_view path, const OpenOptions& options);
  ~MemoryFile() override;

  // NOLINTNEXTLINE(misc-new-delete-overloads): it goes with the allocation in `make`
  static void operator delete(void* memory) noexcept { ::operator delete(memory); }

 private:
  MemoryFile(NodeRef node, std::string_view path, const OpenOptions& options) noexcept;
  static void* operator new(std::size_t, void* memory) noexcept { return memory; }

  /// Success if the file has what `operation` needs.
  Result<void> check(std::string_view operation, Need need) const;
  std::unexpected<Error> fail_check(std::string_view operation, Need need) const;
  Access access() const noexcept { return {readable_, writable_, node_ && node_->is_directory()}; }
  void free_locks();
  std::size_t read_content(std::span<std::byte> buffer, std::uint64_t offset) const;

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
  std::string_view do_path() const noexcept override { return {reinterpret_cast<const char*>(this + 1), path_size_}; }

  NodeRef node_;  ///< Null once it is closed.
  std::uint64_t position_ = 0;
  const std::uint32_t path_size_;
  const bool readable_;
  const bool writable_;
  const bool appends_;
  std::atomic<bool> has_locked_{false};  ///< Whether there may be locks to free.
};

}  // namespace LEASH_NAMESPACE::fs::detail
