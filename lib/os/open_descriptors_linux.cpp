#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/shortage.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::os {
namespace {

/// The value behind `key` in the text of a file of /proc, up to the end of the line; empty if the key is not there.
std::string_view value_of(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(std::min(text.find_first_not_of(" \t", at + key.size()), text.size()));
  return text.substr(0, text.find('\n'));
}

/// The first kilobyte of a file; empty if it cannot be read.
std::string read_small_file(const std::string& path) {
  const int file = open_own([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (file < 0) return {};
  std::array<char, 1024> buffer{};
  const ssize_t size = ::read(file, buffer.data(), buffer.size());
  close_own(file);
  return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

/// What asks statx(2) for the id of the mount; 0 where the system's headers do not have it.
#ifdef STATX_MNT_ID
constexpr unsigned statx_mount_id = STATX_MNT_ID;
#else
constexpr unsigned statx_mount_id = 0;
#endif

/// statx(2) of a descriptor. Not by a function of the C library, for which ThreadSanitizer would report a race with a
/// thread that closes the descriptor meanwhile: that is expected here.
bool stat_descriptor(int number, unsigned what, struct statx& status) noexcept {
  return ::syscall(SYS_statx, number, "", AT_EMPTY_PATH, what, &status) == 0;
}

std::uint64_t device_of(const struct statx& status) noexcept {
  return std::uint64_t{status.stx_dev_major} << 32U | status.stx_dev_minor;
}

void close_listing(DIR* directory) {
  const Closing closing(::dirfd(directory));
  ::closedir(directory);
}

/// For a process without a free descriptor, which could not open /proc/self/fd.
DescriptorList try_all_below_limit() {
  DescriptorList list;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return list;
  const auto end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, most_descriptors));
  for (int number = 0; number < end; ++number) {
    if (const auto found = open_descriptor(number)) list.push_back(*found);
  }
  return list;
}

}  // namespace

std::optional<OpenDescriptor> open_descriptor(int number) noexcept {
  struct statx status{};
  if (!stat_descriptor(number, STATX_INO, status)) return std::nullopt;
  return OpenDescriptor{number, device_of(status), status.stx_ino};
}

std::optional<OpenFile> open_file(int number) noexcept {
  struct statx status{};
  const int flags = ::fcntl(number, F_GETFL);
  if (flags == -1 || !stat_descriptor(number, STATX_INO | STATX_TYPE | statx_mount_id, status)) return std::nullopt;
  // The flags that fcntl(2) can change. O_NONBLOCK has no effect on regular files and directories, so no program
  // changes it there, and it may count.
  int changeable = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME;
  if (!S_ISREG(status.stx_mode) && !S_ISDIR(status.stx_mode)) changeable |= O_NONBLOCK;
  OpenFile file{device_of(status), status.stx_ino, 0, flags & ~changeable};
#ifdef STATX_MNT_ID
  if ((status.stx_mask & statx_mount_id) != 0) file.mount = status.stx_mnt_id;
#endif
  return file;
}

DescriptorList open_descriptors() {
  const int descriptor = open_own([] { return ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) {
    const bool out_of_resources = is_shortage(errno);
    return out_of_resources ? try_all_below_limit() : DescriptorList();
  }
  const std::unique_ptr<DIR, void (*)(DIR*)> directory(::fdopendir(descriptor), close_listing);
  if (!directory) {
    close_own(descriptor);
    return try_all_below_limit();
  }
  DescriptorList list;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size() || number == descriptor) continue;
    if (const auto found = open_descriptor(number)) list.push_back(*found);
  }
  std::ranges::sort(list);
  return list;
}

DescriptorUse descriptor_use() {
  DescriptorUse use;
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) use.limit = limit.rlim_cur;
  struct stat status{};
  const bool told = ::stat("/proc/self/fd", &status) == 0 && status.st_size > 0;
  use.open = told ? static_cast<std::uint64_t>(status.st_size) : open_descriptors().size();
  return use;
}

namespace {

/// `/tmp/x`, `pipe:[4712]`.
std::string link_of(int number) {
  const std::string digits = std::to_string(number);
  std::array<char, 512> target{};
  const ssize_t size = ::readlink(("/proc/self/fd/" + digits).c_str(), target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "descriptor " + digits;
}

bool is_write_end(int number) noexcept { return (::fcntl(number, F_GETFL) & O_ACCMODE) == O_WRONLY; }

}  // namespace

std::string name_of_descriptor(int number) {
  std::string name = link_of(number);
  if (const SocketEnds ends = socket_ends(number); !ends.protocol.empty()) return name + "; " + to_string(ends);
  const std::optional<OpenDescriptor> pipe = name.starts_with("pipe:[") ? open_descriptor(number) : std::nullopt;
  if (!pipe) return name;
  const bool writes = is_write_end(number);
  name.insert(0, writes ? "write end of " : "read end of ");
  const DescriptorList all = open_descriptors();
  const auto other = std::ranges::find_if(all, [&](const OpenDescriptor& each) {
    return each.device == pipe->device && each.inode == pipe->inode && is_write_end(each.number) != writes;
  });
  name += writes ? "; read end: " : "; write end: ";
  return name + (other == all.end() ? "not in this process" : "descriptor " + std::to_string(other->number));
}

DescriptorText describe_descriptor(int number) {
  const std::string digits = std::to_string(number);
  DescriptorText described;
  described.text = link_of(number);
  described.target = described.text.substr(0, described.text.find(":["));
  if (described.target == "anon_inode") described.target = described.text;
  if (const SocketEnds ends = socket_ends(number); !ends.protocol.empty()) {
    described.text.append("; ").append(to_string(ends));
    described.local = ends.protocol + " " + ends.local;
    if (!ends.peer.empty()) described.peer = ends.protocol + " " + ends.peer;
  }
  const std::string info = read_small_file("/proc/self/fdinfo/" + digits);
  if (const std::string_view flags = value_of(info, "flags:"); !flags.empty()) {
    described.text.append("; flags ").append(flags);
  }
  if (const std::string_view position = value_of(info, "pos:"); !position.empty()) {
    described.text.append("; position ").append(position);
  }
  return described;
}

std::string_view target_of_descriptor(std::string_view description) {
  return description.substr(0, description.rfind("; flags "));
}

}  // namespace LEASH_NAMESPACE::os
