#include <fcntl.h>

#include <cstdint>
#include <leash/fs/detail/disk_lock.hpp>
#include <leash/os/retry.hpp>

namespace LEASH_NAMESPACE::fs::detail {

Outcome<void> set_lock(int descriptor, std::optional<LockMode> mode, LockRange range) noexcept {
  struct flock lock{};
  lock.l_type = F_UNLCK;
  if (mode) lock.l_type = *mode == LockMode::shared ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(range.offset);
  // A range up to INT64_MAX is one to the end, for which fcntl(2) has the length 0. All bytes from 0 on are one more
  // than fit into `l_len`.
  const bool to_end = range.size == 0 || range.size - 1 == INT64_MAX - range.offset;
  lock.l_len = to_end ? 0 : static_cast<off_t>(range.size);
  if (os::retry([&] { return ::fcntl(descriptor, F_OFD_SETLK, &lock); }) != 0) return refuse_last();
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
