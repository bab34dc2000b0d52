#include <array>
#include <atomic>
#include <chrono>
#include <leash/os/asymmetric_fence.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/thread_index.hpp>
#include <thread>
#include <utility>

namespace LEASH_NAMESPACE::os {
namespace {

/// Never written to where no descriptor is: most of it takes no memory. Not of atomics, which a compiler would
/// construct one by one.
constinit std::array<std::uint32_t, most_descriptors> owners{};

/// Of one thread: how many Openings it has begun and ended, below the generation of the process it is in. An odd
/// number: one is under way.
struct alignas(64) Openings {
  std::atomic<std::uint64_t> count{0};
};
constinit std::array<Openings, most_thread_indexes + 1> openings{};
/// For the threads without an index: how many are under way.
constinit std::atomic<std::uint32_t> shared_openings{0};

constinit std::array<std::atomic<std::uint64_t>, unlisted_kinds> begun{};
constinit std::array<std::atomic<std::uint64_t>, unlisted_kinds> ended{};

/// Whether a thread of this process, and not one that a fork left behind, is in an Opening.
bool is_under_way(std::uint64_t count) noexcept {
  return (count & 1U) != 0 && count >> 32U == std::uint64_t{fork_generation()};
}

/// In a child: what threads were at that it does not have is over.
void forget_lost_openings() noexcept {
  shared_openings.store(0, std::memory_order_relaxed);
  for (auto* counts : {&begun, &ended}) {
    for (std::atomic<std::uint64_t>& count : *counts) count.store(0, std::memory_order_relaxed);
  }
}

[[gnu::init_priority(101)]] const ForkParticipant openings_in_forks(ForkOrder::threads, nullptr, nullptr,
                                                                    forget_lost_openings);

bool is_listed(int number) noexcept { return number >= 0 && static_cast<std::size_t>(number) < owners.size(); }

std::atomic_ref<std::uint32_t> entry(int number) noexcept {
  return std::atomic_ref(owners[static_cast<std::size_t>(number)]);
}

/// Calls `over` until it says so or the time is past.
template <class Over>
void wait_until(std::chrono::steady_clock::time_point end, Over over) noexcept {
  static constexpr int yields = 1000;
  for (int round = 0; !over(); ++round) {
    if (round < yields) {
      std::this_thread::yield();
    } else {
      if (std::chrono::steady_clock::now() >= end) return;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
}

}  // namespace

Ownership ownership_of(int number) noexcept {
  if (!is_listed(number)) return Ownership(0).next(Owner::leash);
  return Ownership(entry(number).load(std::memory_order_acquire));
}

void wait_for_openings(std::chrono::steady_clock::time_point end) noexcept {
  const std::uint32_t own_index = known_thread_index();
  heavy_fence();
  for (std::uint32_t index = 1; index < openings.size(); ++index) {
    const std::atomic<std::uint64_t>& count = openings[index].count;
    const std::uint64_t before = count.load(std::memory_order_acquire);
    if (index == own_index || !is_under_way(before)) continue;
    wait_until(end, [&] { return count.load(std::memory_order_acquire) != before; });
  }
  wait_until(end, [] { return shared_openings.load() == 0; });
}

std::uint64_t unlisted_begun(Unlisted what) noexcept { return begun[static_cast<std::size_t>(what)].load(); }
std::uint64_t unlisted_ended(Unlisted what) noexcept { return ended[static_cast<std::size_t>(what)].load(); }

#if LEASH_TRACKING

namespace {

/// Whether the handles that this thread opens are about to get a tag.
constinit thread_local bool tag_follows = false;

std::uint64_t generation_bits() noexcept { return std::uint64_t{fork_generation()} << 32U; }

/// By the only thread that may do anything with the number now. Only the end of a `Closing` may come in between, which
/// then changes nothing that matters: the owner is another one either way.
void set_owner(int number, Owner owner) noexcept {
  const std::atomic_ref<std::uint32_t> word = entry(number);
  word.store(Ownership(word.load(std::memory_order_relaxed)).next(owner).word(), std::memory_order_release);
}

}  // namespace

Opening::Opening() noexcept : index_(thread_index()), generation_(fork_generation()) {
  if (index_ == 0) {
    shared_openings.fetch_add(1);
    return;
  }
  std::atomic<std::uint64_t>& count = openings[index_].count;
  const std::uint64_t before = count.load(std::memory_order_relaxed);
  outermost_ = !is_under_way(before);
  if (!outermost_) return;
  // Odd, also where a fork left an odd number behind.
  count.store(generation_bits() | static_cast<std::uint32_t>((before | 1U) + (before & 1U) * 2),
              std::memory_order_relaxed);
  light_fence();
}

Opening::~Opening() {
  if (index_ == 0) {
    if (generation_ == fork_generation()) shared_openings.fetch_sub(1);
  } else if (outermost_) {
    std::atomic<std::uint64_t>& count = openings[index_].count;
    const std::uint64_t before = count.load(std::memory_order_relaxed);
    count.store(generation_bits() | static_cast<std::uint32_t>(before + 1), std::memory_order_release);
  }
}

int own(int number) noexcept {
  if (is_listed(number)) set_owner(number, Owner::leash);
  return number;
}

void hand_out(int number) noexcept {
  if (is_listed(number) && !tag_follows) set_owner(number, Owner::handle);
}

void give_away(int number) noexcept {
  if (is_listed(number)) set_owner(number, Owner::none);
}

TagFollows::TagFollows() noexcept : before_(std::exchange(tag_follows, true)) {}
TagFollows::~TagFollows() { tag_follows = before_; }

Closing::Closing(int number) noexcept : number_(number), closing_(0) {
  if (!is_listed(number)) return;
  set_owner(number, Owner::closing);
  closing_ = Ownership(entry(number).load(std::memory_order_relaxed));
}

Closing::~Closing() {
  if (!is_listed(number_)) return;
  // Unless the kernel gave the number to leash again meanwhile: then it has another owner.
  std::uint32_t expected = closing_.word();
  entry(number_).compare_exchange_strong(expected, closing_.next(Owner::none).word(), std::memory_order_release,
                                         std::memory_order_relaxed);
}

MayOpen::MayOpen(Unlisted what) noexcept : what_(what), generation_(fork_generation()) {
  begun[static_cast<std::size_t>(what)].fetch_add(1);
}

MayOpen::~MayOpen() {
  if (generation_ == fork_generation()) ended[static_cast<std::size_t>(what_)].fetch_add(1);
}

#endif

}  // namespace LEASH_NAMESPACE::os
