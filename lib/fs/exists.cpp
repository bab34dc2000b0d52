#include <leash/fs/exists.hpp>

namespace LEASH_NAMESPACE::fs {

Result<bool> exists(Call call, FileSystem& files, PathArg path) {
  const Result<FileInfo> info = files.stat(call, path);
  if (info) return true;
  if (info.error() == std::errc::no_such_file_or_directory || info.error() == std::errc::not_a_directory) return false;
  return std::unexpected(info.error());
}

}  // namespace LEASH_NAMESPACE::fs
