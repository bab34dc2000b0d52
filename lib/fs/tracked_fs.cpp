#include <leash/fs/detail/tracked_file.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <leash/track/detail/tagged.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using track::Tag;
using track::Tracker;
using track::detail::tracker_for;

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
  return open_with_tag<detail::TrackedFile>(*tracker, call, "open", kinds::file, path, open);
}

Result<std::unique_ptr<Dir>> TrackedFS::do_open_dir(Call call, std::string_view path) {
  const auto open = [&] { return ProxyFileSystem::do_open_dir(call, path); };
  Tracker* const tracker = tracker_for(call.context(), fallback_);
  if (tracker == nullptr) return open();
  return open_with_tag<TrackedDir>(*tracker, call, "open_dir", kinds::directory, path, open);
}

}  // namespace LEASH_NAMESPACE::fs
