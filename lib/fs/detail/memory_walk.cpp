#include <leash/fs/detail/elements.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/errc.hpp>
#include <leash/fs/path.hpp>

namespace LEASH_NAMESPACE::fs::detail {

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

}  // namespace LEASH_NAMESPACE::fs::detail
