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

/// How many threads are inside the gate, in as many places as keep them from meeting each other there.
struct alignas(64) Stripe {
  std::atomic<std::uint32_t> inside{0};
};
constinit std::array<Stripe, 32> stripes{};

constexpr std::uint32_t open = 0;
constexpr std::uint32_t shut = 1;
constinit std::atomic<std::uint32_t> gate{open};

/// In how many critical sections the thread is. A signal handler may come between the two steps of going in or out, and
/// go in itself: so this is counted first, and last, and such a handler does not stop at a gate that waits for its
/// thread.
constinit thread_local std::uint32_t depth = 0;

Stripe& own_stripe() noexcept { return stripes[ThreadId::current().serial() % stripes.size()]; }

// Sequentially consistent, as is all that concerns the gate: who shuts it sees the other inside, or the other sees it
// shut.
void step_out(Stripe& stripe) noexcept {
  stripe.inside.fetch_sub(1);
  if (gate.load() == shut) futex_wake_all(stripe.inside);
}

void shut_gate() noexcept {
  gate.store(shut);
  for (Stripe& stripe : stripes) {
    while (const std::uint32_t inside = stripe.inside.load()) futex_wait(stripe.inside, inside);
  }
}

void open_gate() noexcept {
  gate.store(open);
  futex_wake_all(gate);
}

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
    if (depth != 0) step_out(own_stripe());
    forking.lock();
    for (unsigned order = 0; order < fork_orders; ++order) call(order, &ForkParticipant::before_);
    shut_gate();
  }

  static void in_parent() noexcept {
    if (depth != 0) own_stripe().inside.fetch_add(1);
    open_gate();
    call_backwards(&ForkParticipant::in_parent_);
    forking.unlock();
  }

  static void in_child() noexcept {
    generation.fetch_add(1, std::memory_order_relaxed);
    survivor.store(ThreadId::current().serial(), std::memory_order_relaxed);
    last_lost.store(last_serial.load(std::memory_order_relaxed), std::memory_order_relaxed);
    // Others may have been on their way back from the gate.
    for (Stripe& stripe : stripes) stripe.inside.store(0, std::memory_order_relaxed);
    if (depth != 0) own_stripe().inside.store(1, std::memory_order_relaxed);
    open_gate();
    call_backwards(&ForkParticipant::in_child_);
    forking.unlock();
  }
};

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

void enter_gate() noexcept {
  if (depth++ != 0) return;
  Stripe& stripe = own_stripe();
  for (;;) {
    stripe.inside.fetch_add(1);
    if (gate.load() == open) return;
    depth = 0;
    step_out(stripe);
    futex_wait(gate, shut);
    depth = 1;
  }
}

void leave_gate() noexcept {
  if (depth == 1) step_out(own_stripe());
  --depth;
}

}  // namespace LEASH_NAMESPACE::os
