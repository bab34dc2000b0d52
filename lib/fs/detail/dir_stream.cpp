#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <leash/fs/detail/dir_stream.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

bool lstat_at(int directory, const char* name, struct stat& status) noexcept {
  return os::retry([&] { return ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW); }) == 0;
}

FileType type_of_entry(int directory, const dirent64& entry) noexcept {
  if (entry.d_type != DT_UNKNOWN) return to_type(static_cast<mode_t>(DTTOIF(entry.d_type)));
  struct stat status{};
  return lstat_at(directory, entry.d_name, status) ? to_type(status.st_mode) : FileType::unknown;
}

bool is_dots(std::string_view name) noexcept { return name == "." || name == ".."; }

/// The next entry but `.` and `..`; null at the end. It is valid until the next call.
///
/// Not readdir(3): opening its stream costs an fstat(2), an fcntl(2) and an allocation for each directory, which a walk
/// of many small ones would notice.
Outcome<const dirent64*> next_entry(int directory, DirBuffer& buffer, DirPosition& position) {
  for (;;) {
    if (position.next == position.end) {
      const ssize_t size = os::retry([&] { return ::getdents64(directory, buffer.bytes, sizeof buffer.bytes); });
      // ENOENT: the directory was removed. It has no entries then.
      if (size < 0 && errno != ENOENT) return refuse_last();
      if (size <= 0) return nullptr;
      position = {0, static_cast<std::size_t>(size)};
    }
    const auto* const entry = reinterpret_cast<const dirent64*>(buffer.bytes + position.next);
    position.next += entry->d_reclen;
    if (!is_dots(entry->d_name)) return entry;
  }
}

}  // namespace

Outcome<std::vector<DirEntry>> DirStream::read(std::size_t max) {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<DirBuffer>();
  std::vector<DirEntry> entries;
  while (entries.size() < max) {
    const Outcome<const dirent64*> entry = next_entry(descriptor(), *buffer_, position_);
    // What was listed before the error is not lost: the next call meets the error again.
    if (!entry && entries.empty()) return std::unexpected(entry.error());
    if (!entry || *entry == nullptr) break;
    entries.emplace_back(std::string((*entry)->d_name), type_of_entry(descriptor(), **entry));
  }
  return entries;
}

Outcome<void> DirStream::close() {
  if (os::close_own(directory_.release()) != 0) return refuse_last();
  return {};
}

Outcome<std::vector<DirEntry>> list_all(os::Descriptor directory) {
  DirBuffer buffer;
  DirPosition position;
  std::vector<DirEntry> entries;
  for (;;) {
    const Outcome<const dirent64*> entry = next_entry(directory.get(), buffer, position);
    if (!entry) return std::unexpected(entry.error());
    if (*entry == nullptr) return entries;
    entries.emplace_back(std::string((*entry)->d_name), type_of_entry(directory.get(), **entry));
  }
}

Outcome<std::vector<FileInfo>> list_all_info(os::Descriptor directory) {
  DirBuffer buffer;
  DirPosition position;
  std::vector<FileInfo> entries;
  for (;;) {
    const Outcome<const dirent64*> entry = next_entry(directory.get(), buffer, position);
    if (!entry) return std::unexpected(entry.error());
    if (*entry == nullptr) return entries;
    struct stat status{};
    if (lstat_at(directory.get(), (*entry)->d_name, status)) {
      entries.push_back(to_info(status, (*entry)->d_name));
    } else if (errno != ENOENT) {
      return refuse_last();
    }
  }
}

}  // namespace LEASH_NAMESPACE::fs::detail
