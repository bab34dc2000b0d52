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

using Doomed = std::vector<std::shared_ptr<MemoryNode>>;

std::uint64_t new_device() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

void mark_modified(MemoryNode& node, Clock::system_time_point now) {
  const std::unique_lock lock(node.mutex);
  node.modified = node.changed = now;
}

void add_links(MemoryNode& node, std::int64_t by, Clock::system_time_point now) {
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
  Doomed doomed;
  forget(std::move(root_), doomed);
}

/// Empties all directories below `node`, one after the other: a deep tree must not be destroyed by recursion. What is
/// in `doomed` then can be destroyed without the lock.
void MemoryTree::forget(std::shared_ptr<MemoryNode> node, Doomed& doomed) const {
  const Clock::system_time_point time = now();
  doomed.push_back(std::move(node));
  for (std::size_t i = doomed.size() - 1; i != doomed.size(); ++i) {
    MemoryNode& gone = *doomed[i];
    gone.parent = nullptr;
    add_links(gone, gone.is_directory() ? -static_cast<std::int64_t>(gone.links) : -1, time);
    for (auto& [name, child] : gone.children) doomed.push_back(std::move(child));
    gone.children.clear();
  }
}

Outcome<MemoryNode*> MemoryTree::find(MemoryNode& directory, std::string_view name) {
  if (name == ".") return &directory;
  if (name.size() > max_name_size) return refuse(std::errc::filename_too_long);
  const auto child = directory.children.find(name);
  return child == directory.children.end() ? nullptr : child->second.get();
}

Outcome<MemoryTree::Place> MemoryTree::walk(std::string_view path, bool follow, bool create) const {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  Elements elements(path);
  MemoryNode* directory = root_.get();
  for (;;) {
    const std::string_view name = elements.take();
    if (name == "..") {
      if (directory == root_.get()) return refuse(errc::escapes_root);
      directory = directory->parent;
    } else if (name != ".") {
      if (create && elements.last() && elements.slash()) return refuse(std::errc::is_a_directory);
      const Outcome<MemoryNode*> found = find(*directory, name);
      if (!found) return std::unexpected(found.error());
      MemoryNode* const node = *found;
      if (node != nullptr && node->is_symlink() && (follow || !elements.last() || elements.slash())) {
        if (const std::error_code error = elements.expand(node->target)) return std::unexpected(error);
        continue;
      }
      if (elements.last()) return Place{directory, std::string(name), node, elements.slash()};
      if (node == nullptr) return refuse(std::errc::no_such_file_or_directory);
      if (!node->is_directory()) return refuse(std::errc::not_a_directory);
      directory = node;
    }
    if (elements.last()) return Place{directory, ".", directory, false};
  }
}

Outcome<MemoryNode*> MemoryTree::walk_to_directory(std::string_view path) const {
  const Outcome<Place> place = walk(path, true);
  if (!place) return std::unexpected(place.error());
  if (place->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!place->node->is_directory()) return refuse(std::errc::not_a_directory);
  return place->node;
}

/// The place of a name that must not exist yet.
Outcome<MemoryTree::Place> MemoryTree::new_place(std::string_view path) const {
  Outcome<Place> place = walk(path, false);
  if (place && place->node != nullptr) return refuse(std::errc::file_exists);
  return place;
}

MemoryNode& MemoryTree::add(const Place& place, FileType type, std::uint32_t mode) {
  const Clock::system_time_point time = now();
  const auto node = std::make_shared<MemoryNode>(type, next_id_++, mode, time);
  place.directory->children.emplace(place.name, node);
  node->parent = place.directory;
  node->links = type == FileType::directory ? 2 : 1;
  if (type == FileType::directory) add_links(*place.directory, 1, time);
  mark_modified(*place.directory, time);
  return *node;
}

Outcome<MemoryNode*> MemoryTree::existing(const Place& place, const OpenOptions& options) const {
  MemoryNode* const node = place.node;
  if (node == nullptr) return nullptr;
  if (options.exclusive) return refuse(std::errc::file_exists);
  if ((options.directory || place.slash) && !node->is_directory()) return refuse(std::errc::not_a_directory);
  if (node->is_directory() && !options.directory) return refuse(std::errc::is_a_directory);
  if (node->is_symlink()) return refuse(std::errc::too_many_symbolic_link_levels);
  if (options.truncate) truncate_content(*node, 0, now());
  return node;
}

Outcome<std::shared_ptr<MemoryNode>> MemoryTree::open(std::string_view path, const OpenOptions& options) {
  const bool follow = !options.no_follow && !options.exclusive;
  {
    const std::shared_lock lock(mutex_);
    const Outcome<Place> place = walk(path, follow, options.create);
    if (!place) return std::unexpected(place.error());
    const Outcome<MemoryNode*> node = existing(*place, options);
    if (!node) return std::unexpected(node.error());
    if (*node != nullptr) return (*node)->shared_from_this();
    if (!options.create) return refuse(std::errc::no_such_file_or_directory);
  }
  const std::unique_lock lock(mutex_);
  const Outcome<Place> place = walk(path, follow, options.create);
  if (!place) return std::unexpected(place.error());
  const Outcome<MemoryNode*> node = existing(*place, options);
  if (!node) return std::unexpected(node.error());
  if (*node != nullptr) return (*node)->shared_from_this();
  return add(*place, FileType::regular, options.mode & ~umask_).shared_from_this();
}

Outcome<std::shared_ptr<MemoryNode>> MemoryTree::open_dir(std::string_view path) const {
  const std::shared_lock lock(mutex_);
  const Outcome<MemoryNode*> node = walk_to_directory(path);
  if (!node) return std::unexpected(node.error());
  return (*node)->shared_from_this();
}

