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

/// The owner table: words of `Ownership`. Only pages that hold the entry of a used number take memory. Not an array of
/// std::atomic, for which a compiler would generate a loop that constructs (and so touches) each element.
constinit std::array<std::uint32_t, most_descriptors> owners{};

/// Of the thread with one index. The low 32 bits of `count` go up by one when an outermost Opening begins and when it
/// ends, so they are odd while one is under way. The high 32 bits are the `fork_generation` in which that was.
struct alignas(64) Openings {
  std::atomic<std::uint64_t> count{0};
};
constinit std::array<Openings, most_thread_indexes + 1> openings{};

/// How many Openings are under way in the threads that have no index.
constinit std::atomic<std::uint32_t> openings_without_index{0};

constinit std::array<std::atomic<std::uint64_t>, unlisted_kinds> may_open_begun{};
constinit std::array<std::atomic<std::uint64_t>, unlisted_kinds> may_open_ended{};

/// Whether `count`, read from an `Openings`, says that a thread of this process is in an Opening. One of a lost thread
/// has an older generation.
bool is_under_way(std::uint64_t count) noexcept {
  return (count & 1U) != 0 && count >> 32U == std::uint64_t{fork_generation()};
}

/// Runs in a forked child: the Openings without index and the MayOpen of lost threads do not count.
void forget_lost_openings() noexcept {
  openings_without_index.store(0, std::memory_order_relaxed);
  for (auto* counts : {&may_open_begun, &may_open_ended}) {
    for (std::atomic<std::uint64_t>& count : *counts) count.store(0, std::memory_order_relaxed);
  }
}

[[gnu::init_priority(101)]] const ForkParticipant openings_in_forks(ForkOrder::threads, nullptr, nullptr,
                                                                    forget_lost_openings);

bool is_in_table(int number) noexcept { return number >= 0 && static_cast<std::size_t>(number) < owners.size(); }

std::atomic_ref<std::uint32_t> entry(int number) noexcept {
  return std::atomic_ref(owners[static_cast<std::size_t>(number)]);
}

/// Calls `done` until it returns true, or until `end`.
template <class Done>
void poll_until(std::chrono::steady_clock::time_point end, Done done) noexcept {
  static constexpr int yields = 1000;
  for (int round = 0; !done(); ++round) {
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
  if (!is_in_table(number)) return Ownership(0).next(Owner::leash);
  return Ownership(entry(number).load(std::memory_order_acquire));
}

void wait_for_openings(std::chrono::steady_clock::time_point end) noexcept {
  const std::uint32_t own_index = known_thread_index();
  // The opening thread counts its Opening, fences and makes the system call. This thread has read the list of open
  // descriptors, fences and reads the counts: so it sees the Opening of every descriptor in that list.
  heavy_fence();
  for (std::uint32_t index = 1; index < openings.size(); ++index) {
    const std::atomic<std::uint64_t>& count = openings[index].count;
    const std::uint64_t before = count.load(std::memory_order_acquire);
    if (index == own_index || !is_under_way(before)) continue;
    poll_until(end, [&] { return count.load(std::memory_order_acquire) != before; });
  }
  poll_until(end, [] { return openings_without_index.load() == 0; });
}

std::uint64_t unlisted_begun(Unlisted what) noexcept { return may_open_begun[static_cast<std::size_t>(what)].load(); }
std::uint64_t unlisted_ended(Unlisted what) noexcept { return may_open_ended[static_cast<std::size_t>(what)].load(); }

#if LEASH_TRACKING

namespace {

/// Whether this thread is in a TagFollows.
constinit thread_local bool in_tag_follows = false;

std::uint64_t generation_bits() noexcept { return std::uint64_t{fork_generation()} << 32U; }

/// Not atomic: only the thread that opened the descriptor, or is closing it, calls this for its number. One race is
/// possible. Thread A has closed the number and is in `~Closing`; the kernel has given the number to thread B, which is
/// here. Whatever A stores between B's load and store is overwritten, and if A comes later, its compare-exchange fails.
void set_owner(int number, Owner owner) noexcept {
  const std::atomic_ref<std::uint32_t> word = entry(number);
  word.store(Ownership(word.load(std::memory_order_relaxed)).next(owner).word(), std::memory_order_release);
}

}  // namespace

Opening::Opening() noexcept : index_(thread_index()), generation_(fork_generation()) {
  if (index_ == 0) {
    openings_without_index.fetch_add(1);
    return;
  }
  std::atomic<std::uint64_t>& count = openings[index_].count;
  const std::uint64_t before = count.load(std::memory_order_relaxed);
  outermost_ = !is_under_way(before);
  if (!outermost_) return;
  // The next odd number: `before` may be odd too, if a lost thread left it in this entry.
  count.store(generation_bits() | static_cast<std::uint32_t>((before | 1U) + (before & 1U) * 2),
              std::memory_order_relaxed);
  light_fence();
}

Opening::~Opening() {
  if (index_ == 0) {
    if (generation_ == fork_generation()) openings_without_index.fetch_sub(1);
  } else if (outermost_) {
    std::atomic<std::uint64_t>& count = openings[index_].count;
    const std::uint64_t before = count.load(std::memory_order_relaxed);
    count.store(generation_bits() | static_cast<std::uint32_t>(before + 1), std::memory_order_release);
  }
}

bool is_opening() noexcept {
  const std::uint32_t index = thread_index();
  if (index == 0) return false;
  return is_under_way(openings[index].count.load(std::memory_order_relaxed));
}

int own(int number) noexcept {
  if (is_in_table(number)) set_owner(number, Owner::leash);
  return number;
}

void hand_out(int number) noexcept {
  if (is_in_table(number) && !in_tag_follows) set_owner(number, Owner::handle);
}

void give_away(int number) noexcept {
  if (is_in_table(number)) set_owner(number, Owner::none);
}

TagFollows::TagFollows(bool follows) noexcept : before_(std::exchange(in_tag_follows, in_tag_follows || follows)) {}
TagFollows::~TagFollows() { in_tag_follows = before_; }

bool tag_follows() noexcept { return in_tag_follows; }

Closing::Closing(int number) noexcept : number_(number), closing_(0) {
  if (!is_in_table(number)) return;
  set_owner(number, Owner::closing);
  closing_ = Ownership(entry(number).load(std::memory_order_relaxed));
}

Closing::~Closing() {
  if (!is_in_table(number_)) return;
  // Fails if the kernel has given the number to leash again since the close: that set another entry, which stays.
  std::uint32_t expected = closing_.word();
  entry(number_).compare_exchange_strong(expected, closing_.next(Owner::none).word(), std::memory_order_release,
                                         std::memory_order_relaxed);
}

MayOpen::MayOpen(Unlisted what) noexcept : what_(what), generation_(fork_generation()) {
  may_open_begun[static_cast<std::size_t>(what)].fetch_add(1);
}

MayOpen::~MayOpen() {
  if (generation_ == fork_generation()) may_open_ended[static_cast<std::size_t>(what_)].fetch_add(1);
}

#endif

}  // namespace LEASH_NAMESPACE::os
