#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <mutex>
#include <ranges>
#include <shared_mutex>
#include <span>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

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

std::vector<MemoryName*> sorted(const NameRing& ring) {
  std::vector<MemoryName*> names = ring.names();
  std::ranges::sort(names, {}, &MemoryName::text);
  return names;
}

}  // namespace

std::vector<DirEntry> MemoryTree::list(const MemoryNode& directory) {
  const std::shared_lock lock(lock_);
  const std::vector<MemoryName*> names = sorted(directory.directory.names);
  std::vector<DirEntry> entries;
  entries.reserve(names.size());
  for (const MemoryName* name : names) entries.emplace_back(std::string(name->text()), name->node->type);
  return entries;
}

std::vector<FileInfo> MemoryTree::list_info(const MemoryNode& directory) {
  const std::shared_lock lock(lock_);
  const std::vector<MemoryName*> names = sorted(directory.directory.names);
  std::vector<FileInfo> entries;
  entries.reserve(names.size());
  for (const MemoryName* name : names) entries.push_back(info(*name->node, name->text()));
  return entries;
}

MemoryName* MemoryTree::add_cursor(MemoryNode& directory) {
  MemoryName* const cursor = MemoryName::make(&directory, {}, 0, nullptr);
  const std::lock_guard lock(lock_);
  // The first place: behind all that are created from now on come those that there are.
  directory.directory.names.push_front(cursor);
  return cursor;
}

void MemoryTree::remove_cursor(MemoryName* cursor) noexcept {
  {
    const std::lock_guard lock(lock_);
    cursor->directory->directory.names.erase(cursor);
  }
  MemoryName::destroy(cursor);
}

std::vector<DirEntry> MemoryTree::list_next(MemoryName* cursor, std::size_t max) {
  std::vector<DirEntry> entries;
  const std::lock_guard lock(lock_);
  NameRing& ring = cursor->directory->directory.names;
  MemoryName* last_seen = nullptr;
  for (MemoryName* name = cursor->next; name != ring.first() && name != cursor && entries.size() < max;
       name = name->next) {
    last_seen = name;
    if (!name->is_cursor()) entries.emplace_back(std::string(name->text()), name->node->type);
  }
  if (last_seen != nullptr) ring.move_behind(cursor, last_seen);
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
    const std::vector<MemoryName*> names = sorted(directory.directory.names);
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

}  // namespace LEASH_NAMESPACE::fs::detail
