#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <leash/os/fork.hpp>
#include <leash/os/futex.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {
namespace {

constinit std::atomic<std::uint32_t> generation{0};

constinit std::atomic<std::uint64_t> last_serial{0};
constinit thread_local std::uint64_t own_serial = 0;

/// Of the last fork that led to this process: the threads up to this serial are lost, but for one.
constinit std::atomic<std::uint64_t> last_lost{0};
constinit std::atomic<std::uint64_t> survivor{0};

/// How many threads are inside the gate, counted in several cache lines, so that they seldom meet there.
struct alignas(64) Place {
  std::atomic<std::uint32_t> inside{0};
};
constinit std::array<Place, 32> places{};

/// Of the thread that forks, from before until after; and of who changes the list of participants.
constinit std::mutex forking;
constinit ForkParticipant* first_participant = nullptr;

}  // namespace

struct ForkParticipants {
  static void join(ForkParticipant& participant) noexcept {
    const std::lock_guard lock(forking);
    participant.next_ = first_participant;
    first_participant = &participant;
  }

  static void leave(const ForkParticipant& participant) noexcept {
    const std::lock_guard lock(forking);
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

  static void before() noexcept {
    // In a signal handler that came in a critical section: that one goes on in the child too.
    if (Gate::thread.depth != 0) step_out();
    forking.lock();
    for (unsigned order = 0; order < fork_orders; ++order) call(order, &ForkParticipant::before_);
    Gate::state.store(Gate::shut);
    for (const Place& place : places) {
      while (const std::uint32_t inside = place.inside.load()) futex_wait(place.inside, inside);
    }
  }

  static void in_parent() noexcept {
    if (Gate::thread.depth != 0) Gate::thread.stripe->fetch_add(1);
    open_gate();
    call_backwards(&ForkParticipant::in_parent_);
    forking.unlock();
  }

  static void in_child() noexcept {
    generation.fetch_add(1, std::memory_order_relaxed);
    survivor.store(ThreadId::current().serial(), std::memory_order_relaxed);
    last_lost.store(last_serial.load(std::memory_order_relaxed), std::memory_order_relaxed);
    // Others may have been on their way back from the gate.
    for (Place& place : places) place.inside.store(0, std::memory_order_relaxed);
    if (Gate::thread.depth != 0) Gate::thread.stripe->fetch_add(1);
    open_gate();
    call_backwards(&ForkParticipant::in_child_);
    forking.unlock();
  }

  static void step_out() noexcept {
    Gate::thread.stripe->fetch_sub(1);
    futex_wake_all(*Gate::thread.stripe);
  }

  static void open_gate() noexcept {
    Gate::state.store(Gate::open);
    futex_wake_all(Gate::state);
  }
};

constinit std::atomic<std::uint32_t> Gate::state{Gate::open};
constinit thread_local Gate::Thread Gate::thread;

void Gate::choose_stripe() noexcept { thread.stripe = &places[ThreadId::current().serial() % places.size()].inside; }

void Gate::wait_until_open() noexcept {
  do {
    thread.depth = 0;
    ForkParticipants::step_out();
    futex_wait(state, shut);
    thread.depth = 1;
    thread.stripe->fetch_add(1);
  } while (state.load() != open);
}

namespace {

// As early as can be. Before a fork the handlers of others run first, which may wait for threads that are in leash.
[[gnu::constructor(101)]] void watch() {
  ::pthread_atfork(ForkParticipants::before, ForkParticipants::in_parent, ForkParticipants::in_child);
}

}  // namespace

std::uint32_t fork_generation() noexcept { return generation.load(std::memory_order_relaxed); }

ThreadId ThreadId::current() noexcept {
  if (own_serial == 0) own_serial = last_serial.fetch_add(1, std::memory_order_relaxed) + 1;
  return ThreadId(own_serial);
}

bool ThreadId::lost() const noexcept {
  return serial_ != 0 && serial_ <= last_lost.load(std::memory_order_relaxed) &&
         serial_ != survivor.load(std::memory_order_relaxed);
}

ForkParticipant::ForkParticipant(ForkOrder order, Handler before, Handler in_parent, Handler in_child) noexcept
    : order_(order), before_(before), in_parent_(in_parent), in_child_(in_child) {
  ForkParticipants::join(*this);
}

ForkParticipant::~ForkParticipant() { ForkParticipants::leave(*this); }

}  // namespace LEASH_NAMESPACE::os
