#pragma once

#include <dirent.h>

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/os/descriptor.hpp>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// A directory that is being listed; owns its descriptor.
class DirStream {
 public:
  /// Takes the descriptor, which must be open for reading.
  [[nodiscard]] static Outcome<DirStream> open(os::Descriptor descriptor);

  DirStream(DirStream&& other) noexcept;
  DirStream& operator=(DirStream&& other) noexcept;
  ~DirStream();

  /// The next entries without `.` and `..`, at most `max`; none at the end.
  [[nodiscard]] Outcome<std::vector<DirEntry>> read(std::size_t max);

  [[nodiscard]] Outcome<void> close();

  /// -1 after `close`.
  int descriptor() const noexcept;

 private:
  explicit DirStream(DIR* stream) noexcept : stream_(stream) {}

  DIR* stream_;
};

/// All entries of a directory, in any order. Takes the descriptor.
[[nodiscard]] Outcome<std::vector<DirEntry>> list_all(os::Descriptor descriptor);

}  // namespace LEASH_NAMESPACE::fs::detail
