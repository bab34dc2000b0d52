#include <algorithm>
#include <cstring>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/path.hpp>
#include <mutex>
#include <shared_mutex>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

void mark_modified(MemoryNode& node, Clock::system_time_point now) {
  const std::lock_guard lock(node.lock);
  node.modified = node.changed = now;
}

/// Adds `by` to the link count, and sets `changed`, even if `by` is 0.
void change_link_count(MemoryNode& node, std::int32_t by, Clock::system_time_point now) {
  const std::lock_guard lock(node.lock);
  node.links += static_cast<std::uint32_t>(by);
  node.changed = now;
}

/// The bit that a new directory in `directory` has besides the mode that it is given: Linux hands set-group-ID down.
std::uint32_t inherited_mode(const MemoryNode& directory) {
  constexpr std::uint32_t set_group_id = 02000;
  const std::shared_lock lock(directory.lock);
  return directory.mode & set_group_id;
}

}  // namespace

class MemoryTree::Removed {
 public:
  Removed() = default;
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;
  ~Removed() {
    while (first_ != nullptr) MemoryName::destroy(std::exchange(first_, first_->next));
  }

  void add(MemoryName* name) noexcept { name->next = std::exchange(first_, name); }

 private:
  MemoryName* first_ = nullptr;
};

void MemoryTree::dispose() noexcept {
  Removed removed;
  NodeRef root;
  std::unique_ptr<Journal> journal;
  const std::lock_guard lock(lock_);
  journal = std::move(journal_);
  root = std::move(root_);
  while (MemoryName* const first = root->directory.names.first()) {
    if (first->is_cursor()) {
      root->directory.names.erase(first);
    } else {
      unlink_tree(first, removed);
    }
  }
}

Outcome<void> MemoryTree::find(std::string_view path) {
  const std::shared_lock lock(lock_);
  const Outcome<MemoryNode*> node = walk_to_node(path, true);
  if (!node) return std::unexpected(node.error());
  return {};
}

/// Gives `node` the free name `text` in `directory`. Throws `std::bad_alloc`, with no name changed.
MemoryNode& MemoryTree::add(MemoryNode& directory, std::string_view text, NodeRef node, Clock::system_time_point time) {
  MemoryNode& added = *node;
  names_.reserve_one();
  begin_operation();
  record(directory, text, nullptr);
  MemoryName* const name = MemoryName::make(&directory, text, NameTable::hash(&directory, text), std::move(node));
  names_.insert(name);
  directory.directory.names.push_back(name);
  if (added.is_directory()) {
    added.directory.name = name;
    change_link_count(directory, 1, time);
  }
  mark_modified(directory, time);
  return added;
}

/// Takes a name out of the tree. If it is that of a directory, this is empty but for cursors.
void MemoryTree::unlink(MemoryName* name, Removed& removed) {
  const Clock::system_time_point time = now();
  MemoryNode& node = *name->node;
  MemoryNode& directory = *name->directory;
  begin_operation();
  record(directory, name->text(), name->node);
  names_.erase(name);
  directory.directory.names.erase(name);
  if (node.is_directory()) {
    node.directory.name = nullptr;
    change_link_count(node, -static_cast<std::int32_t>(node.links), time);
    change_link_count(directory, -1, time);
  } else {
    change_link_count(node, -1, time);
  }
  mark_modified(directory, time);
  removed.add(name);
}

/// Takes a name and all that is below it out of the tree, however deep.
void MemoryTree::unlink_tree(MemoryName* name, Removed& removed) {
  for (MemoryName* here = name;;) {
    MemoryName* const below = here->node->is_directory() ? here->node->directory.names.first() : nullptr;
    if (below != nullptr && below->is_cursor()) {
      here->node->directory.names.erase(below);
    } else if (below != nullptr) {
      here = below;
    } else {
      const bool done = here == name;
      MemoryName* const above = here->directory->directory.name;
      unlink(here, removed);
      if (done) return;
      here = above;
    }
  }
}

/// What open(2) does with a name that exists: checks `options` against its node. Null if the name is free.
Outcome<MemoryNode*> MemoryTree::use_existing(const PathEnd& end, const OpenOptions& options) {
  MemoryNode* const node = end.node;
  if (node == nullptr) return nullptr;
  if (options.exclusive) return refuse(std::errc::file_exists);
  if ((options.directory || end.must_be_directory) && !node->is_directory()) return refuse(std::errc::not_a_directory);
  if (node->is_directory() && !options.directory) return refuse(std::errc::is_a_directory);
  if (node->is_symlink()) return refuse(std::errc::too_many_symbolic_link_levels);
  return node;
}

