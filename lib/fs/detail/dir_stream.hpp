#pragma once

#include <dirent.h>

#include <array>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_info.hpp>
#include <leash/os/descriptor.hpp>
#include <memory>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The bytes that one getdents64(2) may fill: some hundred entries.
struct alignas(dirent64) DirBuffer {
  std::array<std::byte, std::size_t{32} << 10U> bytes;
};

/// Where a listing is in its DirBuffer.
struct DirPosition {
  std::size_t next = 0;
  std::size_t end = 0;
};

/// Lists an open directory, in pieces; owns its descriptor. Not thread-safe.
class DirStream {
 public:
  /// Takes over a descriptor that is open to a directory for reading.
  explicit DirStream(os::Descriptor directory) noexcept : directory_(std::move(directory)) {}

  /// The next entries without `.` and `..`, at most `max`, in any order; none at the end. After an error the listing
  /// goes on where it was.
  [[nodiscard]] Outcome<std::vector<DirEntry>> read(std::size_t max);

  [[nodiscard]] Outcome<void> close();

  /// -1 after `close`.
  int descriptor() const noexcept { return directory_.get(); }

 private:
  os::Descriptor directory_;
  std::unique_ptr<DirBuffer> buffer_;  ///< None before the first `read`.
  DirPosition position_;
};

/// All entries of a directory, in the order of the bytes of their names.
[[nodiscard]] Outcome<std::vector<DirEntry>> list_all(os::Descriptor directory);

/// The same with what lstat(2) says of each. An entry that is removed meanwhile is left out.
[[nodiscard]] Outcome<std::vector<FileInfo>> list_all_info(os::Descriptor directory);

}  // namespace LEASH_NAMESPACE::fs::detail
