#include <leash/detail/escape.hpp>
#include <leash/fs/detail/memory_file.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/detail/named.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/path.hpp>
#include <limits>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

[[noreturn]] void reject(std::string_view path, std::string_view why) {
  throw std::logic_error("leash: MemoryFS: entry \"" + leash::detail::escape(path) + "\": " + std::string(why));
}

void reject_failure(const detail::Outcome<void>& outcome, std::string_view path) {
  if (!outcome) reject(path, outcome.error().message());
}

void add_entry(detail::MemoryTree& tree, const MemoryFS::Entry& entry) {
  std::string_view path = entry.path;
  const bool directory = path.ends_with('/');
  if (directory) path.remove_suffix(1);
  if (const std::string_view defect = path_defect(path); !defect.empty()) reject(entry.path, defect);
  if (path == ".") reject(entry.path, "it is the root");
  if (directory) {
    if (!entry.content.empty()) reject(entry.path, "a directory with content");
    reject_failure(tree.mkdir_all(path, 0777), entry.path);
    return;
  }
  if (path.contains('/')) reject_failure(tree.mkdir_all(parent_path(path), 0777), entry.path);
  const auto file = tree.open(path, {.write = true, .create = true, .exclusive = true});
  if (!file) reject(entry.path, file.error().message());
  (*file)->content.write(0, std::as_bytes(std::span(entry.content)));
}

}  // namespace

MemoryFS::MemoryFS() : MemoryFS(Options{}, {}) {}

MemoryFS::MemoryFS(std::initializer_list<Entry> entries) : MemoryFS(Options{}, entries) {}

MemoryFS::MemoryFS(const Options& options, std::initializer_list<Entry> entries)
    : tree_(std::make_shared<detail::MemoryTree>(options.clock, options.umask)) {
  for (const Entry& entry : entries) add_entry(*tree_, entry);
}

MemoryFS MemoryFS::with(const Options& options, std::initializer_list<Entry> entries) { return {options, entries}; }

MemoryFS::~MemoryFS() = default;

std::string MemoryFS::dump() const { return tree_->dump(); }

Result<std::unique_ptr<File>> MemoryFS::do_open(Call, std::string_view path, const OpenOptions& options) {
  auto node = tree_->open(path, options);
  if (!node) return fail("open", path, node.error());
  return std::make_unique<detail::MemoryFile>(tree_, *std::move(node), path, options);
}

Result<std::unique_ptr<Dir>> MemoryFS::do_open_dir(Call, std::string_view path) {
  auto node = tree_->open_dir(path);
  if (!node) return fail("open_dir", path, node.error());
  return std::make_unique<detail::MemoryDir>(tree_, *std::move(node), path);
}

Result<FileInfo> MemoryFS::do_stat(Call, std::string_view path) {
  return detail::named("stat", path, tree_->stat(path, true));
}

Result<FileInfo> MemoryFS::do_lstat(Call, std::string_view path) {
  return detail::named("lstat", path, tree_->stat(path, false));
}

Result<std::vector<DirEntry>> MemoryFS::do_read_dir(Call, std::string_view path) {
  const auto node = tree_->open_dir(path);
  if (!node) return fail("read_dir", path, node.error());
  return tree_->list(**node, {}, std::numeric_limits<std::size_t>::max());
}

Result<void> MemoryFS::do_mkdir(Call, std::string_view path, std::uint32_t mode) {
  return detail::named("mkdir", path, tree_->mkdir(path, mode));
}

Result<void> MemoryFS::do_mkdir_all(Call, std::string_view path, std::uint32_t mode) {
  return detail::named("mkdir_all", path, tree_->mkdir_all(path, mode));
}

Result<void> MemoryFS::do_remove(Call, std::string_view path) {
  return detail::named("remove", path, tree_->remove(path));
}

Result<void> MemoryFS::do_remove_all(Call, std::string_view path) {
  return detail::named("remove_all", path, tree_->remove_all(path));
}

Result<void> MemoryFS::do_rename(Call, std::string_view from, std::string_view to) {
  return detail::named("rename", from, to, tree_->rename(from, to));
}

Result<void> MemoryFS::do_link(Call, std::string_view existing, std::string_view path) {
  return detail::named("link", existing, path, tree_->link(existing, path));
}

Result<void> MemoryFS::do_symlink(Call, std::string_view target, std::string_view path) {
  return detail::named("symlink", path, tree_->symlink(target, path));
}

Result<std::string> MemoryFS::do_read_link(Call, std::string_view path) {
  return detail::named("read_link", path, tree_->read_link(path));
}

Result<void> MemoryFS::do_truncate(Call, std::string_view path, std::uint64_t size) {
  return detail::named("truncate", path, tree_->truncate(path, size));
}

Result<void> MemoryFS::do_sync_dir(Call, std::string_view path) {
  const auto node = tree_->open_dir(path);
  if (!node) return fail("sync_dir", path, node.error());
  return {};
}

}  // namespace LEASH_NAMESPACE::fs
