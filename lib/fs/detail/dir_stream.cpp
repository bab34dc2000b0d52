#include <fcntl.h>
#include <sys/stat.h>

#include <leash/fs/detail/dir_stream.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/os/own_descriptors.hpp>
#include <limits>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

FileType type_of_entry(int directory, const dirent& entry) noexcept {
  if (entry.d_type != DT_UNKNOWN) return to_type(static_cast<mode_t>(DTTOIF(entry.d_type)));
  struct stat status{};
  if (::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return FileType::unknown;
  return to_type(status.st_mode);
}

}  // namespace

Outcome<DirStream> DirStream::open(os::Descriptor descriptor) {
  DIR* const stream = ::fdopendir(descriptor.get());
  if (stream == nullptr) return refuse_last();
  static_cast<void>(descriptor.release());
  return DirStream(stream);
}

DirStream::DirStream(DirStream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}

DirStream& DirStream::operator=(DirStream&& other) noexcept {
  std::swap(stream_, other.stream_);
  return *this;
}

DirStream::~DirStream() {
  if (stream_ != nullptr) static_cast<void>(close());
}

Outcome<std::vector<DirEntry>> DirStream::read(std::size_t max) {
  std::vector<DirEntry> entries;
  while (entries.size() < max) {
    errno = 0;
    const dirent* const entry = ::readdir(stream_);
    if (entry == nullptr && errno != 0) return refuse_last();
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::string(name), type_of_entry(descriptor(), *entry)});
  }
  return entries;
}

Outcome<void> DirStream::close() {
  const os::Closing closing(descriptor());
  if (::closedir(std::exchange(stream_, nullptr)) != 0) return refuse_last();
  return {};
}

int DirStream::descriptor() const noexcept { return stream_ == nullptr ? -1 : ::dirfd(stream_); }

Outcome<std::vector<DirEntry>> list_all(os::Descriptor descriptor) {
  Outcome<DirStream> stream = DirStream::open(std::move(descriptor));
  if (!stream) return std::unexpected(stream.error());
  return stream->read(std::numeric_limits<std::size_t>::max());
}

}  // namespace LEASH_NAMESPACE::fs::detail
