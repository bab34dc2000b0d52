#pragma once

#include <dirent.h>

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/os/descriptor.hpp>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// Lists an open directory, in pieces; owns its descriptor. Not thread-safe.
class DirStream {
 public:
  /// Takes over a descriptor that is open to a directory for reading; closes it on failure.
  [[nodiscard]] static Outcome<DirStream> open(os::Descriptor descriptor);

  DirStream(DirStream&& other) noexcept;
  DirStream& operator=(DirStream&& other) noexcept;
  ~DirStream();

  /// The next entries without `.` and `..`, at most `max`, in any order; none at the end.
  [[nodiscard]] Outcome<std::vector<DirEntry>> read(std::size_t max);

  [[nodiscard]] Outcome<void> close();

  /// -1 after `close`.
  int descriptor() const noexcept;

 private:
  explicit DirStream(DIR* stream) noexcept : stream_(stream) {}

  DIR* stream_;
};

/// All entries of a directory, in any order. Takes over the descriptor and closes it.
[[nodiscard]] Outcome<std::vector<DirEntry>> list_all(os::Descriptor descriptor);

}  // namespace LEASH_NAMESPACE::fs::detail
