#include <unistd.h>

#include <leash/fs/detail/copy_range.hpp>
#include <leash/os/retry.hpp>

namespace LEASH_NAMESPACE::fs::detail {

// Where files can share their blocks (Btrfs, XFS), copy_file_range(2) makes them do so, as the ioctl FICLONE does. It
// copies nothing and reports no error for files of /proc and the like, whose size is said to be 0.
std::size_t copy_range(int from, int to, std::size_t size) noexcept {
  const ssize_t count = os::retry([&] { return ::copy_file_range(from, nullptr, to, nullptr, size, 0); });
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

}  // namespace LEASH_NAMESPACE::fs::detail
