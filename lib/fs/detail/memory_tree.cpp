#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <leash/detail/escape.hpp>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/detail/memory_rare.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/errc.hpp>
#include <leash/fs/path.hpp>
#include <mutex>
#include <new>
#include <ranges>
#include <shared_mutex>
#include <span>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

using leash::detail::Ref;

/// A number that no device of the machine has: Linux's have 32 bits.
std::uint64_t new_device() {
  static constinit std::atomic<std::uint64_t> next{std::uint64_t{1} << 32U};
  return next.fetch_add(1, std::memory_order_relaxed);
}

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

std::string dump_content(const MemoryNode& node) {
  constexpr std::size_t shown = 60;
  std::string text(shown, '\0');
  const std::shared_lock lock(node.lock);
  text.resize(node.content.read(0, std::as_writable_bytes(std::span(text))));
  text = '"' + leash::detail::escape(text);
  if (node.content.size() > shown) text += "…";
  text += '"';
  if (node.content.size() > shown) text += " (" + std::to_string(node.content.size()) + " bytes)";
  return text;
}

/// The names in a directory, in the order of their creation. Called with the lock of its tree held.
std::vector<MemoryName*> names_of(const MemoryNode& directory) {
  std::vector<MemoryName*> names;
  if (MemoryName* const first = directory.directory.first; first != nullptr) {
    MemoryName* name = first;
    do {
      if (!name->is_cursor()) names.push_back(name);
      name = name->next;
    } while (name != first);
  }
  return names;
}

std::vector<MemoryName*> sorted_names_of(const MemoryNode& directory) {
  std::vector<MemoryName*> names = names_of(directory);
  std::ranges::sort(names, {}, &MemoryName::text);
  return names;
}

