#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>

namespace LEASH_NAMESPACE::os {

/// Which descriptors are leash's own, so that the rule `untracked` never reports one of them.
///
/// The owner table of the process has an entry for each descriptor number: the owner, and how often the entry was
/// changed. Code of leash that gets a descriptor from the kernel sets its entry, and changes it again when the
/// descriptor is closed or given to the user. Between the return of the system call and the change of the entry the
/// descriptor looks as if it were not leash's: an `Opening` covers this gap, and the report waits for it
/// (`wait_for_openings`).
///
/// All functions are thread-safe. Where tracking is compiled out, there is no `untracked`, and `own`, `Closing` and the
/// like do nothing.

/// The owner of a descriptor number, as far as leash knows.
enum class Owner : std::uint32_t {
  none,     ///< Not leash: the descriptor was closed or given to the user, or leash never saw it.
  leash,    ///< leash, for its own use or for a handle that has a tag.
  handle,   ///< A handle without a tag, which the user opened through leash.
  closing,  ///< leash, which is closing it: the system call is under way.
};

/// An entry of the owner table. If it is read twice, equal values say that leash did not touch the number in between.
class Ownership {
 public:
  explicit constexpr Ownership(std::uint32_t word) noexcept : word_(word) {}

  Owner owner() const noexcept { return static_cast<Owner>(word_ & owner_mask); }
  /// The entry that follows this one when `owner` becomes the owner.
  Ownership next(Owner owner) const noexcept {
    return Ownership((word_ & ~owner_mask) + (owner_mask + 1) + static_cast<std::uint32_t>(owner));
  }
  std::uint32_t word() const noexcept { return word_; }

  friend bool operator==(Ownership, Ownership) noexcept = default;

 private:
  static constexpr std::uint32_t owner_mask = 3;

  std::uint32_t word_;  ///< The owner in the low two bits, the number of changes above.
};

/// The size of the owner table. Greater numbers count as owned by leash.
inline constexpr std::size_t most_descriptors = std::size_t{1} << 20U;

/// The entry of `number`. Negative numbers count as owned by leash.
Ownership ownership_of(int number) noexcept;

/// Waits until every Opening that another thread is in now has ended, or until `end`. One that takes longer is taken to
/// be blocked in its system call, where it has no descriptor yet. Openings of lost threads (see fork.hpp) do not count.
void wait_for_openings(std::chrono::steady_clock::time_point end) noexcept;

/// Kinds of descriptors that other code opens when leash calls it. leash does not learn their numbers, so they are not
/// in the owner table.
enum class Unlisted : unsigned char {
  files,    ///< Files that a stream, libbacktrace or the C library opens and reads.
  sockets,  ///< Sockets that the C library opens to look up a host name.
};

/// How many values Unlisted has.
inline constexpr std::size_t unlisted_kinds = 2;

/// How many `MayOpen` of this kind have begun, and how many have ended, in this process. If the ended count, read
/// first, equals the begun count, read later, none was alive at any time between the two reads.
std::uint64_t unlisted_begun(Unlisted what) noexcept;
std::uint64_t unlisted_ended(Unlisted what) noexcept;

#if LEASH_TRACKING

/// While one lives, its thread may have a descriptor from the kernel whose entry it has not set yet. To be kept short:
/// a report waits until it ends. They may be nested.
class Opening {
 public:
  Opening() noexcept;
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening();

 private:
  std::uint32_t index_;       ///< The `thread_index` of its thread.
  std::uint32_t generation_;  ///< The `fork_generation` of the process in which it began.
  bool outermost_ = true;
};

/// Makes leash the owner of `number`, which the kernel has just returned in an Opening of this thread. Returns
/// `number`. Does nothing if it is negative. Keeps errno.
int own(int number) noexcept;

/// Makes a handle of the user the owner of `number`, which was leash's. Does nothing while a `TagFollows` lives in this
/// thread: the handle will have a tag, so leash stays the owner.
void hand_out(int number) noexcept;

/// Whether an Opening lives in the calling thread.
bool is_opening() noexcept;

/// Makes nobody the owner of `number`, which was leash's: the user has taken it out of its handle and will close it.
void give_away(int number) noexcept;

/// While one lives, each handle that this thread opens will have a tag before the user gets it. They may be nested.
class TagFollows {
 public:
  /// Changes nothing if `follows` is false.
  explicit TagFollows(bool follows = true) noexcept;
  TagFollows(const TagFollows&) = delete;
  TagFollows& operator=(const TagFollows&) = delete;
  ~TagFollows();

 private:
  bool before_;
};

/// Whether a TagFollows lives in this thread.
bool tag_follows() noexcept;

/// Surrounds the call that closes `number`, a descriptor of leash's: it begins before the call and ends after it.
class Closing {
 public:
  explicit Closing(int number) noexcept;
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  ~Closing();

 private:
  int number_;
  Ownership closing_;  ///< The entry that the constructor stored.
};

/// While one lives, there may be descriptors of kind `what` that are not in the owner table.
class MayOpen {
 public:
  explicit MayOpen(Unlisted what) noexcept;
  MayOpen(const MayOpen&) = delete;
  MayOpen& operator=(const MayOpen&) = delete;
  ~MayOpen();

 private:
  Unlisted what_;
  std::uint32_t generation_;  ///< The `fork_generation` of the process in which it began.
};

#else

class Opening {
 public:
  Opening() noexcept {}  // NOLINT(modernize-use-equals-default): a defaulted one makes unused-variable warnings
};
class TagFollows {
 public:
  explicit TagFollows(bool = true) noexcept {}
};
class Closing {
 public:
  explicit Closing(int) noexcept {}
};
class MayOpen {
 public:
  explicit MayOpen(Unlisted) noexcept {}
};
inline int own(int number) noexcept { return number; }
inline void hand_out(int) noexcept {}
inline void give_away(int) noexcept {}
inline bool is_opening() noexcept { return false; }
inline bool tag_follows() noexcept { return false; }

#endif

/// Calls `open`, which makes a system call that opens a descriptor, and makes leash its owner. Returns the descriptor,
/// or -1 with the errno of the system call.
template <class Open>
int open_own(Open open) {
  const Opening opening;
  return own(open());
}

/// Calls `open` and returns its result: a handle that the caller tags before the user gets it.
template <class Open>
auto open_for_tag(Open open) {
  const TagFollows tag_follows;
  return open();
}

/// close(2) for a descriptor that leash owns.
inline int close_own(int number) noexcept {
  const Closing closing(number);
  return ::close(number);
}

}  // namespace LEASH_NAMESPACE::os
