#include <leash/fs/detail/disk_dir.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/fs/detail/named.hpp>
#include <leash/fs/path.hpp>

namespace LEASH_NAMESPACE::fs::detail {

Result<std::vector<DirEntry>> DiskDir::do_read(std::size_t max, std::source_location) {
  if (do_native_handle() < 0) return fail("read", path_, std::errc::bad_file_descriptor);
  return named("read", path_, stream_.read(max));
}

Result<FileInfo> DiskDir::do_stat(std::source_location) {
  return named("stat", path_, info_of(do_native_handle(), base_name(path_)));
}

Result<void> DiskDir::do_close(std::source_location) {
  if (do_native_handle() < 0) return fail("close", path_, std::errc::bad_file_descriptor);
  return named("close", path_, stream_.close());
}

}  // namespace LEASH_NAMESPACE::fs::detail
