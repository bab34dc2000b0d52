#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <leash/fs/detail/dir_stream.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <span>
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

/// Fills `buffer` with the next entries, and returns how many bytes they have; 0 at the end.
///
/// Not readdir(3): opening its stream costs an fstat(2), an fcntl(2) and an allocation for each directory, which a walk
/// of many small ones would notice.
Outcome<std::size_t> read_some(int directory, std::span<std::byte> buffer) noexcept {
  const ssize_t size = os::retry([&] { return ::getdents64(directory, buffer.data(), buffer.size()); });
  // ENOENT: the directory was removed. It has no entries then.
  if (size < 0 && errno != ENOENT) return refuse_last();
  return size < 0 ? 0 : static_cast<std::size_t>(size);
}

/// The entry in front of `position.next`, which is moved behind it; null for `.` and `..`.
const dirent64* take_entry(const DirBuffer& buffer, DirPosition& position) noexcept {
  const auto* const entry = reinterpret_cast<const dirent64*>(&buffer.bytes[position.next]);
  position.next += entry->d_reclen;
  return is_dots(entry->d_name) ? nullptr : entry;
}

/// The entries of a whole directory, in the order of their names' bytes, as the system gave them. Most directories need
/// no memory for that but the stack's and that for the order.
class Listing {
 public:
  Outcome<void> read(int directory) {
    DirBuffer* buffer = &first_;
    DirPosition position;
    for (;;) {
      // Too little room for an entry would be an error.
      if (buffer->bytes.size() - position.end < least_room) {
        buffer = more_.emplace_back(std::make_unique_for_overwrite<DirBuffer>()).get();
        position = {};
      }
      const Outcome<std::size_t> size = read_some(directory, std::span(buffer->bytes).subspan(position.end));
      if (!size) return std::unexpected(size.error());
      if (*size == 0) break;
      if (entries_.empty()) entries_.reserve(*size / usual_size);
      position.end += *size;
      while (position.next != position.end) {
        if (const dirent64* const entry = take_entry(*buffer, position)) entries_.push_back(entry);
      }
    }
    std::ranges::sort(entries_,
                      [](const dirent64* a, const dirent64* b) { return std::strcmp(a->d_name, b->d_name) < 0; });
    return {};
  }

  std::span<const dirent64* const> entries() const noexcept { return entries_; }

 private:
  static constexpr std::size_t least_room = 4096;
  static constexpr std::size_t usual_size = 32;  ///< Of an entry, in bytes.

  DirBuffer first_;
  std::vector<std::unique_ptr<DirBuffer>> more_;
  std::vector<const dirent64*> entries_;
};

}  // namespace

Outcome<std::vector<DirEntry>> DirStream::read(std::size_t max) {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<DirBuffer>();
  std::vector<DirEntry> entries;
  while (entries.size() < max) {
    if (position_.next == position_.end) {
      const Outcome<std::size_t> size = read_some(descriptor(), buffer_->bytes);
      // What was listed before the error is not lost: the next call meets the error again.
      if (!size && entries.empty()) return std::unexpected(size.error());
      if (!size || *size == 0) break;
      position_ = {0, *size};
    }
    if (const dirent64* const entry = take_entry(*buffer_, position_)) {
      entries.emplace_back(std::string(entry->d_name), type_of_entry(descriptor(), *entry));
    }
  }
  return entries;
}

Outcome<void> DirStream::close() {
  if (os::close_own(directory_.release()) != 0) return refuse_last();
  return {};
}

Outcome<std::vector<DirEntry>> list_all(os::Descriptor directory) {
  Listing listing;
  if (const Outcome<void> listed = listing.read(directory.get()); !listed) return std::unexpected(listed.error());
  std::vector<DirEntry> entries;
  entries.reserve(listing.entries().size());
  for (const dirent64* const entry : listing.entries()) {
    entries.emplace_back(std::string(entry->d_name), type_of_entry(directory.get(), *entry));
  }
  return entries;
}

Outcome<std::vector<FileInfo>> list_all_info(os::Descriptor directory) {
  Listing listing;
  if (const Outcome<void> listed = listing.read(directory.get()); !listed) return std::unexpected(listed.error());
  std::vector<FileInfo> entries;
  entries.reserve(listing.entries().size());
  for (const dirent64* const entry : listing.entries()) {
    struct stat status{};
    if (lstat_at(directory.get(), entry->d_name, status)) {
      entries.push_back(to_info(status, entry->d_name));
    } else if (errno != ENOENT) {
      return refuse_last();
    }
  }
  return entries;
}

}  // namespace LEASH_NAMESPACE::fs::detail