bool is_empty(const MemoryNode& directory) {
  MemoryName* const first = directory.directory.first;
  if (first == nullptr) return true;
  const MemoryName* name = first;
  do {
    if (!name->is_cursor()) return false;
    name = name->next;
  } while (name != first);
  return true;
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

// Nodes, and the memory for them.

// The tree lies at the end of its first page of nodes: an empty MemoryFS is one allocation.
static_assert(sizeof(MemoryTree) + sizeof(MemoryNode) <= sizeof(MemoryNodePage::memory));

Ref<MemoryTree> MemoryTree::make(const Options& options) {
  void* const memory = std::aligned_alloc(sizeof(MemoryNodePage), sizeof(MemoryNodePage));
  if (memory == nullptr) throw std::bad_alloc();
  auto* const place = static_cast<std::byte*>(memory) + sizeof(MemoryNodePage) - sizeof(MemoryTree);
  auto* const page = new (memory) MemoryNodePage(reinterpret_cast<MemoryTree*>(place), 1);
  MemoryTree* made = nullptr;
  try {
    made = new (place) MemoryTree(options, page);
  } catch (...) {
    std::free(memory);
    throw;
  }
  Ref<MemoryTree> tree(made);
  tree->root_ = tree->make_node(FileType::directory, 0777 & ~options.umask);
  tree->root_->links = 2;
  return tree;
}

MemoryTree::MemoryTree(const Options& options, MemoryNodePage* first_page)
    : clock_(options.clock ? options.clock : Clock::real()),
      umask_(options.umask),
      capacity_(options.capacity),
      crash_clones_(options.crash_clones),
      device_(new_device()),
      journal_(options.crash_clones ? std::make_unique<Journal>() : nullptr),
      page_(first_page) {}

MemoryTree::~MemoryTree() {
  for (MemoryNodePage* const run : page_runs_) std::free(run);
}

void destroy(MemoryTree* tree) noexcept {
  MemoryNodePage& first_page = MemoryNodePage::of(tree);
  tree->~MemoryTree();
  std::free(&first_page);
}

/// Goes to the next page to take nodes from.
void MemoryTree::turn_page() {
  const std::uint64_t first_id = page_->first_id + MemoryNodePage::nodes;
  if (pages_left_ != 0) {
    page_ = new (page_ + 1) MemoryNodePage(this, first_id);
    --pages_left_;
  } else {
    // Runs of pages, since single ones would lie apart.
    const std::size_t count = std::size_t{1} << std::min<std::size_t>(page_runs_.size(), 6);
    page_runs_.reserve(page_runs_.size() + 1);
    void* const run = std::aligned_alloc(sizeof(MemoryNodePage), count * sizeof(MemoryNodePage));
    if (run == nullptr) throw std::bad_alloc();
    page_ = new (run) MemoryNodePage(this, first_id);
    page_runs_.push_back(page_);
    pages_left_ = count - 1;
  }
  taken_of_page_ = 0;
  nodes_in_page_ = MemoryNodePage::nodes;
}

NodeRef MemoryTree::make_node(FileType type, std::uint32_t mode) {
  const Clock::system_time_point time = now();
  if (free_ == nullptr) free_ = given_back_.exchange(nullptr, std::memory_order_acquire);
  void* memory = free_;
  if (memory != nullptr) {
    free_ = free_->next;
  } else {
    if (taken_of_page_ == nodes_in_page_) turn_page();
    memory = page_->memory.data() + (taken_of_page_ * sizeof(MemoryNode));
    ++taken_of_page_;
  }
  add_ref();
  return NodeRef(new (memory) MemoryNode(type, mode, time));
}

void destroy(MemoryNode* node) noexcept {
  MemoryTree& tree = node->tree();
  if (tree.limited() && node->type == FileType::regular) tree.give_room(node->content.stored());
  node->~MemoryNode();
  auto* const free =
      new (static_cast<void*>(node)) MemoryTree::FreeNode{tree.given_back_.load(std::memory_order_relaxed)};
  while (
      !tree.given_back_.compare_exchange_weak(free->next, free, std::memory_order_release, std::memory_order_relaxed)) {
  }
  if (tree.drop_ref()) destroy(&tree);
}

void MemoryTree::dispose() noexcept {
  Removed removed;
  NodeRef root;
  std::unique_ptr<Journal> journal;
  const std::lock_guard lock(lock_);
  journal = std::move(journal_);
  root = std::move(root_);
  while (MemoryName* const first = root->directory.first) {
    if (first->is_cursor()) {
      take_from_ring(first, root->directory.first);
    } else {
      unlink_tree(first, removed);
    }
  }
}

// The rings of names.

void MemoryTree::put_in_ring(MemoryName* name, MemoryName*& first) noexcept {
  if (first == nullptr) {
    first = name->next = name->previous = name;
    return;
  }
  name->next = first;
  name->previous = first->previous;
  first->previous->next = name;
  first->previous = name;
}

void MemoryTree::take_from_ring(MemoryName* name, MemoryName*& first) noexcept {
  if (first == name) first = name->next == name ? nullptr : name->next;
  name->previous->next = name->next;
  name->next->previous = name->previous;
  name->next = name->previous = name;
}

// Walks.

Outcome<MemoryName*> MemoryTree::find_child(const MemoryNode& directory, std::string_view name) const {
  if (name.size() > max_name_size) return refuse(std::errc::filename_too_long);
  return names_.find(&directory, name, NameTable::hash(&directory, name));
}

/// Follows `path` to its end, which need not exist. A link at the end is followed if `follow` is set. With `create`, a
/// name at the end that must be a directory is `is_a_directory`, as for open(2) with O_CREAT. The text of the result
/// may refer to `storage`.
Outcome<MemoryTree::PathEnd> MemoryTree::walk(std::string_view path, bool follow, std::string& storage,
                                              bool create) const {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  if (path == ".") return PathEnd{root_.get(), path, nullptr, root_.get()};
  MemoryNode* directory = root_.get();
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view text = rest.substr(0, slash);
    if (text.empty() || text == "." || text == "..") return refuse(std::errc::invalid_argument);
    if (text.size() > max_name_size) return refuse(std::errc::filename_too_long);
    MemoryName* const name = names_.find(directory, text, NameTable::hash(directory, text));
    MemoryNode* const node = name == nullptr ? nullptr : name->node.get();
    const bool last = slash == std::string_view::npos;
    if (node != nullptr && node->is_symlink() && (follow || !last)) return walk_links(path, follow, storage, create);
    if (last) return PathEnd{directory, text, name, node};
    if (node == nullptr) return refuse(std::errc::no_such_file_or_directory);
    if (!node->is_directory()) return refuse(std::errc::not_a_directory);
    directory = node;
    rest.remove_prefix(slash + 1);
  }
}

