#pragma once

#include <leash/config.hpp>
#include <leash/fs/file_lock.hpp>
#include <leash/result.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// What an operation needs of a file besides that it is not closed: nothing, that it was opened for reading or for
/// writing, or that it is no directory (which reading and writing need, too).
enum class Need : unsigned char { open, read, write, content };

/// What an open file can meet.
struct Access {
  bool read;
  bool write;
  bool directory;

  bool meets(Need need) const noexcept {
    if (need == Need::open) return true;
    return !directory && (need != Need::read || read) && (need != Need::write || write);
  }
};

/// The error of `operation` on the file `path`, of which `access` does not meet `need`.
[[nodiscard]] std::unexpected<Error> fail_unmet(std::string_view operation, std::string_view path, Access access,
                                                Need need);

/// What a lock needs. A directory may be locked as shared, as the system has it.
inline Need need_of(LockMode mode, Access access) noexcept {
  if (mode == LockMode::exclusive) return Need::write;
  return access.read ? Need::open : Need::read;
}

}  // namespace LEASH_NAMESPACE::fs::detail
