#include <leash/fs/detail/need.hpp>

namespace LEASH_NAMESPACE::fs::detail {

std::unexpected<Error> fail_unmet(std::string_view operation, std::string_view path, Access access, Need need) {
  if (need == Need::read && !access.read) {
    return fail(operation, path, std::errc::permission_denied, "not opened for reading");
  }
  if (need == Need::write && !access.write) {
    return fail(operation, path, std::errc::permission_denied, "not opened for writing");
  }
  return fail(operation, path, std::errc::is_a_directory);
}

}  // namespace LEASH_NAMESPACE::fs::detail
