#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/asymmetric_fence.hpp>
#include <leash/os/futex.hpp>

/// What leash does about fork(2). The child has one thread, a copy of the one that forked. All other threads of the
/// parent are *lost*: they do not exist in the child, and each of them stopped at whatever it was doing. The child can
/// use leash nevertheless, because:
///
/// - Short critical sections lock an `os::Mutex`. A fork waits until no other thread is in such a section, so the child
///   finds each mutex free, and the data behind it consistent.
/// - Work that may take long holds an `os::Turn`, or stores the ThreadId of its thread beside its data. The child takes
///   the work of lost threads as ended.
/// - Threads wait by `os::EventCount` and `os::ConditionVariable`, which keep no list of the waiting threads: the child
///   has none to clear.
/// - Whatever needs other treatment at once is a ForkParticipant: lost threads (`os/thread_index.cpp`), descriptors
///   that they were opening (`os/own_descriptors.cpp`), debug information (`track/symbol/symbolizer.cpp`).
/// - The rest is mended when the child first needs it, by who sees that `fork_generation` has changed: the clock's
///   thread (`clock.cpp`), callbacks and deadlines (`detail/timer_queue.cpp`, `detail/cancel_state.cpp`,
///   `net/detail/deadline.cpp`), wakers (`os/waker_linux.cpp`), descriptors that several threads use
///   (`net/detail/shared_descriptor.hpp`), look-ups (`net/detail/lookup_threads.cpp`).
namespace LEASH_NAMESPACE::os {

/// How many forks lie between this process and the one that loaded leash: 0 in that one. A background thread or a timer
/// remembers the generation that started it; in a later generation it does not exist, and is started anew. Thread-safe.
std::uint32_t fork_generation() noexcept;

/// Identifies a thread among all of this process and of the processes that it was forked from. The thread of a child
/// has the same ThreadId as the thread that forked.
class ThreadId {
 public:
  /// No thread.
  constexpr ThreadId() noexcept = default;

  /// The calling thread.
  static ThreadId current() noexcept;

  /// Whether the thread is lost: it was in a process that this one was forked from, and was not the one that forked.
  bool lost() const noexcept;

  constexpr explicit operator bool() const noexcept { return serial_ != 0; }
  friend constexpr bool operator==(ThreadId, ThreadId) noexcept = default;

  /// The thread's number: from 1 on, and 0 for no thread.
  constexpr std::uint64_t serial() const noexcept { return serial_; }

  /// The thread that has this number.
  static constexpr ThreadId from_serial(std::uint64_t serial) noexcept { return ThreadId(serial); }

 private:
  explicit constexpr ThreadId(std::uint64_t serial) noexcept : serial_(serial) {}

  std::uint64_t serial_ = 0;
};

/// The order in which a fork calls the `before` handlers of the participants. When all have returned, the fork shuts
/// the gate (see `Gate`): so these handlers may still lock an `os::Mutex`. After the fork the gate is opened first, and
/// the other handlers are called in the reverse order.
enum class ForkOrder : unsigned char {
  symbols,  ///< Waits until debug information that is being read has been read.
  threads,  ///< Notes which threads are lost.
};

/// How many values ForkOrder has.
inline constexpr unsigned fork_orders = 2;

/// Handlers that run when this process forks, from the construction of this object to its destruction. Make it a static
/// variable with the attribute `gnu::init_priority(101)`: it is then constructed before other static variables use the
/// data that it takes care of.
class ForkParticipant {
 public:
  using Handler = void (*)() noexcept;

  /// `before` runs in the forking thread before the fork; `in_parent` and `in_child` run in that thread of the parent
  /// and of the child after it. Each may be null.
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

/// Keeps forks out of short critical sections. A thread enters the gate when it locks its first `os::Mutex` and leaves
/// it when it unlocks its last. A fork shuts the gate, waits until no thread is inside, and opens it again afterwards
/// in parent and child; threads that want to enter meanwhile wait. A thread that waits on a condition variable is
/// outside, since that unlocks its only mutex.
class Gate {
 public:
  static void enter() noexcept {
    // `depth` changes before the stripe here, and after it in `leave`. A signal handler may interrupt this thread
    // between the two steps and enter the gate: it then finds `depth` != 0 and goes on. It must not wait for the gate
    // to open, since the fork that shut it may be waiting for this thread.
    if (thread.depth++ != 0) return;
    count_in();
    if (state.load(std::memory_order_acquire) != open) [[unlikely]]
      wait_until_open();
  }

  static void leave() noexcept {
    if (thread.depth == 1) {
      count_out();
      if (state.load(std::memory_order_acquire) != open) [[unlikely]]
        futex_wake_all(*thread.stripe);
    }
    --thread.depth;
  }

  /// Whether the thread has a stripe of its own, which makes the gate cheaper: see `thread_index`.
  static bool has_own_stripe() noexcept { return thread.own; }

  /// Gives the calling thread a stripe of its own, by the index that it just got. Not if it is inside.
  static void take_own_stripe(std::uint32_t thread_index) noexcept;

  /// Takes that stripe from the thread, which is about to give its index back. False if it is inside.
  static bool drop_own_stripe() noexcept;

  /// A number that differs for most threads that are inside at once: to choose where to count a reader of a lock. The
  /// same until the thread leaves. Only inside.
  static std::uint32_t stripe_number() noexcept { return thread.number; }

 private:
  friend class BiasedLock;
  friend struct ForkParticipants;

  /// How many threads are inside, of those that count in this stripe. Most threads have one of their own; the others
  /// share a few.
  using Stripe = std::atomic<std::uint32_t>;
  struct Thread {
    std::uint32_t depth = 0;   ///< How many calls of `enter` it has not left yet.
    std::uint32_t number = 0;  ///< That of its stripe.
    Stripe* stripe = nullptr;  ///< Where it counts itself while `depth` is not 0; null before its first `enter`.
    bool own = false;          ///< Whether no other thread writes to `stripe`.
  };
  static constexpr std::uint32_t open = 0;
  static constexpr std::uint32_t shut = 1;

  /// The thread counts itself and then reads `state`; the forking thread stores `shut` to `state`, calls `heavy_fence`,
  /// and reads the stripes. So the forking thread sees this one inside, or this one sees the gate shut. Likewise with
  /// `count_out`: the forking thread sees that this one left, or this one sees that it must wake it.
  static void count_in() noexcept {
    if (thread.own) [[likely]] {
      thread.stripe->store(1, std::memory_order_relaxed);
      light_fence();
    } else {
      count_in_shared();
    }
  }

  static void count_out() noexcept {
    if (thread.own) [[likely]] {
      thread.stripe->store(0, std::memory_order_release);
      light_fence();
    } else {
      thread.stripe->fetch_sub(1);
    }
  }

  static void count_in_shared() noexcept;
  static void wait_until_open() noexcept;

  static constinit std::atomic<std::uint32_t> state;
  static constinit thread_local Thread thread;
};

/// Is inside the gate while it lives, without a mutex of leash's: for a call into the C library that takes a lock
/// there, so that a forked child finds that lock free.
class InGate {
 public:
  InGate() noexcept { Gate::enter(); }
  InGate(const InGate&) = delete;
  InGate& operator=(const InGate&) = delete;
  ~InGate() { Gate::leave(); }
};

}  // namespace LEASH_NAMESPACE::os
