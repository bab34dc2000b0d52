#pragma once

#include <atomic>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/detail/name_table.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/os/big_reader_lock.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The tree of names of a MemoryFS, with the operations that read and change it. Paths are such as `valid_path`
/// accepts, but for those of `open` and `stat`, which refuse others with `invalid_argument`. Thread-safe.
///
/// Where an operation could fail for several reasons, it fails for the one that Linux checks first: a differential test
/// compares the two.
///
/// Looking up a name takes no lock that readers share: the lock of the tree has a cache line for each reading thread,
/// and a file has a lock of its own. What an operation takes out of the tree is freed after the lock is released.
///
/// Every node owns a reference to its tree, so that a handle need not: opening a file writes to that file's cache line
/// alone. `dispose` breaks the circle.
class MemoryTree : public leash::detail::RefCounted {
 public:
  struct Options {
    std::shared_ptr<Clock> clock;
    std::uint32_t umask = 022;
    std::uint64_t capacity = UINT64_MAX;
    bool crash_clones = false;
  };

  static leash::detail::Ref<MemoryTree> make(const Options& options);
  MemoryTree(const MemoryTree&) = delete;
  MemoryTree& operator=(const MemoryTree&) = delete;

  /// Removes all names. Nothing else may be called afterwards but what handles need.
  void dispose() noexcept;

  Outcome<NodeRef> open(std::string_view path, const OpenOptions& options);
  Outcome<NodeRef> open_dir(std::string_view path);
  std::error_code stat(std::string_view path, bool follow, FileInfo& info);
  Outcome<std::string> read_link(std::string_view path);
  Outcome<void> mkdir(std::string_view path, std::uint32_t mode);
  Outcome<void> mkdir_all(std::string_view path, std::uint32_t mode);

  /// What `remove` may remove.
  enum class Removable : unsigned char { any, all_but_directories, directories };
  Outcome<void> remove(std::string_view path, Removable what);
  Outcome<void> remove_all(std::string_view path);
  Outcome<void> rename(std::string_view from, std::string_view to);
  Outcome<void> link(std::string_view existing, std::string_view path);
  Outcome<void> symlink(std::string_view target, std::string_view path);
  Outcome<void> chmod(std::string_view path, std::uint32_t mode);
  Outcome<void> set_times(std::string_view path, std::optional<Clock::system_time_point> accessed,
                          std::optional<Clock::system_time_point> modified);
  Outcome<void> truncate(std::string_view path, std::uint64_t size);

  /// Whether `path` leads to something.
  Outcome<void> find(std::string_view path);

  /// All entries of a directory, in the order of their names.
  std::vector<DirEntry> list(const MemoryNode& directory);
  std::vector<FileInfo> list_info(const MemoryNode& directory);

  /// The place of a handle in the list of a directory, and what comes next there: see MemoryDir.
  MemoryName* add_cursor(MemoryNode& directory);
  void remove_cursor(MemoryName* cursor) noexcept;
  std::vector<DirEntry> list_next(MemoryName* cursor, std::size_t max);

  FileInfo info(const MemoryNode& node, std::string_view name) const;
  void fill(FileInfo& info, const MemoryNode& node, std::string_view name) const;

  /// A copy of the tree; with a seed as `MemoryFS::crash_clone` returns it.
  leash::detail::Ref<MemoryTree> clone(std::optional<std::uint64_t> crash_seed);

  /// What was done to the names in `directory`, or to the content of a file, is no longer lost in a crash.
  void sync(MemoryNode& node);

  /// Registers a range that is mapped for writing by `mapping`, and the end of that.
  void begin_map(MemoryNode& node, const void* mapping, std::uint64_t offset, std::uint64_t size) const;
  void end_map(MemoryNode& node, const void* mapping) const noexcept;

  /// What `MemoryFS::dump` returns.
  std::string dump();

  Clock::system_time_point now() const { return clock_->system_now(); }

  /// `FileInfo::device` of all its nodes, and of no others.
  std::uint64_t device() const noexcept { return device_; }

  // Room for content, in bytes.

  bool limited() const noexcept { return capacity_ != UINT64_MAX; }
  std::uint64_t capacity() const noexcept { return capacity_; }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

