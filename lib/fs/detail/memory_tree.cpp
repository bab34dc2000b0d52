#include <algorithm>
#include <array>
#include <leash/detail/escape.hpp>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/errc.hpp>
#include <leash/fs/path.hpp>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

using DetachedNodes = std::vector<std::shared_ptr<MemoryNode>>;

std::uint64_t new_device() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

void mark_modified(MemoryNode& node, Clock::system_time_point now) {
  const std::unique_lock lock(node.mutex);
  node.modified = node.changed = now;
}

/// Adds `by` to the link count, and sets `changed`, even if `by` is 0.
void change_link_count(MemoryNode& node, std::int64_t by, Clock::system_time_point now) {
  const std::unique_lock lock(node.mutex);
  node.links += static_cast<std::uint64_t>(by);
  node.changed = now;
}

std::string dump_content(const MemoryNode& node) {
  constexpr std::size_t shown = 60;
  std::string text(shown, '\0');
  const std::shared_lock lock(node.mutex);
  text.resize(node.content.read(0, std::as_writable_bytes(std::span(text))));
  text = '"' + leash::detail::escape(text);
  if (node.content.size() > shown) text += "…";
  text += '"';
  if (node.content.size() > shown) text += " (" + std::to_string(node.content.size()) + " bytes)";
  return text;
}

}  // namespace

void truncate_content(MemoryNode& node, std::uint64_t size, Clock::system_time_point now) {
  const std::unique_lock lock(node.mutex);
  node.content.truncate(size);
  node.modified = node.changed = now;
}

MemoryTree::MemoryTree(const std::shared_ptr<Clock>& clock, std::uint32_t umask)
    : clock_(clock ? clock : Clock::real()),
      umask_(umask),
      device_(new_device()),
      root_(std::make_shared<MemoryNode>(FileType::directory, next_id_++, 0777 & ~umask, now())) {
  root_->links = 2;
}

MemoryTree::~MemoryTree() {
  DetachedNodes detached;
  detach(std::move(root_), detached);
}

/// Takes `node`, which has lost one of its names, and all that is below it out of the tree, and appends them to
/// `detached`. Each is there without its children, so that destroying them does not recurse, however deep the tree was.
/// The caller destroys `detached` after it has unlocked the tree.
void MemoryTree::detach(std::shared_ptr<MemoryNode> node, DetachedNodes& detached) const {
  const Clock::system_time_point time = now();
  detached.push_back(std::move(node));
  for (std::size_t i = detached.size() - 1; i != detached.size(); ++i) {
    MemoryNode& gone = *detached[i];
    gone.parent = nullptr;
    change_link_count(gone, gone.is_directory() ? -static_cast<std::int64_t>(gone.links) : -1, time);
    for (auto& [name, child] : gone.children) detached.push_back(std::move(child));
    gone.children.clear();
  }
}

Outcome<MemoryNode*> MemoryTree::find_child(MemoryNode& directory, std::string_view name) {
  if (name == ".") return &directory;
  if (name.size() > max_name_size) return refuse(std::errc::filename_too_long);
  const auto child = directory.children.find(name);
  return child == directory.children.end() ? nullptr : child->second.get();
}

Outcome<MemoryTree::PathEnd> MemoryTree::walk(std::string_view path, bool follow, bool create) const {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  Elements elements(path);
  MemoryNode* directory = root_.get();
  for (;;) {
    const std::string_view name = elements.take();
    if (name == "..") {
      if (directory == root_.get()) return refuse(errc::escapes_root);
      directory = directory->parent;
    } else if (name != ".") {
      if (create && elements.taken_is_last() && elements.taken_has_slash()) return refuse(std::errc::is_a_directory);
      const Outcome<MemoryNode*> found = find_child(*directory, name);
      if (!found) return std::unexpected(found.error());
      MemoryNode* const node = *found;
      if (node != nullptr && node->is_symlink() &&
          (follow || !elements.taken_is_last() || elements.taken_has_slash())) {
        if (const std::error_code error = elements.expand(node->target)) return std::unexpected(error);
        continue;
      }
      if (elements.taken_is_last()) return PathEnd{directory, std::string(name), node, elements.taken_has_slash()};
      if (node == nullptr) return refuse(std::errc::no_such_file_or_directory);
      if (!node->is_directory()) return refuse(std::errc::not_a_directory);
      directory = node;
    }
    if (elements.taken_is_last()) return PathEnd{directory, ".", directory, false};
  }
}