/// `walk` where there are symbolic links to follow.
Outcome<MemoryTree::PathEnd> MemoryTree::walk_links(std::string_view path, bool follow, std::string& storage,
                                                    bool create) const {
  if (!valid_path(path)) return refuse(std::errc::invalid_argument);
  Elements elements(path);
  MemoryNode* directory = root_.get();
  for (;;) {
    const std::string_view text = elements.take();
    if (text == "..") {
      if (directory == root_.get()) return refuse(errc::escapes_root);
      directory = directory->directory.name->directory;
    } else if (text != ".") {
      if (create && elements.taken_is_last() && elements.taken_has_slash()) return refuse(std::errc::is_a_directory);
      const Outcome<MemoryName*> name = find_child(*directory, text);
      if (!name) return std::unexpected(name.error());
      MemoryNode* const node = *name == nullptr ? nullptr : (*name)->node.get();
      if (node != nullptr && node->is_symlink() &&
          (follow || !elements.taken_is_last() || elements.taken_has_slash())) {
        if (const std::error_code error = elements.expand(node->target())) return std::unexpected(error);
        continue;
      }
      if (elements.taken_is_last()) {
        storage = text;
        return PathEnd{directory, storage, *name, node, elements.taken_has_slash()};
      }
      if (node == nullptr) return refuse(std::errc::no_such_file_or_directory);
      if (!node->is_directory()) return refuse(std::errc::not_a_directory);
      directory = node;
    }
    if (elements.taken_is_last()) return PathEnd{directory, ".", nullptr, directory};
  }
}

/// What `path` leads to.
Outcome<MemoryNode*> MemoryTree::walk_to_node(std::string_view path, bool follow) const {
  std::string storage;
  const Outcome<PathEnd> end = walk(path, follow, storage);
  if (!end) return std::unexpected(end.error());
  if (end->node == nullptr) return refuse(std::errc::no_such_file_or_directory);
  if (end->must_be_directory && !end->node->is_directory()) return refuse(std::errc::not_a_directory);
  return end->node;
}

Outcome<MemoryNode*> MemoryTree::walk_to_directory(std::string_view path) const {
  const Outcome<MemoryNode*> node = walk_to_node(path, true);
  if (node && !(*node)->is_directory()) return refuse(std::errc::not_a_directory);
  return node;
}

/// The end of `path`, if that name is free; else `file_exists`.
Outcome<MemoryTree::PathEnd> MemoryTree::walk_to_free_name(std::string_view path, std::string& storage) const {
  Outcome<PathEnd> end = walk(path, false, storage);
  if (end && end->node != nullptr) return refuse(std::errc::file_exists);
  return end;
}

Outcome<void> MemoryTree::find(std::string_view path) {
  const std::shared_lock lock(lock_);
  const Outcome<MemoryNode*> node = walk_to_node(path, true);
  if (!node) return std::unexpected(node.error());
  return {};
}

// Names.

