#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/futex.hpp>

/// What leash does about fork(2). A child has one thread, a copy of the one that forked; all others are lost, in the
/// midst of whatever they were doing. So that the child can use leash nevertheless:
///
/// - Short critical sections take an `os::Mutex`. A fork waits until no other thread is in one, so that the child finds
///   each of them free, and what they guard whole.
/// - Where a thread may stay for long it has an `os::Turn`, or says what it does together with its ThreadId. The child
///   takes no notice of what is under way in threads that are lost.
/// - What fits neither is a ForkParticipant.
/// - Waiting is done by `os::EventCount` and `os::ConditionVariable`, which keep nothing of those who wait that the
///   child would have to forget.
namespace LEASH_NAMESPACE::os {

/// How many forks lie between this process and the one that loaded leash. What threads in the background do belongs to
/// the generation in which they were started.
std::uint32_t fork_generation() noexcept;

/// A thread, told from all others that this process and those it was forked from had or will have. The thread that
/// forked is the same one in the child.
class ThreadId {
 public:
  /// No thread.
  constexpr ThreadId() noexcept = default;

  /// The calling one.
  static ThreadId current() noexcept;

  /// Whether it was a thread of a process that this one was forked from, and not the one that forked.
  bool lost() const noexcept;

  constexpr explicit operator bool() const noexcept { return serial_ != 0; }
  friend constexpr bool operator==(ThreadId, ThreadId) noexcept = default;

  /// A number for it that is not 0; and the thread with that number.
  constexpr std::uint64_t serial() const noexcept { return serial_; }
  static constexpr ThreadId from_serial(std::uint64_t serial) noexcept { return ThreadId(serial); }

 private:
  explicit constexpr ThreadId(std::uint64_t serial) noexcept : serial_(serial) {}

  std::uint64_t serial_ = 0;
};

/// In which order participants are asked before a fork; afterwards it is the reverse. Between the last one and the fork
/// all threads leave their short critical sections (see `os::Mutex`), which participants may still enter themselves.
enum class ForkOrder : unsigned char {
  symbols,  ///< Waits until debug information that is being read has been read.
  threads,  ///< Takes down which threads are lost.
};
inline constexpr unsigned fork_orders = 2;

/// Something that has to be done when this process forks. A static variable, which takes part from its construction to
/// its destruction. Give it the attribute `gnu::init_priority(101)`, so that it is there before others use what it
/// looks after.
class ForkParticipant {
 public:
  using Handler = void (*)() noexcept;

  /// `before` runs in the thread that forks, `in_parent` and `in_child` afterwards in that thread of either process.
  /// Each may be null.
  ForkParticipant(ForkOrder order, Handler before, Handler in_parent, Handler in_child) noexcept;
  ForkParticipant(const ForkParticipant&) = delete;
  ForkParticipant& operator=(const ForkParticipant&) = delete;
  ~ForkParticipant();

 private:
  friend struct ForkParticipants;

  const ForkOrder order_;
  const Handler before_;
  const Handler in_parent_;
  const Handler in_child_;
  ForkParticipant* next_ = nullptr;
};

/// The gate of the short critical sections. Threads enter it with the first `os::Mutex` that they lock, leave it with
/// the last, and a fork shuts it. To wait for a condition is to leave.
class Gate {
 public:
  static void enter() noexcept {
    // Counted first, and last in `leave`: a signal handler that comes between the two steps and goes in itself must not
    // stop at a gate that waits for its thread.
    if (thread.depth++ != 0) return;
    if (thread.stripe == nullptr) [[unlikely]]
      choose_stripe();
    // Sequentially consistent, as is all that concerns the gate: who shuts it sees this thread inside, or this thread
    // sees it shut.
    thread.stripe->fetch_add(1);
    if (state.load() != open) [[unlikely]]
      wait_until_open();
  }

  static void leave() noexcept {
    if (thread.depth == 1) {
      thread.stripe->fetch_sub(1);
      if (state.load() != open) [[unlikely]]
        futex_wake_all(*thread.stripe);
    }
    --thread.depth;
  }

 private:
  friend struct ForkParticipants;

  using Stripe = std::atomic<std::uint32_t>;
  struct Thread {
    std::uint32_t depth = 0;   ///< In how many critical sections it is.
    Stripe* stripe = nullptr;  ///< Where it counts when it is inside.
  };
  static constexpr std::uint32_t open = 0;
  static constexpr std::uint32_t shut = 1;

  static void choose_stripe() noexcept;
  static void wait_until_open() noexcept;

  static constinit std::atomic<std::uint32_t> state;
  static constinit thread_local Thread thread;
};

/// A short critical section without a lock of leash's own: for a call that takes one of the C library's.
class InGate {
 public:
  InGate() noexcept { Gate::enter(); }
  InGate(const InGate&) = delete;
  InGate& operator=(const InGate&) = delete;
  ~InGate() { Gate::leave(); }
};

}  // namespace LEASH_NAMESPACE::os
