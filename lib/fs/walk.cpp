#include <cstddef>
#include <leash/fs/path.hpp>
#include <leash/fs/walk.hpp>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs {
namespace {

/// The walk of `walk` and `walk_info`, which differ in the entries that they list.
template <class Entry>
class Walker {
 public:
  using List = Result<std::vector<Entry>> (FileSystem::*)(Call call, PathArg path);
  using Visitor = Function<WalkNext(std::string_view path, const Entry& entry, const std::optional<Error>& error)>;

  Walker(Call call, std::string_view operation, FileSystem& files, List list, const Visitor& visit)
      : call_(call), operation_(operation), files_(files), list_(list), visit_(visit) {}

  Result<void> walk(std::string_view root, const Entry& top) {
    path_ = root;
    Result<WalkNext> next = come_to(top);
    while (next && *next != WalkNext::stop && !levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.entries.size()) {
        levels_.pop_back();
        continue;
      }
      const Entry& entry = level.entries[level.next++];
      path_.resize(level.prefix);
      path_ += entry.name;
      next = come_to(entry);
    }
    if (!next) return std::unexpected(next.error());
    return {};
  }

 private:
  /// A directory that the walk is in.
  struct Level {
    std::vector<Entry> entries;
    std::size_t next = 0;    ///< The entry to come to next.
    std::size_t prefix = 0;  ///< How many bytes of the path are in front of an entry's name.
  };

  /// Visits what is at the path and, if it is a directory to be entered, begins a level for it.
  Result<WalkNext> come_to(const Entry& entry) {
    if (auto checked = call_.context().check(operation_, path_); !checked) return std::unexpected(checked.error());
    const WalkNext next = visit_(path_, entry, std::nullopt);
    if (next != WalkNext::go_on || !entry.is_directory()) return next;
    Result<std::vector<Entry>> entries = (files_.*list_)(call_, path_);
    if (!entries) {
      if (auto checked = call_.context().check(operation_, path_); !checked) return std::unexpected(checked.error());
      return visit_(path_, entry, entries.error());
    }
    if (path_ == ".") {
      path_.clear();
    } else {
      path_ += '/';
    }
    levels_.push_back({.entries = *std::move(entries), .prefix = path_.size()});
    return next;
  }

  const Call call_;
  const std::string_view operation_;
  FileSystem& files_;
  const List list_;
  const Visitor& visit_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

Result<void> walk(Call call, FileSystem& files, PathArg root, const WalkVisitor& visit) {
  const Result<FileInfo> info = files.lstat(call, root);
  if (!info) return std::unexpected(info.error());
  return Walker<DirEntry>(call, "walk", files, &FileSystem::read_dir, visit).walk(root, {info->name, info->type});
}

Result<void> walk_info(Call call, FileSystem& files, PathArg root, const WalkInfoVisitor& visit) {
  const Result<FileInfo> info = files.lstat(call, root);
  if (!info) return std::unexpected(info.error());
  return Walker<FileInfo>(call, "walk_info", files, &FileSystem::read_dir_info, visit).walk(root, *info);
}

}  // namespace LEASH_NAMESPACE::fs
