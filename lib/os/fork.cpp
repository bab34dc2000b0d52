#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <leash/os/fork.hpp>
#include <leash/os/futex.hpp>
#include <leash/os/thread_index.hpp>
#include <mutex>
#include <span>

namespace LEASH_NAMESPACE::os {
namespace {

constinit std::atomic<std::uint32_t> generation{0};

constinit std::atomic<std::uint64_t> last_serial{0};
constinit thread_local std::uint64_t own_serial = 0;

/// Set in a child: the threads with serials up to this one are lost, except the one that forked.
constinit std::atomic<std::uint64_t> last_lost_serial{0};
constinit std::atomic<std::uint64_t> survivor_serial{0};

/// A stripe of the gate, in a cache line of its own.
struct alignas(64) StripeLine {
  std::atomic<std::uint32_t> inside{0};
};

/// First those that threads share which have none of their own, then one for each thread index; pages that are not
/// used take no memory.
constexpr std::uint32_t shared_stripes = 32;
constinit std::array<StripeLine, shared_stripes + most_thread_indexes + 1> stripes{};

/// How many of the stripes may be in use.
constinit std::atomic<std::uint32_t> used_stripes{shared_stripes};

std::span<StripeLine> used() noexcept { return std::span(stripes).first(used_stripes.load()); }

/// Guards the list of participants. A forking thread holds it from `before` until its handlers after the fork returned.
constinit std::mutex participants_mutex;
constinit ForkParticipant* first_participant = nullptr;

}  // namespace

struct ForkParticipants {
  static void join(ForkParticipant& participant) noexcept {
    const std::lock_guard lock(participants_mutex);
    participant.next_ = first_participant;
    first_participant = &participant;
  }

  static void leave(const ForkParticipant& participant) noexcept {
    const std::lock_guard lock(participants_mutex);
    ForkParticipant** link = &first_participant;
    while (*link != &participant) link = &(*link)->next_;
    *link = participant.next_;
  }

  static void call(unsigned order, const ForkParticipant::Handler ForkParticipant::* handler) noexcept {
    for (const ForkParticipant* each = first_participant; each != nullptr; each = each->next_) {
      if (static_cast<unsigned>(each->order_) == order && each->*handler != nullptr) (each->*handler)();
    }
  }

  static void call_backwards(const ForkParticipant::Handler ForkParticipant::* handler) noexcept {
    for (unsigned order = fork_orders; order > 0; --order) call(order - 1, handler);
  }

  /// How many forks the calling thread is in: more than one if a signal handler forks that interrupted a fork. The
  /// inner ones call no handlers, since the thread must not wait for itself.
  static constinit thread_local unsigned depth;

  static void before() noexcept {
    if (depth++ != 0) return;
    // Not 0 if this is a signal handler that interrupted a critical section of its own thread. This thread must not
    // wait for itself, so it does not count as inside until the fork is over; parent and child both go on with the
    // section.
    if (Gate::thread.depth != 0) step_out();
    participants_mutex.lock();
    for (unsigned order = 0; order < fork_orders; ++order) call(order, &ForkParticipant::before_);
    Gate::state.store(Gate::shut);
    heavy_fence();
    for (const StripeLine& line : used()) {
      while (const std::uint32_t inside = line.inside.load()) futex_wait(line.inside, inside);
    }
  }

  static void in_parent() noexcept {
    if (depth > 1) {
      --depth;
      return;
    }
    if (Gate::thread.depth != 0) Gate::count_in();
    open_gate();
    call_backwards(&ForkParticipant::in_parent_);
    participants_mutex.unlock();
    --depth;
  }

  static void in_child() noexcept {
    generation.fetch_add(1, std::memory_order_relaxed);
    survivor_serial.store(ThreadId::current().serial(), std::memory_order_relaxed);
    last_lost_serial.store(last_serial.load(std::memory_order_relaxed), std::memory_order_relaxed);
    // The outer fork goes on in this child too.
    if (depth > 1) {
      --depth;
      return;
    }
    // Lost threads that found the gate shut may still be counted: they count themselves before they read its state.
    for (StripeLine& line : used()) line.inside.store(0, std::memory_order_relaxed);
    if (Gate::thread.depth != 0) Gate::count_in();
    open_gate();
    call_backwards(&ForkParticipant::in_child_);
    participants_mutex.unlock();
    --depth;
  }

  /// Counts this thread out, and tells the forking thread.
  static void step_out() noexcept {
    Gate::count_out();
    futex_wake_all(*Gate::thread.stripe);
  }

  static void open_gate() noexcept {
    Gate::state.store(Gate::open);
    futex_wake_all(Gate::state);
  }
};

constinit thread_local unsigned ForkParticipants::depth = 0;
constinit std::atomic<std::uint32_t> Gate::state{Gate::open};
constinit thread_local Gate::Thread Gate::thread;

void Gate::count_in_shared() noexcept {
  if (thread.stripe == nullptr) {
    thread.number = static_cast<std::uint32_t>(ThreadId::current().serial() % shared_stripes);
    thread.stripe = &stripes[thread.number].inside;
  }
  thread.stripe->fetch_add(1);
}

void Gate::take_own_stripe(std::uint32_t thread_index) noexcept {
  if (thread.depth != 0) return;
  const std::uint32_t stripe = shared_stripes + thread_index;
  std::uint32_t count = used_stripes.load();
  while (count <= stripe && !used_stripes.compare_exchange_weak(count, stripe + 1)) {
  }
  thread.number = thread_index;
  thread.stripe = &stripes[stripe].inside;
  // Last: a signal handler may enter the gate between any two of these steps. It counts itself with locked instructions
  // in whichever of the two stripes it finds.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.own = true;
}

bool Gate::drop_own_stripe() noexcept {
  if (thread.depth != 0) return false;
  thread.own = false;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.stripe = nullptr;
  return true;
}

void Gate::wait_until_open() noexcept {
  do {
    thread.depth = 0;
    ForkParticipants::step_out();
    futex_wait(state, shut);
    thread.depth = 1;
    count_in();
  } while (state.load(std::memory_order_acquire) != open);
}

namespace {

// With the first priority a constructor may have: `before` handlers run in the reverse order of their registration, so
// leash's comes after those of the program, which may wait for threads that are in leash.
[[gnu::constructor(101)]] void register_fork_handlers() {
  ::pthread_atfork(ForkParticipants::before, ForkParticipants::in_parent, ForkParticipants::in_child);
}

}  // namespace

std::uint32_t fork_generation() noexcept { return generation.load(std::memory_order_relaxed); }

ThreadId ThreadId::current() noexcept {
  if (own_serial == 0) own_serial = last_serial.fetch_add(1, std::memory_order_relaxed) + 1;
  return ThreadId(own_serial);
}

bool ThreadId::lost() const noexcept {
  return serial_ != 0 && serial_ <= last_lost_serial.load(std::memory_order_relaxed) &&
         serial_ != survivor_serial.load(std::memory_order_relaxed);
}

ForkParticipant::ForkParticipant(ForkOrder order, Handler before, Handler in_parent, Handler in_child) noexcept
    : order_(order), before_(before), in_parent_(in_parent), in_child_(in_child) {
  ForkParticipants::join(*this);
}

ForkParticipant::~ForkParticipant() { ForkParticipants::leave(*this); }

}  // namespace LEASH_NAMESPACE::os