  /// Takes room; false if there is not so much.
  bool take_room(std::uint64_t bytes) noexcept;
  void give_room(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  // The operations on the content of a file, with its times, and the room that it takes. They lock the node.

  Outcome<std::uint64_t> write(MemoryNode& node, std::optional<std::uint64_t> offset, std::span<const std::byte> data);
  void set_size(MemoryNode& node, std::uint64_t size);
  Outcome<void> allocate(MemoryNode& node, std::uint64_t offset, std::uint64_t size);
  Outcome<Content::Mapped> map(MemoryNode& node, std::uint64_t offset, std::size_t size);
  void set_mode(MemoryNode& node, std::uint32_t mode) const;
  void set_times(MemoryNode& node, std::optional<Clock::system_time_point> accessed,
                 std::optional<Clock::system_time_point> modified) const;

  friend void destroy(MemoryTree* tree) noexcept;
  friend void destroy(MemoryNode* node) noexcept;

 private:
  /// The directory and the name that a path leads to, and what has that name.
  struct PathEnd {
    MemoryNode* directory = nullptr;
    std::string_view text;           ///< `.` if the path leads to `directory` itself.
    MemoryName* name = nullptr;      ///< Null if the name is free, or is `.`.
    MemoryNode* node = nullptr;      ///< Null if the name is free.
    bool must_be_directory = false;  ///< The path ended with a slash, which only the target of a link may.
  };

  /// What a rename works on.
  struct RenameEnds {
    MemoryNode* from_directory = nullptr;
    MemoryNode* to_directory = nullptr;
    MemoryName* source = nullptr;
    MemoryName* target = nullptr;  ///< Null if the new name is free.
  };

  /// The names that were changed and whose directories were not synced since: what a crash may undo.
  struct NameChange {
    std::uint64_t operation;  ///< Operations are numbered from 1 on; a rename is one and changes two names.
    NodeRef directory;
    std::string text;
    NodeRef before;  ///< What had the name; null if it was free.
  };
  struct Journal {
    std::uint64_t operations = 0;
    std::vector<NameChange> changes;
  };
  class Cloner;

  /// What was taken out of the tree, linked by `MemoryName::next`, to be freed when no lock is held.
  class Removed;

  MemoryTree(const Options& options, MemoryNodePage* first_page);
  ~MemoryTree();

  NodeRef make_node(FileType type, std::uint32_t mode);
  void turn_page();

  // The caller of these functions holds `lock_`; where they change something, exclusively.

  Outcome<PathEnd> walk(std::string_view path, bool follow, std::string& storage, bool create = false) const;
  Outcome<PathEnd> walk_links(std::string_view path, bool follow, std::string& storage, bool create) const;
  Outcome<MemoryNode*> walk_to_node(std::string_view path, bool follow) const;
  Outcome<MemoryNode*> walk_to_directory(std::string_view path) const;
  Outcome<PathEnd> walk_to_free_name(std::string_view path, std::string& storage) const;
  Outcome<RenameEnds> walk_for_rename(std::string_view from, std::string_view to) const;
  Outcome<MemoryName*> find_child(const MemoryNode& directory, std::string_view name) const;
  static Outcome<MemoryNode*> use_existing(const PathEnd& end, const OpenOptions& options);
  MemoryNode& add(MemoryNode& directory, std::string_view text, NodeRef node, Clock::system_time_point time);
  void unlink(MemoryName* name, Removed& removed);
  void unlink_tree(MemoryName* name, Removed& removed);
  void begin_operation() noexcept;
  void forget_changes(const MemoryNode& directory, std::vector<NameChange>& forgotten);
  void record(MemoryNode& directory, std::string_view text, NodeRef before);

  // The caller of these functions holds the lock of the node.
  void before_change(MemoryNode& node, std::uint64_t offset, std::uint64_t size) const;
  void before_cut(MemoryNode& node, std::uint64_t size) const;

  const std::shared_ptr<Clock> clock_;
  const std::uint32_t umask_;
  const std::uint64_t capacity_;
  const bool crash_clones_;
  const std::uint64_t device_;
  std::atomic<std::uint64_t> used_{0};
  os::BigReaderLock lock_;
  NameTable names_;
  NodeRef root_;
  std::unique_ptr<Journal> journal_;  ///< Null unless `Options::crash_clones`.

  // Memory for nodes. All but `given_back_` are guarded by `lock_`.
  struct FreeNode {
    FreeNode* next;
  };
  MemoryNodePage* page_;           ///< The page to take nodes from.
  std::size_t taken_of_page_ = 0;  ///< How many of its nodes were taken,
  std::size_t nodes_in_page_ =
      (sizeof(MemoryNodePage::memory) - sizeof(MemoryTree)) / sizeof(MemoryNode);  ///< of so many.
  std::size_t pages_left_ = 0;              ///< How many follow it that were allocated together with it.
  std::vector<MemoryNodePage*> page_runs_;  ///< All but the first page, as they were allocated.
  FreeNode* free_ = nullptr;
  std::atomic<FreeNode*> given_back_{nullptr};  ///< By threads that have closed what was removed; without `lock_`.
};

}  // namespace LEASH_NAMESPACE::fs::detail
