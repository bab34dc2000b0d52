#include <leash/fs/detail/tracked_file.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/os/own_descriptors.hpp>

namespace LEASH_NAMESPACE::fs::detail {

using track::OnDrop;
using track::Tag;

namespace {

class TrackedMapping final : track::detail::Tagged, public ProxyMapping {
 public:
  TrackedMapping(std::unique_ptr<Mapping> inner, Tag tag) : Tagged(std::move(tag)), ProxyMapping(std::move(inner)) {}

 private:
  Result<void> do_sync(std::source_location site) override {
    tag_.touch(site);
    return ProxyMapping::do_sync(site);
  }

  Result<void> do_close(std::source_location site) override {
    Result<void> result = ProxyMapping::do_close(site);
    tag_.close(site);
    return result;
  }
};

}  // namespace

TrackedFile::~TrackedFile() {
  // A write and a sync that end at the same time on two threads may set this in either order: the counts decide.
  if (writes_ != synced_writes_) tag_.set_on_drop(OnDrop::error_lost);
}

template <class T>
Result<T> TrackedFile::record_use(Result<T> result, std::source_location site) {
  tag_.touch(site);
  if (!result) tag_.set_failed();
  return result;
}

Result<void> TrackedFile::record_change(Result<void> result, std::source_location site) {
  if (result) {
    ++writes_;
    tag_.set_on_drop(OnDrop::error_lost);
  }
  return record_use(std::move(result), site);
}

template <class Sync>
Result<void> TrackedFile::record_sync(Sync sync, std::source_location site) {
  const std::uint64_t before = writes_;
  Result<void> result = sync();
  if (result) {
    std::uint64_t synced = synced_writes_;
    while (synced < before && !synced_writes_.compare_exchange_weak(synced, before)) {
    }
    if (writes_ == before) tag_.set_on_drop(OnDrop::closed);
  }
  return record_use(std::move(result), site);
}

Result<std::size_t> TrackedFile::do_read(std::span<std::byte> buffer, std::source_location site) {
  return record_use(ProxyFile::do_read(buffer, site), site);
}

Result<void> TrackedFile::do_write(std::span<const std::byte> data, std::source_location site) {
  return record_change(ProxyFile::do_write(data, site), site);
}

Result<std::size_t> TrackedFile::do_read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                            std::source_location site) {
  return record_use(ProxyFile::do_read_at(buffer, offset, site), site);
}

Result<void> TrackedFile::do_write_at(std::span<const std::byte> data, std::uint64_t offset,
                                      std::source_location site) {
  return record_change(ProxyFile::do_write_at(data, offset, site), site);
}

Result<std::uint64_t> TrackedFile::do_seek(std::int64_t offset, Whence whence, std::source_location site) {
  return record_use(ProxyFile::do_seek(offset, whence, site), site);
}

Result<void> TrackedFile::do_truncate(std::uint64_t size, std::source_location site) {
  return record_change(ProxyFile::do_truncate(size, site), site);
}

Result<void> TrackedFile::do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) {
  return record_change(ProxyFile::do_allocate(offset, size, site), site);
}

Result<void> TrackedFile::do_sync(std::source_location site) {
  return record_sync([&] { return ProxyFile::do_sync(site); }, site);
}

Result<void> TrackedFile::do_sync_data(std::source_location site) {
  return record_sync([&] { return ProxyFile::do_sync_data(site); }, site);
}

Result<FileInfo> TrackedFile::do_stat(std::source_location site) { return record_use(ProxyFile::do_stat(site), site); }

Result<void> TrackedFile::do_chmod(std::uint32_t mode, std::source_location site) {
  return record_use(ProxyFile::do_chmod(mode, site), site);
}

Result<void> TrackedFile::do_set_times(std::optional<Clock::system_time_point> accessed,
                                       std::optional<Clock::system_time_point> modified, std::source_location site) {
  return record_use(ProxyFile::do_set_times(accessed, modified, site), site);
}

// That someone else holds a lock is no failure of the file, after which it could be dropped without a finding.

Result<void> TrackedFile::do_try_lock(LockMode mode, LockRange range, std::source_location site) {
  tag_.touch(site);
  return ProxyFile::do_try_lock(mode, range, site);
}

Result<void> TrackedFile::do_lock(Call call, LockMode mode, LockRange range) {
  tag_.touch(call.site());
  return ProxyFile::do_lock(call, mode, range);
}

Result<void> TrackedFile::do_unlock(LockRange range, std::source_location site) {
  return record_use(ProxyFile::do_unlock(range, site), site);
}

Result<std::unique_ptr<Mapping>> TrackedFile::do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                                     std::source_location site) {
  Result<std::unique_ptr<Mapping>> mapping = record_use(ProxyFile::do_map(offset, size, mode, site), site);
  if (!mapping) return mapping;
  // No child of this tag: a Mapping may outlive its file.
  Tag tag = tag_.sibling({.kind = kinds::mapping, .name = path(), .on_drop = OnDrop::closed}, site);
  if (!tag) return mapping;
  return std::make_unique<TrackedMapping>(*std::move(mapping), std::move(tag));
}

Result<int> TrackedFile::do_release(std::source_location site) {
  const os::Opening opening;
  Result<int> descriptor = ProxyFile::do_release(site);
  // If it failed, the file is still open, and the tag stays as it is.
  if (descriptor) tag_.release(site);
  return descriptor;
}

Result<void> TrackedFile::do_close(std::source_location site) {
  Result<void> result = ProxyFile::do_close(site);
  tag_.close(site);
  return result;
}

}  // namespace LEASH_NAMESPACE::fs::detail