Outcome<FileInfo> MemoryTree::stat(std::string_view path, bool follow) const {
  const std::shared_lock lock(mutex_);
  const Outcome<Place> place = walk(path, follow);
  if (!place) return std::unexpected(place.error());
  if (place->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (place->slash && !place->node->is_directory()) return refuse(std::errc::not_a_directory);
  return info(*place->node, base_name(path));
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
  const Outcome<Place> place = walk(path, false);
  if (!place) return std::unexpected(place.error());
  if (place->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!place->node->is_symlink()) return refuse(std::errc::invalid_argument);
  return place->node->target;
}

Outcome<void> MemoryTree::mkdir(std::string_view path, std::uint32_t mode) {
  const std::unique_lock lock(mutex_);
  const Outcome<Place> place = new_place(path);
  if (!place) return std::unexpected(place.error());
  add(*place, FileType::directory, mode & ~umask_);
  return {};
}

Outcome<void> MemoryTree::mkdir_all(std::string_view path, std::uint32_t mode) {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const std::unique_lock lock(mutex_);
  MemoryNode* directory = root_.get();
  for (std::size_t begin = 0, end = 0; end != path.size(); begin = end + 1) {
    end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    const Outcome<MemoryNode*> node = find(*directory, name);
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
  Doomed doomed;
  const std::unique_lock lock(mutex_);
  const Outcome<Place> place = walk(path, false);
  if (!place) return std::unexpected(place.error());
  if (place->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (!place->node->children.empty()) return refuse(std::errc::directory_not_empty);
  if (place->node->is_directory()) add_links(*place->directory, -1, now());
  mark_modified(*place->directory, now());
  const auto name = place->directory->children.find(place->name);
  forget(std::move(name->second), doomed);
  place->directory->children.erase(name);
  return {};
}

Outcome<void> MemoryTree::remove_all(std::string_view path) {
  Doomed doomed;
  const std::unique_lock lock(mutex_);
  const Outcome<Place> place = walk(path, false);
  if (!place && place.error() == std::errc::no_such_file_or_directory) return {};
  if (!place) return std::unexpected(place.error());
  if (place->node == nullptr) return {};
  if (place->node->is_directory()) add_links(*place->directory, -1, now());
  mark_modified(*place->directory, now());
  const auto name = place->directory->children.find(place->name);
  forget(std::move(name->second), doomed);
  place->directory->children.erase(name);
  return {};
}

/// Looks for both directories before it looks into them, as one has to who goes by descriptors.
Outcome<MemoryTree::Pair> MemoryTree::walk_pair(std::string_view from, std::string_view to) const {
  if (from.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const Outcome<MemoryNode*> from_directory = walk_to_directory(parent_path(from));
  if (!from_directory) return std::unexpected(from_directory.error());
  if (to.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const Outcome<MemoryNode*> to_directory = walk_to_directory(parent_path(to));
  if (!to_directory) return std::unexpected(to_directory.error());
  const Outcome<MemoryNode*> source = find(**from_directory, base_name(from));
  if (!source) return std::unexpected(source.error());
  if (*source == nullptr) return refuse(std::errc::no_such_file_or_directory);
  const Outcome<MemoryNode*> target = find(**to_directory, base_name(to));
  if (!target) return std::unexpected(target.error());
  return Pair{*from_directory, *to_directory, *source, *target};
}

Outcome<void> MemoryTree::rename(std::string_view from, std::string_view to) {
  Doomed doomed;
  const std::unique_lock lock(mutex_);
  const Outcome<Pair> pair = walk_pair(from, to);
  if (!pair) return std::unexpected(pair.error());
  const auto [from_directory, to_directory, source, target] = *pair;

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
  if (target != nullptr && target->is_directory()) add_links(*to_directory, -1, time);
  if (source->is_directory()) {
    add_links(*from_directory, -1, time);
    add_links(*to_directory, 1, time);
  }
  auto& slot = to_directory->children[std::string(base_name(to))];
  const auto old_name = from_directory->children.find(base_name(from));
  if (slot) forget(std::move(slot), doomed);
  slot = std::move(old_name->second);
  slot->parent = to_directory;
  from_directory->children.erase(old_name);
  add_links(*source, 0, time);
  mark_modified(*from_directory, time);
  mark_modified(*to_directory, time);
  return {};
}

Outcome<void> MemoryTree::link(std::string_view existing, std::string_view path) {
  const std::unique_lock lock(mutex_);
  // The file first, and then the place of its new name, as link(2) does; rename(2) looks for both directories first.
  const Outcome<Place> source = walk(existing, false);
  if (!source) return std::unexpected(source.error());
  if (source->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  const Outcome<Place> target = new_place(path);
  if (!target) return std::unexpected(target.error());
  if (source->node->is_directory()) return refuse(std::errc::operation_not_permitted);
  const Clock::system_time_point time = now();
  target->directory->children.emplace(target->name, source->node->shared_from_this());
  add_links(*source->node, 1, time);
  mark_modified(*target->directory, time);
  return {};
}

Outcome<void> MemoryTree::symlink(std::string_view target, std::string_view path) {
  if (target.size() > max_path_size) return refuse(std::errc::filename_too_long);
  const std::unique_lock lock(mutex_);
  const Outcome<Place> place = new_place(path);
  if (!place) return std::unexpected(place.error());
  add(*place, FileType::symlink, 0777).target = target;
  return {};
}

Outcome<void> MemoryTree::truncate(std::string_view path, std::uint64_t size) {
  const std::shared_lock lock(mutex_);
  const Outcome<Place> place = walk(path, true);
  if (!place) return std::unexpected(place.error());
  const Outcome<MemoryNode*> node = this->existing(*place, {.write = true});
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
