#include <atomic>
#include <cstdint>
#include <leash/fs/kinds.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <leash/track/detail/tagged.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using track::OnDrop;
using track::Tag;
using track::Tracker;
using track::detail::tracker_for;

class TrackedFile final : track::detail::Tagged, public ProxyFile {
 public:
  TrackedFile(std::unique_ptr<File> inner, Tag tag) : Tagged(std::move(tag)), ProxyFile(std::move(inner)) {}

  ~TrackedFile() override {
    // The last word: a write and a sync that ended at the same time may have told the tag in the wrong order.
    if (writes_ != synced_writes_) tag_.set_on_drop(OnDrop::error_lost);
  }

 private:
  /// Records what became of an operation, and passes it on.
  template <class T>
  Result<T> used(Result<T> result, std::source_location site) {
    tag_.touch(site);
    if (!result) tag_.set_failed();
    return result;
  }

  Result<void> changed(Result<void> result, std::source_location site) {
    if (result) {
      ++writes_;
      tag_.set_on_drop(OnDrop::error_lost);
    }
    return used(std::move(result), site);
  }

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return used(ProxyFile::do_read(buffer, site), site);
  }

  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    return changed(ProxyFile::do_write(data, site), site);
  }

  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                 std::source_location site) override {
    return used(ProxyFile::do_read_at(buffer, offset, site), site);
  }

  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override {
    return changed(ProxyFile::do_write_at(data, offset, site), site);
  }

  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override {
    return used(ProxyFile::do_seek(offset, whence, site), site);
  }

  Result<void> do_truncate(std::uint64_t size, std::source_location site) override {
    return changed(ProxyFile::do_truncate(size, site), site);
  }

  Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) override {
    return changed(ProxyFile::do_allocate(offset, size, site), site);
  }

  Result<void> do_sync(std::source_location site) override {
    // Only what was written before it began is known to have reached the device.
    const std::uint64_t before = writes_;
    Result<void> result = ProxyFile::do_sync(site);
    if (result) {
      std::uint64_t synced = synced_writes_;
      while (synced < before && !synced_writes_.compare_exchange_weak(synced, before)) {
      }
      if (writes_ == before) tag_.set_on_drop(OnDrop::closed);
    }
    return used(std::move(result), site);
  }

  Result<FileInfo> do_stat(std::source_location site) override { return used(ProxyFile::do_stat(site), site); }

  Result<int> do_release(std::source_location site) override {
    const os::Opening opening;
    Result<int> descriptor = ProxyFile::do_release(site);
    // Where it failed, the file stays open, and nothing that was written is lost.
    if (descriptor) tag_.release(site);
    return descriptor;
  }

  Result<void> do_close(std::source_location site) override {
    Result<void> result = ProxyFile::do_close(site);
    tag_.close(site);
    return result;
  }

  std::atomic<std::uint64_t> writes_{0};         ///< Operations that changed the file, and have ended.
  std::atomic<std::uint64_t> synced_writes_{0};  ///< How many of them a `sync` began after.
};

class TrackedDir final : track::detail::Tagged, public ProxyDir {
 public:
  TrackedDir(std::unique_ptr<Dir> inner, Tag tag) : Tagged(std::move(tag)), ProxyDir(std::move(inner)) {}

 private:
  Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) override {
    tag_.touch(site);
    return ProxyDir::do_read(max, site);
  }

  Result<FileInfo> do_stat(std::source_location site) override {
    tag_.touch(site);
    return ProxyDir::do_stat(site);
  }

  Result<void> do_close(std::source_location site) override {
    Result<void> result = ProxyDir::do_close(site);
    tag_.close(site);
    return result;
  }
};

template <class Tracked, class Open>
auto open_with_tag(Tracker& tracker, Call call, std::string_view operation, track::Kind kind, std::string_view path,
                   Open open) {
  // A user's own file system opens descriptors that leash knows nothing of before they have their tag.
  const os::Opening opening;
  return track::detail::open_tracked(
      tracker, call, operation, kind, path, open, [path](const auto&) { return path; },
      []<class Handle>(std::unique_ptr<Handle>&& inner, Tag&& tag) {
        return std::make_unique<Tracked>(std::move(inner), std::move(tag));
      });
}

}  // namespace

TrackedFS::TrackedFS(FileSystem& inner) : ProxyFileSystem(inner) {}

TrackedFS::TrackedFS(FileSystem& inner, Options options)
    : ProxyFileSystem(inner), fallback_(std::move(options.fallback)) {}

Result<std::unique_ptr<File>> TrackedFS::do_open(Call call, std::string_view path, const OpenOptions& options) {
  const auto open = [&] { return ProxyFileSystem::do_open(call, path, options); };
  Tracker* const tracker = tracker_for(call.context(), fallback_);
  if (tracker == nullptr) return open();
  return open_with_tag<TrackedFile>(*tracker, call, "open", kinds::file, path, open);
}

Result<std::unique_ptr<Dir>> TrackedFS::do_open_dir(Call call, std::string_view path) {
  const auto open = [&] { return ProxyFileSystem::do_open_dir(call, path); };
  Tracker* const tracker = tracker_for(call.context(), fallback_);
  if (tracker == nullptr) return open();
  return open_with_tag<TrackedDir>(*tracker, call, "open_dir", kinds::directory, path, open);
}

}  // namespace LEASH_NAMESPACE::fs
