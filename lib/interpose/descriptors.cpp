#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <leash/call.hpp>
#include <leash/context.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/failed_closes.hpp>
#include <leash/interpose/orders.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/lazy.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/thread_names.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/detail/tag_access.hpp>
#include <leash/track/level.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report/numbers.hpp>
#include <source_location>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::interpose {
namespace {

using track::Tag;
using track::detail::Place;
using track::detail::Record;
using track::detail::TagAccess;

/// A Life in one word, so that it is read whole.
class AtomicLife {
 public:
  Life load() const noexcept {
    const std::uint64_t bits = bits_.load(std::memory_order_relaxed);
    return {Place::from_bits(static_cast<std::uint32_t>(bits >> 32U)),
            Place::from_bits(static_cast<std::uint32_t>(bits))};
  }
  void store(const Life& life) noexcept {
    bits_.store(std::uint64_t{life.opened.bits()} << 32U | life.closed.bits(), std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> bits_;
};

struct Entry {
  std::atomic<Record*> tag;
  /// Stays when the tag ends: a thread may ask for it while another one closes the descriptor.
  std::atomic<const track::Kind*> kind;
  AtomicLife last;    ///< Of the descriptor that had the number last, once that is closed,
  AtomicLife before;  ///< and of the one before it.
};

constinit std::atomic<Entry*> table_memory{nullptr};
constinit std::atomic<bool> is_on{false};            ///< From `begin` to `end`.
constinit std::atomic<int> highest{-1};              ///< Of the numbers that ever had a tag.
constinit std::atomic<std::uint32_t> generation{0};  ///< The `os::fork_generation` that the tags are those of.
constinit std::atomic<int> process{-1};              ///< The number of that process.
constinit thread_local bool inside = false;
/// Whether this thread has called vfork(2), and nothing of ours since it came back.
constinit thread_local bool has_vforked = false;

constinit std::atomic<std::uint64_t> closed_past{0};  ///< How many were closed past us,
constinit std::atomic<std::uint64_t> interrupted{0};  ///< opened while this thread was in one of our functions,
constinit std::atomic<std::uint64_t> too_high{0};     ///< or have a number above `most`;
constinit std::atomic<std::uint64_t> no_memory{0};    ///< for how many there was no memory.

void count(std::atomic<std::uint64_t>& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

/// Address space for all numbers, of which the kernel backs what is used. Null if it has none.
Entry* table() noexcept {
  Entry* known = table_memory.load(std::memory_order_acquire);
  if (known != nullptr) [[likely]]
    return known;
  const std::size_t size = std::size_t{Descriptors::most} * sizeof(Entry);
  void* const fresh = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh == MAP_FAILED) return nullptr;
  if (table_memory.compare_exchange_strong(known, static_cast<Entry*>(fresh))) return static_cast<Entry*>(fresh);
  ::munmap(fresh, size);
  return known;
}

/// Null if the number has no entry.
Entry* entry_of(int number) noexcept {
  if (number < 0 || number >= Descriptors::most) return nullptr;
  Entry* const all = table();
  return all == nullptr ? nullptr : all + number;
}

/// Where the report is to look: the stack tells.
constexpr std::source_location nowhere{};

/// Ends a tag whose descriptor is closed, and returns its life.
Life end_tag(Record* record) noexcept {
  Tag tag = TagAccess::tag_of(record);
  tag.close(nowhere);
  return {Place::from_bits(record->opened_at), Place::from_bits(record->closed_at.load(std::memory_order_relaxed))};
}

/// The same of the tag that had the number of `entry`.
void end_tag(Entry& entry, Record* record) noexcept {
  if (record == nullptr) return;
  entry.before.store(entry.last.load());
  entry.last.store(end_tag(record));
}

/// Undoes that the tag of `number` was taken out. Another thread may have closed the descriptor meanwhile, and a third
/// one got its number.
void put_back(int number, Record* record) noexcept {
  std::atomic<Record*>& tag = entry_of(number)->tag;
  Record* there = nullptr;
  if (tag.compare_exchange_strong(there, record)) {
    there = record;
    if (::fcntl(number, F_GETFD) >= 0 || !tag.compare_exchange_strong(there, nullptr)) return;
  }
  end_tag(record);
}

bool is_child_of_vfork() noexcept {
  if (!has_vforked) [[likely]]
    return false;
  // Not where it has forked since, as this process counts it.
  const bool is_forked = os::fork_generation() != generation.load(std::memory_order_relaxed);
  if (!is_forked && process.load() != ::getpid()) return true;
  has_vforked = false;
  return false;
}

/// Whether leash itself opens or closes: of a number that was closed past us the tag is still there. Also before
/// `begin` and after `end`.
bool is_own_call() noexcept {
  return !is_on.load(std::memory_order_relaxed) || is_child_of_vfork() || (inside && os::is_opening()) ||
         os::is_own_thread();
}

class KeepErrno {
 public:
  KeepErrno() noexcept : error_(errno) {}
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;
  ~KeepErrno() { errno = error_; }

 private:
  int error_;
};

}  // namespace

Descriptors::Inside::Inside() noexcept : before_(std::exchange(inside, true)) {}
Descriptors::Inside::~Inside() { inside = before_; }

bool Descriptors::is_inside() noexcept { return inside; }

bool Descriptors::is_on_leash() noexcept {
  if (!is_on.load(std::memory_order_relaxed) || is_child_of_vfork()) return false;
  const std::uint32_t here = os::fork_generation();
  std::uint32_t known = generation.load(std::memory_order_relaxed);
  if (here == known) [[likely]]
    return true;
  if (!orders().follow) return false;
  if (generation.compare_exchange_strong(known, here)) {
    FailedCloses::forget();
    closed_past = interrupted = too_high = no_memory = 0;
    tracker().set_baseline();
    process.store(::getpid());
  }
  return true;
}

bool Descriptors::is_process() noexcept { return is_on_leash() && process.load() == ::getpid(); }

track::Tracker& Descriptors::tracker() {
  static constinit os::Lazy<track::Tracker> tracker;
  return tracker.get([] {
    // Reports leave out the frames of our own functions.
    constexpr std::size_t own_frames = 3;
    const std::size_t depth = track::default_depth();
    // What other threads open and close while the report is made is no finding.
    return new track::Tracker(
        track::Options{.depth = depth == 0 ? 0 : std::min(depth + own_frames, track::max_depth),
                       .close_stack = true,
                       .rules = {.opened_after_end = track::Severity::off, .closed_late = track::Severity::off}});
  });
}

[[gnu::noinline]] void Descriptors::opened(int number, const track::Kind& kind) noexcept {
  const KeepErrno keep;
  if (number < 0) [[unlikely]] {
    if (errno == EMFILE && is_on_leash() && !inside && !os::is_own_thread()) {
      // A thread that is cancelled is not to end in there.
      int before = PTHREAD_CANCEL_ENABLE;
      ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
      track::detail::note_out_of_descriptors();
      ::pthread_setcancelstate(before, nullptr);
    }
    return;
  }
  // Not the standard streams, which everyone leaves open; nor what leash opens for itself, or with a tag of its own.
  if (number <= STDERR_FILENO || !is_on_leash() || os::is_own_thread() || os::is_opening()) return;
  if (inside) {
    count(interrupted);
    return;
  }
  Entry* const entry = entry_of(number);
  if (entry == nullptr) {
    count(number < most ? no_memory : too_high);
    return;
  }
  const Inside now;
  try {
    Tag tag = tracker().create({.kind = kind, .name = {}, .descriptor = number}, nowhere);
    entry->kind.store(&kind, std::memory_order_relaxed);
    Record* const earlier = entry->tag.exchange(TagAccess::take(std::move(tag)));
    if (earlier != nullptr) [[unlikely]] {
      count(closed_past);
      end_tag(earlier);
    }
    int known = highest.load(std::memory_order_relaxed);
    while (known < number && !highest.compare_exchange_weak(known, number)) {
    }
  } catch (...) {
    count(no_memory);
  }
}

Descriptors::Closing::Closing(int number, const void* caller) noexcept : number_(number), is_close_(caller != nullptr) {
  FailedCloses::begin(number, caller);
  // Not the table, where nothing was opened yet.
  if (number < 0 || number > highest.load(std::memory_order_relaxed) || is_own_call()) return;
  tag_ = table_memory.load(std::memory_order_relaxed)[number].tag.exchange(nullptr);
}

void Descriptors::Closing::keep() noexcept {
  if (tag_ == nullptr) return;
  const KeepErrno keep;
  const Inside now;
  put_back(number_, static_cast<Record*>(std::exchange(tag_, nullptr)));
}

[[gnu::noinline]] void Descriptors::Closing::ended(bool succeeded) noexcept {
  if (succeeded || errno != EBADF) [[likely]]
    return;
  const KeepErrno keep;
  if (tag_ != nullptr) {
    // Where fclose(3) says it, that may be of what it had still to write.
    if (is_close_) count(closed_past);
    return;
  }
  if (number_ < 0 || number_ > highest.load() || inside || os::is_own_thread() || !is_on_leash()) return;
  const Inside now;
  const Entry& entry = *entry_of(number_);
  try {
    const track::Request here = tracker().request(Call(Context::background(), nowhere));
    const track::Kind* const kind = entry.kind.load();
    if (kind != nullptr) {
      FailedCloses::add(number_, *kind, entry.last.load(), entry.before.load(), TagAccess::place_of(here));
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // No memory for the tracker: it has no tags either.
  }
}

Descriptors::Closing::~Closing() {
  if (tag_ == nullptr) return;
  const KeepErrno keep;
  const Inside now;
  end_tag(*entry_of(number_), static_cast<Record*>(tag_));
}

const track::Kind& Descriptors::kind_or(int number, const track::Kind& otherwise) noexcept {
  const Entry* const entry = entry_of(number);
  const track::Kind* const kind = entry == nullptr ? nullptr : entry->kind.load(std::memory_order_relaxed);
  return kind == nullptr ? otherwise : *kind;
}

void Descriptors::failed(int number, const char* what, const sockaddr* address, unsigned size, int error) noexcept {
  if (inside || is_own_call() || number < 0 || number > highest.load()) return;
  const KeepErrno keep;
  const Inside now;
  Record* const record = entry_of(number)->tag.exchange(nullptr);
  if (record == nullptr) return;
  Tag tag = TagAccess::tag_of(record);
  try {
    tag.note(std::string(what) + ' ' + os::address_text(address, size) + ": " + std::generic_category().message(error),
             nowhere);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // No memory: it has no note.
  }
  put_back(number, TagAccess::take(std::move(tag)));
}

void Descriptors::close(unsigned first, unsigned last) noexcept {
  if (is_own_call()) return;
  const KeepErrno keep;
  const Inside now;
  const auto top = static_cast<unsigned>(highest.load() + 1);
  for (unsigned number = first; number < top && number <= last; ++number) {
    Entry& entry = *entry_of(static_cast<int>(number));
    if (entry.tag.load(std::memory_order_relaxed) != nullptr) end_tag(entry, entry.tag.exchange(nullptr));
  }
}

void Descriptors::begin_vfork() noexcept { has_vforked = true; }
bool Descriptors::is_vforked() noexcept { return is_child_of_vfork(); }

void Descriptors::begin() {
  // What a thread needs once, the C library would allocate at its first open, which may come in a handler of a signal.
  static_cast<void>(tracker().request(Call(Context::background(), nowhere)));
  process.store(::getpid());
  is_on.store(true);
}

void Descriptors::end() noexcept {
  is_on.store(false);
  const Inside now;
  const int top = highest.load();
  for (int number = 0; number <= top; ++number) {
    std::atomic<Record*>& tag = entry_of(number)->tag;
    Record* record = tag.load();
    const bool is_gone = record != nullptr && ::fcntl(number, F_GETFD) < 0 && errno == EBADF;
    if (!is_gone || !tag.compare_exchange_strong(record, nullptr)) continue;
    count(closed_past);
    end_tag(record);
  }
}

std::vector<std::string> Descriptors::remarks() {
  std::vector<std::string> remarks;
  const auto add = [&](std::uint64_t number, std::string_view what) {
    if (number != 0) {
      remarks.push_back(track::detail::counted(number, "descriptor was ", "descriptors were ") + std::string(what));
    }
  };
  add(closed_past.load(), "closed by what is not seen here: a raw system call, say.");
  add(interrupted.load(), "opened by a signal handler while leash was at work, and not tracked.");
  add(too_high.load(), "not tracked, since their numbers are above " + std::to_string(most - 1) + ".");
  add(no_memory.load(), "not tracked, for want of memory.");
  add(FailedCloses::left_out(), "closed twice, of which nothing is told: there are too many others.");
  return remarks;
}

}  // namespace LEASH_NAMESPACE::interpose
