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

/// The names of a MemoryFS, and all that changes them. Paths are valid ones. Thread-safe.
///
/// Errors are those of Linux, found in the order in which it looks for them: a differential test compares the two.
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

  /// At most `max` entries of a directory, in the order of their names, behind the name `after` (all, if that is
  /// empty).
  std::vector<DirEntry> list(const MemoryNode& directory, std::string_view after, std::size_t max) const;

  FileInfo info(const MemoryNode& node, std::string_view name) const;
  std::string dump() const;
  Clock::system_time_point now() const { return clock_->system_now(); }

 private:
  /// Where a path leads: what stands there, if anything, and where a new name would go.
  struct Place {
    MemoryNode* directory = nullptr;
    std::string name;
    MemoryNode* node = nullptr;
    bool slash = false;  ///< Only a directory will do.
  };

  /// What an operation on two names finds.
  struct Pair {
    MemoryNode* from_directory = nullptr;
    MemoryNode* to_directory = nullptr;
    MemoryNode* source = nullptr;
    MemoryNode* target = nullptr;  ///< Null if the name is free.
  };

  Outcome<Place> walk(std::string_view path, bool follow, bool create = false) const;
  Outcome<Pair> walk_pair(std::string_view from, std::string_view to) const;
  Outcome<MemoryNode*> walk_to_directory(std::string_view path) const;
  static Outcome<MemoryNode*> find(MemoryNode& directory, std::string_view name);
  Outcome<Place> new_place(std::string_view path) const;
  Outcome<MemoryNode*> existing(const Place& place, const OpenOptions& options) const;
  MemoryNode& add(const Place& place, FileType type, std::uint32_t mode);
  void forget(std::shared_ptr<MemoryNode> node, std::vector<std::shared_ptr<MemoryNode>>& doomed) const;

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
