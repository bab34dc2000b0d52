#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_lock.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The byte-range locks of one file, as open file description locks are (F_OFD_SETLK, fcntl(2)): an owner is a handle,
/// and has each byte locked in one mode at most. Thread-safe.
class LockTable {
 public:
  using Owner = const void*;

  /// Locks a range for `owner`, in place of what it has locked of it. False, with nothing changed, if another owner
  /// excludes that. Throws `std::bad_alloc`.
  bool try_lock(Owner owner, LockMode mode, LockRange range);

  /// Waits until `try_lock` succeeds. False if the Context is done before.
  bool lock(Call call, Owner owner, LockMode mode, LockRange range);

  /// Frees what `owner` has locked of a range. Throws `std::bad_alloc`, for it may leave a part on either side.
  void unlock(Owner owner, LockRange range);

  /// Frees all that `owner` has locked.
  void unlock_all(Owner owner) noexcept;

 private:
  struct Held {
    std::uint64_t begin;
    std::uint64_t end;  ///< The first byte behind it; UINT64_MAX if it has no end.
    LockMode mode;
    Owner owner;
  };

  bool excluded(const Held& wanted) const noexcept;
  void remove(const Held& range);
  void place(const Held& wanted);

  os::Mutex mutex_;
  os::ConditionVariable freed_;
  std::vector<Held> held_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