/// Gives `node` the free name `text` in `directory`. Throws `std::bad_alloc`, with nothing changed.
MemoryNode& MemoryTree::add(MemoryNode& directory, std::string_view text, NodeRef node, Clock::system_time_point time) {
  MemoryNode& added = *node;
  names_.reserve_one();
  begin_operation();
  record(directory, text, nullptr);
  MemoryName* const name = MemoryName::make(&directory, text, NameTable::hash(&directory, text), std::move(node));
  names_.insert(name);
  put_in_ring(name, directory.directory.first);
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
  take_from_ring(name, directory.directory.first);
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
    MemoryName* const below = here->node->is_directory() ? here->node->directory.first : nullptr;
    if (below != nullptr && below->is_cursor()) {
      take_from_ring(below, here->node->directory.first);
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
  if (end->node->is_directory() && !is_empty(*end->node)) return refuse(std::errc::directory_not_empty);
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
    if (target->is_directory() && !is_empty(*target)) return refuse(std::errc::directory_not_empty);
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
    put_in_ring(name, to_directory->directory.first);
  }
  names_.erase(source_name);
  take_from_ring(source_name, from_directory->directory.first);
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

// Lists.

std::vector<DirEntry> MemoryTree::list(const MemoryNode& directory) {
  const std::shared_lock lock(lock_);
  const std::vector<MemoryName*> names = sorted_names_of(directory);
  std::vector<DirEntry> entries;
  entries.reserve(names.size());
  for (const MemoryName* name : names) entries.emplace_back(std::string(name->text()), name->node->type);
  return entries;
}

std::vector<FileInfo> MemoryTree::list_info(const MemoryNode& directory) {
  const std::shared_lock lock(lock_);
  const std::vector<MemoryName*> names = sorted_names_of(directory);
  std::vector<FileInfo> entries;
  entries.reserve(names.size());
  for (const MemoryName* name : names) entries.push_back(info(*name->node, name->text()));
  return entries;
}

MemoryName* MemoryTree::add_cursor(MemoryNode& directory) {
  MemoryName* const cursor = MemoryName::make(&directory, {}, 0, nullptr);
  const std::lock_guard lock(lock_);
  // The first place: behind all that are created from now on come those that there are.
  put_in_ring(cursor, directory.directory.first);
  directory.directory.first = cursor;
  return cursor;
}

void MemoryTree::remove_cursor(MemoryName* cursor) noexcept {
  {
    const std::lock_guard lock(lock_);
    take_from_ring(cursor, cursor->directory->directory.first);
  }
  MemoryName::destroy(cursor);
}

std::vector<DirEntry> MemoryTree::list_next(MemoryName* cursor, std::size_t max) {
  std::vector<DirEntry> entries;
  const std::lock_guard lock(lock_);
  MemoryName*& first = cursor->directory->directory.first;
  MemoryName* last_seen = nullptr;
  for (MemoryName* name = cursor->next; name != first && name != cursor && entries.size() < max; name = name->next) {
    last_seen = name;
    if (!name->is_cursor()) entries.emplace_back(std::string(name->text()), name->node->type);
  }
  if (last_seen == nullptr) return entries;
  // Moves the cursor behind what was seen.
  take_from_ring(cursor, first);
  cursor->next = last_seen->next;
  cursor->previous = last_seen;
  last_seen->next->previous = cursor;
  last_seen->next = cursor;
  return entries;
}

std::string MemoryTree::dump() {
  struct Pending {
    const MemoryName* name;
    std::string path;
  };
  std::string text;
  const std::shared_lock lock(lock_);
  std::vector<Pending> pending;
  const auto add_all = [&](const MemoryNode& directory, const std::string& prefix) {
    const std::vector<MemoryName*> names = sorted_names_of(directory);
    for (const MemoryName* const name : names | std::views::reverse) {
      pending.emplace_back(name, prefix + std::string(name->text()));
    }
  };
  add_all(*root_, "");
  while (!pending.empty()) {
    const Pending here = std::move(pending.back());
    pending.pop_back();
    const MemoryNode& node = *here.name->node;
    text += leash::detail::escape(here.path);
    if (node.is_directory()) {
      text += "/\n";
      add_all(node, here.path + '/');
    } else if (node.is_symlink()) {
      text += " -> " + leash::detail::escape(node.target()) + '\n';
    } else {
      text += ' ' + dump_content(node) + '\n';
    }
  }
  return text;
}

// Content, and the room that it takes.

bool MemoryTree::take_room(std::uint64_t bytes) noexcept {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    // A file that is extended within a chunk may take more than there is.
    if (used > capacity_ || bytes > capacity_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

/// Writes at `offset` or, if there is none, at the end. Returns the offset behind what was written.
Outcome<std::uint64_t> MemoryTree::write(MemoryNode& node, std::optional<std::uint64_t> offset,
                                         std::span<const std::byte> data) {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  const std::uint64_t begin = offset ? *offset : node.content.size();
  if (data.size() > INT64_MAX - begin) return refuse(std::errc::file_too_large);
  if (limited() && !take_room(node.content.growth(begin, data.size()))) return refuse(std::errc::no_space_on_device);
  before_change(node, begin, data.size());
  node.content.write(begin, data);
  node.modified = node.changed = time;
  return begin + data.size();
}

void MemoryTree::set_size(MemoryNode& node, std::uint64_t size) {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  before_cut(node, size);
  if (limited()) {
    const std::uint64_t before = node.content.stored();
    node.content.truncate(size);
    // More than before only in the chunk that the file ended in.
    used_.fetch_add(node.content.stored() - before, std::memory_order_relaxed);
  } else {
    node.content.truncate(size);
  }
  node.modified = node.changed = time;
}

Outcome<void> MemoryTree::allocate(MemoryNode& node, std::uint64_t offset, std::uint64_t size) {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  if (limited()) {
    // First whether all that is stored could lie in the range: `growth` takes time for each chunk of it.
    const std::uint64_t room = capacity_ - std::min(used(), capacity_);
    if (size > room && size - room > node.content.stored()) return refuse(std::errc::no_space_on_device);
    if (!take_room(node.content.growth(offset, size))) return refuse(std::errc::no_space_on_device);
    before_change(node, offset, size);
    node.content.allocate(offset, size);
  } else {
    before_change(node, offset, 0);
    if (offset + size > node.content.size()) node.content.truncate(offset + size);
  }
  node.modified = node.changed = time;
  return {};
}

/// Maps a range, which gets all the room that it needs. A block of null: see `Content::map`.
Outcome<Content::Mapped> MemoryTree::map(MemoryNode& node, std::uint64_t offset, std::size_t size) {
  const std::lock_guard lock(node.lock);
  const std::uint64_t end = node.content.size();
  if (offset > end || size > end - offset) return refuse(std::errc::invalid_argument);
  const std::uint64_t growth = limited() ? node.content.growth(offset, size) : 0;
  if (growth != 0 && !take_room(growth)) return refuse(std::errc::no_space_on_device);
  try {
    const Content::Mapped mapped = node.content.map(offset, size);
    if (mapped.block == nullptr) give_room(growth);
    return mapped;
  } catch (const std::bad_alloc&) {
    give_room(growth);
    return refuse(std::errc::not_enough_memory);
  }
}

void MemoryTree::set_mode(MemoryNode& node, std::uint32_t mode) const {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  node.mode = static_cast<std::uint16_t>(mode);
  node.changed = time;
}

void MemoryTree::set_times(MemoryNode& node, std::optional<Clock::system_time_point> accessed,
                           std::optional<Clock::system_time_point> modified) const {
  const Clock::system_time_point time = now();
  const std::lock_guard lock(node.lock);
  if (accessed) node.accessed = *accessed;
  if (modified) node.modified = *modified;
  node.changed = time;
}

}  // namespace LEASH_NAMESPACE::fs::detail
