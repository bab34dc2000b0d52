#include <leash/fs/write_file.hpp>

namespace LEASH_NAMESPACE::fs {

Result<void> write_file(Call call, FileSystem& files, PathArg path, std::string_view content, std::uint32_t mode) {
  const OpenOptions options{.write = true, .create = true, .truncate = true, .mode = mode};
  const Result<std::unique_ptr<File>> file = files.open(call, path, options);
  if (!file) return std::unexpected(file.error());
  const Result<void> written = (*file)->write(content, call.site());
  const Result<void> closed = (*file)->close(call.site());
  return written ? closed : written;
}

}  // namespace LEASH_NAMESPACE::fs