Outcome<MemoryNode*> MemoryTree::walk_to_directory(std::string_view path) const {
  const Outcome<PathEnd> path_end = walk(path, true);
  if (!path_end) return std::unexpected(path_end.error());
  if (path_end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!path_end->node->is_directory()) return refuse(std::errc::not_a_directory);
  return path_end->node;
}

/// The end of `path`, if that name is free; else `file_exists`.
Outcome<MemoryTree::PathEnd> MemoryTree::walk_to_free_name(std::string_view path) const {
  Outcome<PathEnd> path_end = walk(path, false);
  if (path_end && path_end->node != nullptr) return refuse(std::errc::file_exists);
  return path_end;
}

MemoryNode& MemoryTree::add(const PathEnd& path_end, FileType type, std::uint32_t mode) {
  const Clock::system_time_point time = now();
  const auto node = std::make_shared<MemoryNode>(type, next_id_++, mode, time);
  path_end.directory->children.emplace(path_end.name, node);
  node->parent = path_end.directory;
  node->links = type == FileType::directory ? 2 : 1;
  if (type == FileType::directory) change_link_count(*path_end.directory, 1, time);
  mark_modified(*path_end.directory, time);
  return *node;
}

/// What open(2) does with a name that exists: checks `options` against its node, and truncates it if they say so. Null
/// if the name is free.
Outcome<MemoryNode*> MemoryTree::use_existing(const PathEnd& path_end, const OpenOptions& options) const {
  MemoryNode* const node = path_end.node;
  if (node == nullptr) return nullptr;
  if (options.exclusive) return refuse(std::errc::file_exists);
  if ((options.directory || path_end.must_be_directory) && !node->is_directory()) {
    return refuse(std::errc::not_a_directory);
  }
  if (node->is_directory() && !options.directory) return refuse(std::errc::is_a_directory);
  if (node->is_symlink()) return refuse(std::errc::too_many_symbolic_link_levels);
  if (options.truncate) truncate_content(*node, 0, now());
  return node;
}

Outcome<std::shared_ptr<MemoryNode>> MemoryTree::open(std::string_view path, const OpenOptions& options) {
  const bool follow = !options.no_follow && !options.exclusive;
  {
    const std::shared_lock lock(mutex_);
    const Outcome<PathEnd> path_end = walk(path, follow, options.create);
    if (!path_end) return std::unexpected(path_end.error());
    const Outcome<MemoryNode*> node = use_existing(*path_end, options);
    if (!node) return std::unexpected(node.error());
    if (*node != nullptr) return (*node)->shared_from_this();
    if (!options.create) return refuse(std::errc::no_such_file_or_directory);
  }
  const std::unique_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk(path, follow, options.create);
  if (!path_end) return std::unexpected(path_end.error());
  const Outcome<MemoryNode*> node = use_existing(*path_end, options);
  if (!node) return std::unexpected(node.error());
  if (*node != nullptr) return (*node)->shared_from_this();
  return add(*path_end, FileType::regular, options.mode & ~umask_).shared_from_this();
}

Outcome<std::shared_ptr<MemoryNode>> MemoryTree::open_dir(std::string_view path) const {
  const std::shared_lock lock(mutex_);
  const Outcome<MemoryNode*> node = walk_to_directory(path);
  if (!node) return std::unexpected(node.error());
  return (*node)->shared_from_this();
}

