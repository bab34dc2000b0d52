#include <leash/fs/detail/random_name.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/temp_dir.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

Result<TempDir> temp_dir(Call call, FileSystem& files, PathArg directory, std::string_view prefix) {
  const auto create = [&](std::string_view path) { return files.mkdir(call, path, 0700); };
  Result<std::string> path = detail::create_randomly_named(directory, prefix, create);
  if (!path) return std::unexpected(path.error());
  auto entry = detail::TempEntry::adopt(call, files, detail::TempEntry::Type::directory, *std::move(path), "temp_dir");
  if (!entry) return std::unexpected(entry.error());
  return TempDir(*std::move(entry));
}

}  // namespace LEASH_NAMESPACE::fs
