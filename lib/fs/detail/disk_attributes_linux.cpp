#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <leash/fs/detail/disk_attributes.hpp>
#include <leash/os/retry.hpp>
#include <limits>
#include <string>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

#ifdef SYS_fchmodat2
constexpr long fchmodat2_number = SYS_fchmodat2;
#elif defined(__alpha__)
constexpr long fchmodat2_number = 562;
#else
constexpr long fchmodat2_number = 452;
#endif

timespec to_timespec(std::optional<Clock::system_time_point> time) noexcept {
  if (!time) return {0, UTIME_OMIT};
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t count = std::chrono::nanoseconds(time->time_since_epoch()).count();
  // Rounded down, also before 1970. Not by `floor`: the first second of the type begins before the type does.
  const std::int64_t rest = (count % second + second) % second;
  return {static_cast<time_t>(count / second - (count % second < 0 ? 1 : 0)), static_cast<long>(rest)};
}

/// The link of procfs that leads to what `descriptor` is open to, and not to whatever has that name now. That of the
/// thread, since its descriptors may be others than those of the process (unshare(2)).
std::string proc_link(int descriptor) { return "/proc/thread-self/fd/" + std::to_string(descriptor); }

/// The result of a system call on a `proc_link`.
Outcome<void> done_by_proc(int result) {
  if (result == 0) return {};
  if (errno == ENOENT) return refuse(std::errc::operation_not_supported);
  return refuse_last();
}

/// `blocks` of `size` bytes each. What a file system without limits says may be too much for the type.
std::uint64_t bytes_in(std::uint64_t blocks, std::uint64_t size) noexcept {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  return size != 0 && blocks > most / size ? most : blocks * size;
}

}  // namespace

TwoTimes to_two_times(std::optional<Clock::system_time_point> accessed,
                      std::optional<Clock::system_time_point> modified) noexcept {
  return {to_timespec(accessed), to_timespec(modified)};
}

Outcome<void> change_mode(int descriptor, mode_t mode) {
  // fchmod(2) refuses an O_PATH descriptor.
  if (os::retry([&] { return ::syscall(fchmodat2_number, descriptor, "", mode, AT_EMPTY_PATH); }) == 0) return {};
  // EPERM may be the word of a seccomp filter that does not know the call; the other way has the same answer if not.
  if (errno != ENOSYS && errno != EPERM) return refuse_last();
  const std::string link = proc_link(descriptor);
  return done_by_proc(os::retry([&] { return ::chmod(link.c_str(), mode); }));
}

Outcome<void> change_times(int descriptor, const TwoTimes& times) {
  // futimens(3) refuses an O_PATH descriptor.
  if (os::retry([&] { return ::utimensat(descriptor, "", times.data(), AT_EMPTY_PATH); }) == 0) return {};
  if (errno != EINVAL) return refuse_last();
  const std::string link = proc_link(descriptor);
  return done_by_proc(os::retry([&] { return ::utimensat(AT_FDCWD, link.c_str(), times.data(), 0); }));
}

Outcome<Space> space_of(int descriptor) {
  struct statvfs status{};
  if (os::retry([&] { return ::fstatvfs(descriptor, &status); }) != 0) return refuse_last();
  return Space{.capacity = bytes_in(status.f_blocks, status.f_frsize),
               .free = bytes_in(status.f_bfree, status.f_frsize),
               .available = bytes_in(status.f_bavail, status.f_frsize)};
}

}  // namespace LEASH_NAMESPACE::fs::detail
