#include <leash/fs/path.hpp>
#include <leash/fs/walk.hpp>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs {

Result<void> walk(Call call, FileSystem& files, std::string_view root, const WalkVisitor& visit) {
  struct Pending {
    std::string path;
    DirEntry entry;
  };
  const Result<FileInfo> info = files.lstat(call, root);
  if (!info) return std::unexpected(info.error());
  std::vector<Pending> pending{{std::string(root), {info->name, info->type}}};
  while (!pending.empty()) {
    const Pending here = std::move(pending.back());
    pending.pop_back();
    if (auto checked = call.context().check("walk", here.path); !checked) return checked;
    const WalkNext next = visit(here.path, here.entry, std::nullopt);
    if (next == WalkNext::stop) return {};
    if (next == WalkNext::skip_directory || !here.entry.is_directory()) continue;
    Result<std::vector<DirEntry>> entries = files.read_dir(call, here.path);
    if (!entries) {
      if (auto checked = call.context().check("walk", here.path); !checked) return checked;
      if (visit(here.path, here.entry, entries.error()) == WalkNext::stop) return {};
      continue;
    }
    for (DirEntry& entry : *entries | std::views::reverse) {
      std::string path = join(here.path, entry.name);
      pending.push_back({std::move(path), std::move(entry)});
    }
  }
  return {};
}

}  // namespace LEASH_NAMESPACE::fs
