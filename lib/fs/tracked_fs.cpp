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
    // A write and a sync that end at the same time on two threads may set this in either order: the counts decide.
    if (writes_ != synced_writes_) tag_.set_on_drop(OnDrop::error_lost);
  }

 private:
  /// Records in the tag that an operation was a use, and whether it failed. Returns `result`.
  template <class T>
  Result<T> record_use(Result<T> result, std::source_location site) {
    tag_.touch(site);
    if (!result) tag_.set_failed();
    return result;
  }

  /// As `record_use`, for an operation that changes the file if it succeeds.
  Result<void> record_change(Result<void> result, std::source_location site) {
    if (result) {
      ++writes_;
      tag_.set_on_drop(OnDrop::error_lost);
    }
    return record_use(std::move(result), site);
  }

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return record_use(ProxyFile::do_read(buffer, site), site);
  }

  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    return record_change(ProxyFile::do_write(data, site), site);
  }

  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                 std::source_location site) override {
    return record_use(ProxyFile::do_read_at(buffer, offset, site), site);
  }

  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override {
    return record_change(ProxyFile::do_write_at(data, offset, site), site);
  }

  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override {
    return record_use(ProxyFile::do_seek(offset, whence, site), site);
  }

  Result<void> do_truncate(std::uint64_t size, std::source_location site) override {
    return record_change(ProxyFile::do_truncate(size, site), site);
  }

  Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) override {
    return record_change(ProxyFile::do_allocate(offset, size, site), site);
  }

  Result<void> do_sync(std::source_location site) override {
    // `sync` is sure to have written to the device only what was written before it began.
    const std::uint64_t before = writes_;
    Result<void> result = ProxyFile::do_sync(site);
    if (result) {
      std::uint64_t synced = synced_writes_;
      while (synced < before && !synced_writes_.compare_exchange_weak(synced, before)) {
      }
      if (writes_ == before) tag_.set_on_drop(OnDrop::closed);
    }
    return record_use(std::move(result), site);
  }

  Result<FileInfo> do_stat(std::source_location site) override { return record_use(ProxyFile::do_stat(site), site); }

  Result<int> do_release(std::source_location site) override {
    const os::Opening opening;
    Result<int> descriptor = ProxyFile::do_release(site);
    // If it failed, the file is still open, and the tag stays as it is.
    if (descriptor) tag_.release(site);
    return descriptor;
  }

  Result<void> do_close(std::source_location site) override {
    Result<void> result = ProxyFile::do_close(site);
    tag_.close(site);
    return result;
  }

  std::atomic<std::uint64_t> writes_{0};         ///< How many operations have changed the file.
  std::atomic<std::uint64_t> synced_writes_{0};  ///< How many of these a successful `sync` has covered.
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

// Opens by `open()`, and wraps what it returns in a `Tracked` with a tag named `path`.
template <class Tracked, class Open>
auto open_with_tag(Tracker& tracker, Call call, std::string_view operation, track::Kind kind, std::string_view path,
                   Open open) {
  // If `open` is that of a user's own file system, leash does not know its descriptor until it has a tag. Until then a
  // report has to wait.
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
