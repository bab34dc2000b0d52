#include <leash/fs/dir.hpp>

namespace LEASH_NAMESPACE::fs {

Dir::~Dir() = default;

Result<std::vector<DirEntry>> Dir::read(std::size_t max, std::source_location site) { return do_read(max, site); }
Result<FileInfo> Dir::stat(std::source_location site) { return do_stat(site); }
Result<void> Dir::close(std::source_location site) { return do_close(site); }

Result<FileInfo> Dir::do_stat(std::source_location) { return fail("stat", path(), std::errc::operation_not_supported); }

int Dir::do_native_handle() const noexcept { return -1; }

}  // namespace LEASH_NAMESPACE::fs