Outcome<NodeRef> MemoryTree::open(std::string_view path, const OpenOptions& options) {
  const bool follow = !options.no_follow && !options.exclusive;
  std::string storage;
  if (options.unnamed) {
    const std::lock_guard lock(lock_);
    const Outcome<MemoryNode*> directory = walk_to_directory(path);
    if (!directory) return std::unexpected(directory.error());
    return make_node(FileType::regular, options.mode & ~umask_);
  }
  NodeRef opened;
  if (!options.create) {
    const std::shared_lock lock(lock_);
    const Outcome<PathEnd> end = walk(path, follow, storage);
    if (!end) return std::unexpected(end.error());
    const Outcome<MemoryNode*> node = use_existing(*end, options);
    if (!node) return std::unexpected(node.error());
    if (*node == nullptr) return refuse(std::errc::no_such_file_or_directory);
    opened = NodeRef(*node);
  } else {
    const std::lock_guard lock(lock_);
    const Outcome<PathEnd> end = walk(path, follow, storage, true);
    if (!end) return std::unexpected(end.error());
    const Outcome<MemoryNode*> node = use_existing(*end, options);
    if (!node) return std::unexpected(node.error());
    if (*node == nullptr) {
      if (end->text.contains('\0')) return refuse(std::errc::invalid_argument);
      NodeRef file = make_node(FileType::regular, options.mode & ~umask_);
      file->links = 1;
      const Clock::system_time_point time = file->changed;
      return NodeRef(&add(*end->directory, end->text, std::move(file), time));
    }
    opened = NodeRef(*node);
  }
  if (options.truncate) set_size(*opened, 0);
  return opened;
}

Outcome<NodeRef> MemoryTree::open_dir(std::string_view path) {
  const std::shared_lock lock(lock_);
  const Outcome<MemoryNode*> node = walk_to_directory(path);
  if (!node) return std::unexpected(node.error());
  return NodeRef(*node);
}

/// Fills `info`, which is the caller's, so that it need not be moved.
std::error_code MemoryTree::stat(std::string_view path, bool follow, FileInfo& info) {
  const std::shared_lock lock(lock_);
  std::string storage;
  const Outcome<PathEnd> end = walk(path, follow, storage);
  if (!end) return end.error();
  if (end->node == nullptr) return std::make_error_code(std::errc::no_such_file_or_directory);
  if (end->must_be_directory && !end->node->is_directory()) return std::make_error_code(std::errc::not_a_directory);
  // Where no link was followed, the text is the end of the path.
  const bool is_of_path = end->text.data() + end->text.size() == path.data() + path.size();
  fill(info, *end->node, is_of_path ? end->text : base_name(path));
  return {};
}

FileInfo MemoryTree::info(const MemoryNode& node, std::string_view name) const {
  FileInfo info;
  fill(info, node, name);
  return info;
}

void MemoryTree::fill(FileInfo& info, const MemoryNode& node, std::string_view name) const {
  info.name = name;
  info.type = node.type;
  info.device = device_;
  info.id = node.id();
  const std::shared_lock lock(node.lock);
  info.mode = node.mode;
  if (node.is_symlink()) {
    info.size = node.link.size;
  } else if (!node.is_directory()) {
    info.size = node.content.size();
  }
  info.links = node.links;
  info.modified = node.modified;
  info.accessed = node.accessed;
  info.changed = node.changed;
}

Outcome<std::string> MemoryTree::read_link(std::string_view path) {
  const std::shared_lock lock(lock_);
  std::string storage;
  const Outcome<PathEnd> end = walk(path, false, storage);
  if (!end) return std::unexpected(end.error());
  if (end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!end->node->is_symlink()) return refuse(std::errc::invalid_argument);
  return std::string(end->node->target());
}

Outcome<void> MemoryTree::mkdir(std::string_view path, std::uint32_t mode) {
  const std::lock_guard lock(lock_);
  std::string storage;
  const Outcome<PathEnd> end = walk_to_free_name(path, storage);
  if (!end) return std::unexpected(end.error());
  NodeRef directory = make_node(FileType::directory, (mode & ~umask_) | inherited_mode(*end->directory));
  directory->links = 2;
  const Clock::system_time_point time = directory->changed;
  add(*end->directory, end->text, std::move(directory), time);
  return {};
}

