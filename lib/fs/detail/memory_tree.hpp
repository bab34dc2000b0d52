#pragma once

#include <atomic>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/os/mutex.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The tree of names of a MemoryFS, with the operations that read and change it. Paths are such as `valid_path`
/// accepts. Thread-safe.
///
/// Where an operation could fail for several reasons, it fails for the one that Linux checks first: a differential test
/// compares the two.
class MemoryTree {
 public:
  MemoryTree(const std::shared_ptr<Clock>& clock, std::uint32_t umask);
  ~MemoryTree();
  MemoryTree(const MemoryTree&) = delete;
  MemoryTree& operator=(const MemoryTree&) = delete;

  Outcome<std::shared_ptr<MemoryNode>> open(std::string_view path, const OpenOptions& options);
  Outcome<std::shared_ptr<MemoryNode>> open_dir(std::string_view path) const;
  Outcome<FileInfo> stat(std::string_view path, bool follow) const;
  Outcome<std::string> read_link(std::string_view path) const;
  Outcome<void> mkdir(std::string_view path, std::uint32_t mode);
  Outcome<void> mkdir_all(std::string_view path, std::uint32_t mode);
  Outcome<void> remove(std::string_view path);
  Outcome<void> remove_all(std::string_view path);
  Outcome<void> rename(std::string_view from, std::string_view to);
  Outcome<void> link(std::string_view existing, std::string_view path);
  Outcome<void> symlink(std::string_view target, std::string_view path);
  Outcome<void> truncate(std::string_view path, std::uint64_t size);

  /// The entries of a directory whose names come after `after` (with an empty `after`: all), in the order of their
  /// names, at most `max`.
  std::vector<DirEntry> list(const MemoryNode& directory, std::string_view after, std::size_t max) const;

  FileInfo info(const MemoryNode& node, std::string_view name) const;

  /// What `MemoryFS::dump` returns.
  std::string dump() const;

  Clock::system_time_point now() const { return clock_->system_now(); }

 private:
  /// The directory and the name that a path leads to, and what has that name.
  struct PathEnd {
    MemoryNode* directory = nullptr;
    std::string name;                ///< `.` if the path leads to `directory` itself.
    MemoryNode* node = nullptr;      ///< Null if the name is free.
    bool must_be_directory = false;  ///< The path ended with a slash, which only the target of a link may.
  };

  /// The nodes that a rename works on.
  struct RenameNodes {
    MemoryNode* from_directory = nullptr;
    MemoryNode* to_directory = nullptr;
    MemoryNode* source = nullptr;
    MemoryNode* target = nullptr;  ///< Null if the new name is free.
  };

  // The caller of these functions holds `mutex_`: for `add` and `detach` exclusively.

  /// Follows `path` to its end, which need not exist. A link at the end is followed if `follow` is set. With `create`,
  /// a name at the end that must be a directory is `is_a_directory`, as for open(2) with O_CREAT.
  Outcome<PathEnd> walk(std::string_view path, bool follow, bool create = false) const;
  Outcome<RenameNodes> walk_for_rename(std::string_view from, std::string_view to) const;
  Outcome<MemoryNode*> walk_to_directory(std::string_view path) const;
  static Outcome<MemoryNode*> find_child(MemoryNode& directory, std::string_view name);
  Outcome<PathEnd> walk_to_free_name(std::string_view path) const;
  Outcome<MemoryNode*> use_existing(const PathEnd& path_end, const OpenOptions& options) const;
  MemoryNode& add(const PathEnd& path_end, FileType type, std::uint32_t mode);
  void detach(std::shared_ptr<MemoryNode> node, std::vector<std::shared_ptr<MemoryNode>>& detached) const;

  const std::shared_ptr<Clock> clock_;
  const std::uint32_t umask_;
  const std::uint64_t device_;
  mutable os::SharedMutex mutex_;
  std::uint64_t next_id_ = 1;
  std::shared_ptr<MemoryNode> root_;
};

/// Sets the size of a file's content, and its times.
void truncate_content(MemoryNode& node, std::uint64_t size, Clock::system_time_point now);

}  // namespace LEASH_NAMESPACE::fs::detail