Outcome<FileInfo> MemoryTree::stat(std::string_view path, bool follow) const {
  const std::shared_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk(path, follow);
  if (!path_end) return std::unexpected(path_end.error());
  if (path_end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (path_end->must_be_directory && !path_end->node->is_directory()) return refuse(std::errc::not_a_directory);
  return info(*path_end->node, base_name(path));
}

FileInfo MemoryTree::info(const MemoryNode& node, std::string_view name) const {
  const std::shared_lock lock(node.mutex);
  FileInfo info;
  info.name = name;
  info.type = node.type;
  info.mode = node.mode;
  info.size = node.is_symlink() ? node.target.size() : node.content.size();
  info.links = node.links;
  info.device = device_;
  info.id = node.id;
  info.modified = node.modified;
  info.accessed = node.accessed;
  info.changed = node.changed;
  return info;
}

Outcome<std::string> MemoryTree::read_link(std::string_view path) const {
  const std::shared_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk(path, false);
  if (!path_end) return std::unexpected(path_end.error());
  if (path_end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!path_end->node->is_symlink()) return refuse(std::errc::invalid_argument);
  return path_end->node->target;
}

Outcome<void> MemoryTree::mkdir(std::string_view path, std::uint32_t mode) {
  const std::unique_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk_to_free_name(path);
  if (!path_end) return std::unexpected(path_end.error());
  add(*path_end, FileType::directory, mode & ~umask_);
  return {};
}

Outcome<void> MemoryTree::mkdir_all(std::string_view path, std::uint32_t mode) {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const std::unique_lock lock(mutex_);
  MemoryNode* directory = root_.get();
  for (std::size_t begin = 0, end = 0; end != path.size(); begin = end + 1) {
    end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    const Outcome<MemoryNode*> node = find_child(*directory, name);
    if (!node) return std::unexpected(node.error());
    if (*node == nullptr) {
      directory = &add({directory, std::string(name)}, FileType::directory, mode & ~umask_);
    } else if ((*node)->is_directory()) {
      directory = *node;
    } else {
      const Outcome<MemoryNode*> followed = walk_to_directory(path.substr(0, end));
      if (!followed && followed.error() == std::errc::no_such_file_or_directory) return refuse(std::errc::file_exists);
      if (!followed) return std::unexpected(followed.error());
      directory = *followed;
    }
  }
  return {};
}

Outcome<void> MemoryTree::remove(std::string_view path) {
  DetachedNodes detached;
  const std::unique_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk(path, false);
  if (!path_end) return std::unexpected(path_end.error());
  if (path_end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!path_end->node->children.empty()) return refuse(std::errc::directory_not_empty);
  if (path_end->node->is_directory()) change_link_count(*path_end->directory, -1, now());
  mark_modified(*path_end->directory, now());
  const auto name = path_end->directory->children.find(path_end->name);
  detach(std::move(name->second), detached);
  path_end->directory->children.erase(name);
  return {};
}

Outcome<void> MemoryTree::remove_all(std::string_view path) {
  DetachedNodes detached;
  const std::unique_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk(path, false);
  if (!path_end && path_end.error() == std::errc::no_such_file_or_directory) return {};
  if (!path_end) return std::unexpected(path_end.error());
  if (path_end->node == nullptr) return {};
  if (path_end->node->is_directory()) change_link_count(*path_end->directory, -1, now());
  mark_modified(*path_end->directory, now());
  const auto name = path_end->directory->children.find(path_end->name);
  detach(std::move(name->second), detached);
  path_end->directory->children.erase(name);
  return {};
}

/// Finds both directories before it looks for the names in them: DiskFS does so, and the errors shall be the same.
Outcome<MemoryTree::RenameNodes> MemoryTree::walk_for_rename(std::string_view from, std::string_view to) const {
  if (from.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const Outcome<MemoryNode*> from_directory = walk_to_directory(parent_path(from));
  if (!from_directory) return std::unexpected(from_directory.error());
  if (to.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const Outcome<MemoryNode*> to_directory = walk_to_directory(parent_path(to));
  if (!to_directory) return std::unexpected(to_directory.error());
  const Outcome<MemoryNode*> source = find_child(**from_directory, base_name(from));
  if (!source) return std::unexpected(source.error());
  if (*source == nullptr) return refuse(std::errc::no_such_file_or_directory);
  const Outcome<MemoryNode*> target = find_child(**to_directory, base_name(to));
  if (!target) return std::unexpected(target.error());
  return RenameNodes{*from_directory, *to_directory, *source, *target};
}

Outcome<void> MemoryTree::rename(std::string_view from, std::string_view to) {
  DetachedNodes detached;
  const std::unique_lock lock(mutex_);
  const Outcome<RenameNodes> nodes = walk_for_rename(from, to);
  if (!nodes) return std::unexpected(nodes.error());
  const auto [from_directory, to_directory, source, target] = *nodes;

  const auto is_above = [](const MemoryNode* above, const MemoryNode* node) {
    while (node != nullptr && node != above) node = node->parent;
    return node != nullptr;
  };
  if (is_above(source, to_directory)) return refuse(std::errc::invalid_argument);
  if (target != nullptr) {
    if (is_above(target, from_directory)) return refuse(std::errc::directory_not_empty);
    if (source == target) return {};
    if (source->is_directory() && !target->is_directory()) return refuse(std::errc::not_a_directory);
    if (!source->is_directory() && target->is_directory()) return refuse(std::errc::is_a_directory);
    if (!target->children.empty()) return refuse(std::errc::directory_not_empty);
  }

  const Clock::system_time_point time = now();
  if (target != nullptr && target->is_directory()) change_link_count(*to_directory, -1, time);
  if (source->is_directory()) {
    change_link_count(*from_directory, -1, time);
    change_link_count(*to_directory, 1, time);
  }
  auto& slot = to_directory->children[std::string(base_name(to))];
  const auto old_name = from_directory->children.find(base_name(from));
  if (slot) detach(std::move(slot), detached);
  slot = std::move(old_name->second);
  slot->parent = to_directory;
  from_directory->children.erase(old_name);
  change_link_count(*source, 0, time);
  mark_modified(*from_directory, time);
  mark_modified(*to_directory, time);
  return {};
}

Outcome<void> MemoryTree::link(std::string_view existing, std::string_view path) {
  const std::unique_lock lock(mutex_);
  // In the order of link(2): first the existing file, and then the directory of the new name.
  const Outcome<PathEnd> source = walk(existing, false);
  if (!source) return std::unexpected(source.error());
  if (source->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  const Outcome<PathEnd> target = walk_to_free_name(path);
  if (!target) return std::unexpected(target.error());
  if (source->node->is_directory()) return refuse(std::errc::operation_not_permitted);
  const Clock::system_time_point time = now();
  target->directory->children.emplace(target->name, source->node->shared_from_this());
  change_link_count(*source->node, 1, time);
  mark_modified(*target->directory, time);
  return {};
}

Outcome<void> MemoryTree::symlink(std::string_view target, std::string_view path) {
  if (target.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const std::unique_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk_to_free_name(path);
  if (!path_end) return std::unexpected(path_end.error());
  add(*path_end, FileType::symlink, 0777).target = target;
  return {};
}

Outcome<void> MemoryTree::truncate(std::string_view path, std::uint64_t size) {
  const std::shared_lock lock(mutex_);
  const Outcome<PathEnd> path_end = walk(path, true);
  if (!path_end) return std::unexpected(path_end.error());
  const Outcome<MemoryNode*> node = use_existing(*path_end, {.write = true});
  if (!node) return std::unexpected(node.error());
  if (*node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  truncate_content(**node, size, now());
  return {};
}

std::vector<DirEntry> MemoryTree::list(const MemoryNode& directory, std::string_view after, std::size_t max) const {
  const std::shared_lock lock(mutex_);
  std::vector<DirEntry> entries;
  entries.reserve(std::min(max, directory.children.size()));
  auto child = directory.children.upper_bound(after);
  for (; child != directory.children.end() && entries.size() < max; ++child) {
    entries.push_back({child->first, child->second->type});
  }
  return entries;
}

std::string MemoryTree::dump() const {
  struct Level {
    MemoryNode::Children::const_iterator next;
    MemoryNode::Children::const_iterator end;
    std::string path;
  };
  std::string text;
  const std::shared_lock lock(mutex_);
  std::vector<Level> levels{{root_->children.begin(), root_->children.end(), ""}};
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.end) {
      levels.pop_back();
      continue;
    }
    const auto& [name, node] = *level.next++;
    const std::string path = level.path + name;
    text += leash::detail::escape(path);
    if (node->is_directory()) {
      text += "/\n";
      levels.push_back({node->children.begin(), node->children.end(), path + '/'});
    } else if (node->is_symlink()) {
      text += " -> " + leash::detail::escape(node->target) + '\n';
    } else {
      text += ' ' + dump_content(*node) + '\n';
    }
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::fs::detail
