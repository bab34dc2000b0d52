#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>

namespace LEASH_NAMESPACE::os {

/// What the rule `untracked` needs to know of leash's own descriptors, so that it accuses none of them at any moment.
///
/// A table of the process holds, for each number, whose the descriptor is and how often that changed. Who gets one from
/// the kernel enters it, and takes it out again when it is closed or given away. Between the return of the system call
/// and the entry there is a moment in which the descriptor looks like anybody's: an `Opening` is under way then, and
/// whoever judges waits for its end.
///
/// Where tracking is compiled out, the hooks are nothing but the system calls, and nobody judges.

/// Whose the descriptor with a number is, as far as leash knows.
enum class Owner : std::uint32_t {
  none,     ///< Not leash's: closed, given away, or never seen.
  leash,    ///< leash's: what it needs for itself, or a handle with a tag.
  handle,   ///< The handle's of a user who opened it through leash, without a tag.
  closing,  ///< It was leash's, and the system call that closes it is under way.
};

/// Who owns a number, and how often that changed: equal values say that leash did nothing with it in between.
class Ownership {
 public:
  explicit constexpr Ownership(std::uint32_t word) noexcept : word_(word) {}

  Owner owner() const noexcept { return static_cast<Owner>(word_ & owner_mask); }
  Ownership next(Owner owner) const noexcept {
    return Ownership((word_ & ~owner_mask) + (owner_mask + 1) + static_cast<std::uint32_t>(owner));
  }
  std::uint32_t word() const noexcept { return word_; }

  friend bool operator==(Ownership, Ownership) noexcept = default;

 private:
  static constexpr std::uint32_t owner_mask = 3;

  std::uint32_t word_;
};

/// Numbers from here on are not in the table, and are taken for leash's.
inline constexpr std::size_t most_descriptors = std::size_t{1} << 20U;

Ownership ownership_of(int number) noexcept;

/// Waits for every Opening of another thread that is under way now, but not beyond `end`: one that takes long waits in
/// the kernel for what it opens, and its descriptor is not there yet. Waits for none that a fork left behind.
void wait_for_openings(std::chrono::steady_clock::time_point end) noexcept;

/// What other code opens on leash's behalf, so that leash does not know the numbers.
enum class Unlisted : unsigned char {
  event_loop,  ///< Asio's event descriptors.
  files,       ///< Files that are read by a stream, by libbacktrace or by the C library.
  sockets,     ///< The C library's, which ask for a name.
};
inline constexpr std::size_t unlisted_kinds = 3;

/// How often such descriptors have begun to be, or ended, in all. If as many ended up to some moment as had begun up to
/// a later one, there were none in between. A child counts anew.
std::uint64_t unlisted_begun(Unlisted what) noexcept;
std::uint64_t unlisted_ended(Unlisted what) noexcept;

#if LEASH_TRACKING

/// Marks that this thread is in a call of leash's that may open descriptors. Brief: who judges waits for its end.
class Opening {
 public:
  Opening() noexcept;
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening();

 private:
  std::uint32_t index_;       ///< Of the thread.
  std::uint32_t generation_;  ///< Of the process in which it began.
  bool outermost_ = true;
};

/// The kernel just returned `number`, in this thread's Opening; it is leash's from now on. Returns it; negative ones
/// are left alone.
int own(int number) noexcept;

/// A descriptor of leash's becomes that of a handle for the user, unless a tag for it follows.
void hand_out(int number) noexcept;

/// A descriptor of leash's is given away to the user, who closes it.
void give_away(int number) noexcept;

/// While one lives, the handles that this thread opens will have a tag before the user sees them.
class TagFollows {
 public:
  TagFollows() noexcept;
  TagFollows(const TagFollows&) = delete;
  TagFollows& operator=(const TagFollows&) = delete;
  ~TagFollows();

 private:
  bool before_;
};

/// A descriptor of leash's is being closed, in whatever way.
class Closing {
 public:
  explicit Closing(int number) noexcept;
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  ~Closing();

 private:
  int number_;
  Ownership closing_;
};

/// While one lives, there may be descriptors of that kind whose numbers leash does not know.
class MayOpen {
 public:
  explicit MayOpen(Unlisted what) noexcept;
  MayOpen(const MayOpen&) = delete;
  MayOpen& operator=(const MayOpen&) = delete;
  ~MayOpen();

 private:
  Unlisted what_;
  std::uint32_t generation_;  ///< Of the process in which it began.
};

#else

class Opening {
 public:
  Opening() noexcept {}  // NOLINT(modernize-use-equals-default): no warning that it is not used
};
class TagFollows {
 public:
  TagFollows() noexcept {}  // NOLINT(modernize-use-equals-default)
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

#endif

/// The descriptor that the system call in `open` returns, as one of leash's. `errno` is that of the call.
template <class Open>
int open_own(Open open) {
  const Opening opening;
  return own(open());
}

/// What `open()` returns: a handle that will have a tag before the user sees it.
template <class Open>
auto open_for_tag(Open open) {
  const TagFollows tag_follows;
  return open();
}

/// close(2) of one of leash's.
inline int close_own(int number) noexcept {
  const Closing closing(number);
  return ::close(number);
}

}  // namespace LEASH_NAMESPACE::os