Outcome<void> MemoryTree::mkdir_all(std::string_view path, std::uint32_t mode) {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  if (path == ".") return {};
  const std::lock_guard lock(lock_);
  MemoryNode* directory = root_.get();
  for (std::size_t begin = 0, end = 0; end != path.size(); begin = end + 1) {
    end = std::min(path.find('/', begin), path.size());
    const std::string_view text = path.substr(begin, end - begin);
    const Outcome<MemoryName*> name = find_child(*directory, text);
    if (!name) return std::unexpected(name.error());
    if (*name == nullptr) {
      NodeRef made = make_node(FileType::directory, (mode & ~umask_) | inherited_mode(*directory));
      made->links = 2;
      const Clock::system_time_point time = made->changed;
      directory = &add(*directory, text, std::move(made), time);
    } else if ((*name)->node->is_directory()) {
      directory = (*name)->node.get();
    } else {
      const Outcome<MemoryNode*> followed = walk_to_directory(path.substr(0, end));
      if (!followed && followed.error() == std::errc::no_such_file_or_directory) return refuse(std::errc::file_exists);
      if (!followed) return std::unexpected(followed.error());
      directory = *followed;
    }
  }
  return {};
}

Outcome<void> MemoryTree::remove(std::string_view path, Removable what) {
  Removed removed;
  const std::lock_guard lock(lock_);
  std::string storage;
  const Outcome<PathEnd> end = walk(path, false, storage);
  if (!end) return std::unexpected(end.error());
  if (end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (what == Removable::all_but_directories && end->node->is_directory()) return refuse(std::errc::is_a_directory);
  if (what == Removable::directories && !end->node->is_directory()) return refuse(std::errc::not_a_directory);
  if (end->node->is_directory() && !end->node->directory.names.empty()) return refuse(std::errc::directory_not_empty);
  unlink(end->name, removed);
  return {};
}

Outcome<void> MemoryTree::remove_all(std::string_view path) {
  Removed removed;
  const std::lock_guard lock(lock_);
  std::string storage;
  const Outcome<PathEnd> end = walk(path, false, storage);
  if (!end && end.error() == std::errc::no_such_file_or_directory) return {};
  if (!end) return std::unexpected(end.error());
  if (end->node != nullptr) unlink_tree(end->name, removed);
  return {};
}

/// Finds both directories before it looks for the names in them: DiskFS does so, and the errors shall be the same.
Outcome<MemoryTree::RenameEnds> MemoryTree::walk_for_rename(std::string_view from, std::string_view to) const {
  if (from.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const Outcome<MemoryNode*> from_directory = walk_to_directory(parent_path(from));
  if (!from_directory) return std::unexpected(from_directory.error());
  if (to.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const Outcome<MemoryNode*> to_directory = walk_to_directory(parent_path(to));
  if (!to_directory) return std::unexpected(to_directory.error());
  const Outcome<MemoryName*> source = find_child(**from_directory, base_name(from));
  if (!source) return std::unexpected(source.error());
  if (*source == nullptr) return refuse(std::errc::no_such_file_or_directory);
  const Outcome<MemoryName*> target = find_child(**to_directory, base_name(to));
  if (!target) return std::unexpected(target.error());
  return RenameEnds{*from_directory, *to_directory, *source, *target};
}

Outcome<void> MemoryTree::rename(std::string_view from, std::string_view to) {
  Removed removed;
  NodeRef replaced;
  const std::lock_guard lock(lock_);
  const Outcome<RenameEnds> ends = walk_for_rename(from, to);
  if (!ends) return std::unexpected(ends.error());
  const auto [from_directory, to_directory, source_name, target_name] = *ends;
  MemoryNode* const source = source_name->node.get();
  MemoryNode* const target = target_name == nullptr ? nullptr : target_name->node.get();

  const auto is_above = [](const MemoryNode* above, const MemoryNode* node) {
    if (!above->is_directory()) return false;
    while (node != above && node->directory.name != nullptr) node = node->directory.name->directory;
    return node == above;
  };
  if (is_above(source, to_directory)) return refuse(std::errc::invalid_argument);
  if (target != nullptr) {
    if (is_above(target, from_directory)) return refuse(std::errc::directory_not_empty);
    if (source == target) return {};
    if (source->is_directory() && !target->is_directory()) return refuse(std::errc::not_a_directory);
    if (!source->is_directory() && target->is_directory()) return refuse(std::errc::is_a_directory);
    if (target->is_directory() && !target->directory.names.empty()) return refuse(std::errc::directory_not_empty);
  }

  begin_operation();
  record(*to_directory, base_name(to), NodeRef(target));
  record(*from_directory, base_name(from), NodeRef(source));
  MemoryName* name = target_name;
  if (name == nullptr) {
    names_.reserve_one();
    const std::string_view text = base_name(to);
    name = MemoryName::make(to_directory, text, NameTable::hash(to_directory, text), source_name->node);
  }
  // Nothing fails from here on.
  const Clock::system_time_point time = now();
  if (target != nullptr) {
    replaced = std::exchange(name->node, source_name->node);
    if (target->is_directory()) {
      target->directory.name = nullptr;
      change_link_count(*target, -static_cast<std::int32_t>(target->links), time);
      change_link_count(*to_directory, -1, time);
    } else {
      change_link_count(*target, -1, time);
    }
  } else {
    names_.insert(name);
    to_directory->directory.names.push_back(name);
  }
  names_.erase(source_name);
  from_directory->directory.names.erase(source_name);
  removed.add(source_name);
  if (source->is_directory()) {
    source->directory.name = name;
    change_link_count(*from_directory, -1, time);
    change_link_count(*to_directory, 1, time);
  }
  change_link_count(*source, 0, time);
  mark_modified(*from_directory, time);
  mark_modified(*to_directory, time);
  return {};
}

Outcome<void> MemoryTree::link(std::string_view existing, std::string_view path) {
  const std::lock_guard lock(lock_);
  std::string storage;
  // In the order of link(2): first the existing file, and then the directory of the new name.
  const Outcome<MemoryNode*> source = walk_to_node(existing, false);
  if (!source) return std::unexpected(source.error());
  const Outcome<PathEnd> end = walk_to_free_name(path, storage);
  if (!end) return std::unexpected(end.error());
  if ((*source)->is_directory()) return refuse(std::errc::operation_not_permitted);
  const Clock::system_time_point time = now();
  add(*end->directory, end->text, NodeRef(*source), time);
  change_link_count(**source, 1, time);
  return {};
}

Outcome<void> MemoryTree::symlink(std::string_view target, std::string_view path) {
  if (target.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const std::lock_guard lock(lock_);
  std::string storage;
  const Outcome<PathEnd> end = walk_to_free_name(path, storage);
  if (!end) return std::unexpected(end.error());
  NodeRef node = make_node(FileType::symlink, 0777);
  node->links = 1;
  node->link.text = std::make_unique_for_overwrite<char[]>(target.size());  // NOLINT(*-avoid-c-arrays)
  node->link.size = target.size();
  std::memcpy(node->link.text.get(), target.data(), target.size());
  const Clock::system_time_point time = node->changed;
  add(*end->directory, end->text, std::move(node), time);
  return {};
}

Outcome<void> MemoryTree::chmod(std::string_view path, std::uint32_t mode) {
  const std::shared_lock lock(lock_);
  const Outcome<MemoryNode*> node = walk_to_node(path, true);
  if (!node) return std::unexpected(node.error());
  set_mode(**node, mode);
  return {};
}

Outcome<void> MemoryTree::set_times(std::string_view path, std::optional<Clock::system_time_point> accessed,
                                    std::optional<Clock::system_time_point> modified) {
  const std::shared_lock lock(lock_);
  const Outcome<MemoryNode*> node = walk_to_node(path, true);
  if (!node) return std::unexpected(node.error());
  set_times(**node, accessed, modified);
  return {};
}

Outcome<void> MemoryTree::truncate(std::string_view path, std::uint64_t size) {
  NodeRef file;
  {
    const std::shared_lock lock(lock_);
    std::string storage;
    const Outcome<PathEnd> end = walk(path, true, storage);
    if (!end) return std::unexpected(end.error());
    const Outcome<MemoryNode*> node = use_existing(*end, {.write = true});
    if (!node) return std::unexpected(node.error());
    if (*node == nullptr) return refuse(std::errc::no_such_file_or_directory);
    file = NodeRef(*node);
  }
  set_size(*file, size);
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
