#pragma once

#include <leash/config.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

namespace LEASH_NAMESPACE::fs {

/// A file system whose files, directories and mappings are tracked: each carries a tag, with the site of the call that
/// opened it.
///
///     TrackedFS files(memory);
///     auto file = files.open(ctx, "data.csv");
///
/// The tracker is the one in the Context, else the fallback. If there is neither, or if tracking is compiled out,
/// `open` and `open_dir` return the inner handle itself. When the tracker is closed, `open` and `open_dir` fail with
/// `track::errc::tracker_closed` and leave nothing open.
///
/// A file that was written and not synced since must be closed: if it is destroyed without `close`, that is the finding
/// `dropped`, because an error that `close` would have returned is lost. Files that were only read, and directories,
/// may be left to their destructors. So may mappings: no `close` of theirs would return what the bytes met on their way
/// to the device, only `sync` does. A mapping has the tracker of its file, which may be closed before it.
class TrackedFS final : public ProxyFileSystem {
 public:
  struct Options {
    /// The tracker for calls whose Context has none.
    std::optional<track::Tracker> fallback = std::nullopt;
  };

  /// `inner` must outlive this; handles need neither.
  explicit TrackedFS(FileSystem& inner);
  TrackedFS(FileSystem& inner, Options options);

 private:
  Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options) override;
  Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path) override;

  std::optional<track::Tracker> fallback_;
};

}  // namespace LEASH_NAMESPACE::fs
