#include <leash/fs/dir.hpp>

namespace LEASH_NAMESPACE::fs {

Dir::~Dir() = default;

Result<FileInfo> Dir::do_stat(std::source_location) { return fail("stat", path(), std::errc::operation_not_supported); }

int Dir::do_native_handle() const noexcept { return -1; }

}  // namespace LEASH_NAMESPACE::fs
