#include <leash/context.hpp>
#include <leash/fs/copy_file.hpp>
#include <leash/fs/detail/copy_below.hpp>
#include <leash/fs/path.hpp>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// Success also if the failure is that what was to be copied, at `path`, has vanished.
template <class T>
Result<void> unless_vanished(Call call, FileSystem& files, std::string_view path, const Result<T>& result) {
  if (result) return {};
  if (result.error() == std::errc::no_such_file_or_directory) {
    const Result<FileInfo> there = files.lstat(call, path);
    if (!there && there.error() == std::errc::no_such_file_or_directory) return {};
  }
  return std::unexpected(result.error());
}

Result<void> copy_link(Call call, FileSystem& from_files, std::string_view from, FileSystem& to_files,
                       std::string_view to) {
  const Result<std::string> target = from_files.read_link(call, from);
  if (!target) return unless_vanished(call, from_files, from, target);
  Result<void> made = to_files.symlink(call, *target, to);
  if (made || made.error() != std::errc::file_exists) return made;
  if (Result<void> removed = to_files.remove_file(call, to); !removed) return removed;
  return to_files.symlink(call, *target, to);
}

}  // namespace

Result<void> copy_below(Call call, std::string_view operation, FileSystem& from_files, std::string_view from,
                        FileSystem& to_files, std::string_view to) {
  std::vector<std::pair<std::string, std::string>> pending;
  pending.emplace_back(from, to);
  while (!pending.empty()) {
    const auto [from_directory, to_directory] = std::move(pending.back());
    pending.pop_back();
    if (auto checked = call.context().check(operation, from_directory); !checked) return checked;
    const Result<std::vector<FileInfo>> entries = from_files.read_dir_info(call, from_directory);
    if (!entries) {
      if (from_directory == from) return std::unexpected(entries.error());
      if (auto known = unless_vanished(call, from_files, from_directory, entries); !known) return known;
      continue;
    }
    for (const FileInfo& entry : *entries) {
      std::string source = join(from_directory, entry.name);
      std::string target = join(to_directory, entry.name);
      Result<void> copied;
      if (entry.type == FileType::regular) {
        copied = unless_vanished(call, from_files, source,
                                 copy_file(call, from_files, source, to_files, target, {.overwrite = true}));
      } else if (entry.type == FileType::symlink) {
        copied = copy_link(call, from_files, source, to_files, target);
      } else if (entry.is_directory()) {
        copied = to_files.mkdir_all(call, target, (entry.mode & 0777U) | 0700U);
        if (copied) pending.emplace_back(std::move(source), std::move(target));
      } else {
        copied = fail(operation, source, std::errc::operation_not_supported, "neither file, directory nor link");
      }
      if (!copied) return copied;
    }
  }
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
