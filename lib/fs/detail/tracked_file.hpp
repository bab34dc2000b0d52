#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/track/detail/tagged.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

/// A file with a tag, which knows when it was used last, and whether an error would be lost with it.
class TrackedFile final : track::detail::Tagged, public ProxyFile {
 public:
  TrackedFile(std::unique_ptr<File> inner, track::Tag tag) : Tagged(std::move(tag)), ProxyFile(std::move(inner)) {}
  ~TrackedFile() override;

 private:
  /// Records in the tag that an operation was a use, and whether it failed. Returns `result`.
  template <class T>
  Result<T> record_use(Result<T> result, std::source_location site);

  /// As `record_use`, for an operation that changes the file if it succeeds.
  Result<void> record_change(Result<void> result, std::source_location site);

  /// As `record_use`, for what `sync` returns, which has written to the device what was written before it began.
  template <class Sync>
  Result<void> record_sync(Sync sync, std::source_location site);

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

  std::atomic<std::uint64_t> writes_{0};         ///< How many operations have changed the file.
  std::atomic<std::uint64_t> synced_writes_{0};  ///< How many of these a successful `sync` has covered.
};

}  // namespace LEASH_NAMESPACE::fs::detail
