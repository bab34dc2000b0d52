#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/fs/detail/copy_below.hpp>
#include <leash/fs/detail/memory_dir.hpp>
#include <leash/fs/detail/memory_file.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/detail/named.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/path.hpp>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using detail::Outcome;
using Removable = detail::MemoryTree::Removable;

/// The Error of an operation that walks a path without having checked it.
std::unexpected<Error> failed(std::string_view operation, std::string_view path, std::error_code code) {
  const std::string_view defect = path_defect(path);
  if (!defect.empty()) return fail(operation, path, std::errc::invalid_argument, defect);
  return fail(operation, path, code);
}

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
  const auto written = tree.write(**file, 0, std::as_bytes(std::span(entry.content)));
  if (!written) reject(entry.path, written.error().message());
}

}  // namespace

MemoryFS::MemoryFS() : MemoryFS(Options{}, {}) {}

MemoryFS::MemoryFS(std::initializer_list<Entry> entries) : MemoryFS(Options{}, entries) {}

MemoryFS::MemoryFS(leash::detail::Ref<detail::MemoryTree> tree) noexcept
    : FileSystem(ChecksPaths{}), tree_(std::move(tree)) {}

// Delegates, so that the destructor runs if an entry is rejected.
MemoryFS::MemoryFS(const Options& options, std::initializer_list<Entry> entries)
    : MemoryFS(detail::MemoryTree::make({options.clock, options.umask, options.capacity, options.crash_clones})) {
  for (const Entry& entry : entries) add_entry(*tree_, entry);
  if (!options.crash_clones || entries.size() == 0) return;
  // What it begins with is no change of it, as with a clone.
  const auto built = std::exchange(tree_, tree_->clone(std::nullopt));
  built->dispose();
}

MemoryFS MemoryFS::with(const Options& options, std::initializer_list<Entry> entries) { return {options, entries}; }

MemoryFS::~MemoryFS() { tree_->dispose(); }

MemoryFS MemoryFS::clone() const { return MemoryFS(tree_->clone(std::nullopt)); }

MemoryFS MemoryFS::crash_clone(std::uint64_t seed) const { return MemoryFS(tree_->clone(seed)); }

/// Fails if `files` leads to this file system, through whatever decorators: the device of each MemoryFS is its own.
Result<void> MemoryFS::check_other(std::string_view operation, Call call, FileSystem& files, std::string_view path) {
  const Result<FileInfo> info = files.stat(call, path);
  if (!info) return std::unexpected(info.error());
  if (info->device != tree_->device()) return {};
  return fail(operation, path, std::errc::invalid_argument, "a copy into itself");
}

Result<void> MemoryFS::load(Call call, FileSystem& files, PathArg path) {
  if (auto other = check_other("load", call, files, path); !other) return other;
  return detail::copy_below(call, "load", files, path, *this, ".");
}

Result<void> MemoryFS::store(Call call, FileSystem& files, PathArg path) {
  if (auto other = check_other("store", call, files, path); !other) return other;
  return detail::copy_below(call, "store", *this, ".", files, path);
}

std::string MemoryFS::dump() const { return tree_->dump(); }

Result<std::unique_ptr<File>> MemoryFS::do_open(Call, std::string_view path, const OpenOptions& options) {
  auto node = tree_->open(path, options);
  if (!node) return failed("open", path, node.error());
  return detail::MemoryFile::make(*std::move(node), path, options);
}

Result<std::unique_ptr<Dir>> MemoryFS::do_open_dir(Call, std::string_view path) {
  auto node = tree_->open_dir(path);
  if (!node) return fail("open_dir", path, node.error());
  return std::make_unique<detail::MemoryDir>(*std::move(node), path);
}

Result<FileInfo> MemoryFS::do_stat(Call, std::string_view path) {
  Result<FileInfo> info(std::in_place);
  if (const std::error_code error = tree_->stat(path, true, *info)) info = failed("stat", path, error);
  return info;
}

Result<FileInfo> MemoryFS::do_lstat(Call, std::string_view path) {
  Result<FileInfo> info(std::in_place);
  if (const std::error_code error = tree_->stat(path, false, *info)) info = failed("lstat", path, error);
  return info;
}

Result<std::vector<DirEntry>> MemoryFS::do_read_dir(Call, std::string_view path) {
  const auto node = tree_->open_dir(path);
  if (!node) return fail("read_dir", path, node.error());
  return tree_->list(**node);
}

Result<std::vector<FileInfo>> MemoryFS::do_read_dir_info(Call, std::string_view path) {
  const auto node = tree_->open_dir(path);
  if (!node) return fail("read_dir_info", path, node.error());
  return tree_->list_info(**node);
}

Result<void> MemoryFS::do_mkdir(Call, std::string_view path, std::uint32_t mode) {
  return detail::named("mkdir", path, tree_->mkdir(path, mode));
}

Result<void> MemoryFS::do_mkdir_all(Call, std::string_view path, std::uint32_t mode) {
  return detail::named("mkdir_all", path, tree_->mkdir_all(path, mode));
}

Result<void> MemoryFS::do_remove(Call, std::string_view path) {
  return detail::named("remove", path, tree_->remove(path, Removable::any));
}

Result<void> MemoryFS::do_remove_file(Call, std::string_view path) {
  return detail::named("remove_file", path, tree_->remove(path, Removable::all_but_directories));
}

Result<void> MemoryFS::do_remove_dir(Call, std::string_view path) {
  return detail::named("remove_dir", path, tree_->remove(path, Removable::directories));
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

Result<void> MemoryFS::do_chmod(Call, std::string_view path, std::uint32_t mode) {
  return detail::named("chmod", path, tree_->chmod(path, mode));
}

Result<void> MemoryFS::do_set_times(Call, std::string_view path, std::optional<Clock::system_time_point> accessed,
                                    std::optional<Clock::system_time_point> modified) {
  return detail::named("set_times", path, tree_->set_times(path, accessed, modified));
}

Result<void> MemoryFS::do_truncate(Call, std::string_view path, std::uint64_t size) {
  return detail::named("truncate", path, tree_->truncate(path, size));
}

Result<void> MemoryFS::do_sync_dir(Call, std::string_view path) {
  const auto node = tree_->open_dir(path);
  if (!node) return fail("sync_dir", path, node.error());
  tree_->sync(**node);
  return {};
}

Result<Space> MemoryFS::do_space(Call, std::string_view path) {
  if (const Outcome<void> found = tree_->find(path); !found) return fail("space", path, found.error());
  const std::uint64_t capacity = std::min<std::uint64_t>(tree_->capacity(), INT64_MAX);
  const std::uint64_t free = capacity - std::min(tree_->used(), capacity);
  return Space{.capacity = capacity, .free = free, .available = free};
}

}  // namespace LEASH_NAMESPACE::fs
