#include <chrono>
#include <cstdint>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/os/retry.hpp>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// `time` as a time point; the nearest one there is for a year before 1677 or after 2262, which 64 bits of nanoseconds
/// cannot hold.
Clock::system_time_point to_time(const timespec& time) noexcept {
  using Time = Clock::system_time_point;
  constexpr std::int64_t first = std::chrono::floor<std::chrono::seconds>(Time::min()).time_since_epoch().count();
  constexpr std::int64_t last = std::chrono::floor<std::chrono::seconds>(Time::max()).time_since_epoch().count();
  if (time.tv_sec <= first) return Time::min();
  if (time.tv_sec >= last) return Time::max();
  return Time(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

FileType to_type(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::regular;
    case S_IFDIR:
      return FileType::directory;
    case S_IFLNK:
      return FileType::symlink;
    case S_IFIFO:
      return FileType::fifo;
    case S_IFSOCK:
      return FileType::socket;
    case S_IFBLK:
      return FileType::block_device;
    case S_IFCHR:
      return FileType::character_device;
    default:
      return FileType::unknown;
  }
}

FileInfo to_info(const struct stat& status, std::string_view name) {
  FileInfo info;
  info.name = name;
  info.type = to_type(status.st_mode);
  info.mode = status.st_mode & 07777;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.links = status.st_nlink;
  info.device = status.st_dev;
  info.id = status.st_ino;
  info.modified = to_time(status.st_mtim);
  info.accessed = to_time(status.st_atim);
  info.changed = to_time(status.st_ctim);
  return info;
}

Outcome<FileInfo> info_of(int descriptor, std::string_view name) {
  struct stat status{};
  if (os::retry([&] { return ::fstat(descriptor, &status); }) != 0) return refuse_last();
  return to_info(status, name);
}

}  // namespace LEASH_NAMESPACE::fs::detail
