#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <leash/interpose/descriptors.hpp>
#include <leash/os/lazy.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/thread_names.hpp>
#include <leash/track/detail/tag_access.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <source_location>
#include <utility>

namespace LEASH_NAMESPACE::interpose {
namespace {

using track::Tag;
using track::detail::Record;
using track::detail::TagAccess;

struct Entry {
  std::atomic<Record*> tag;
  /// Stays when the tag ends: a thread may ask for it while another one closes the descriptor.
  std::atomic<const track::Kind*> kind;
};

constinit std::atomic<Entry*> table_memory{nullptr};
constinit std::atomic<bool> ended{false};
constinit std::atomic<int> highest{-1};  ///< Of the numbers that ever had a tag.
constinit thread_local bool inside = false;

/// Address space for all numbers, of which the kernel backs what is used. Null if it has none.
Entry* table() noexcept {
  Entry* known = table_memory.load(std::memory_order_acquire);
  if (known != nullptr) return known;
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

/// Ends a tag whose descriptor is closed.
void end_tag(Record* record) noexcept {
  if (record != nullptr) TagAccess::tag_of(record).close(nowhere);
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

track::Tracker& Descriptors::tracker() {
  static constinit os::Lazy<track::Tracker> tracker;
  return tracker.get([] { return new track::Tracker(); });
}

[[gnu::noinline]] void Descriptors::opened(int number, const track::Kind& kind) noexcept {
  if (number < 0) return;
  const KeepErrno keep;
  // What leash opens for itself, or with a tag of its own.
  if (ended.load(std::memory_order_relaxed) || os::is_opening() || os::is_own_thread()) return;
  Entry* const entry = entry_of(number);
  if (inside || entry == nullptr) return;
  const Inside now;
  try {
    Tag tag = tracker().create({.kind = kind, .name = {}, .descriptor = number}, nowhere);
    entry->kind.store(&kind, std::memory_order_relaxed);
    end_tag(entry->tag.exchange(TagAccess::take(std::move(tag))));
    int known = highest.load(std::memory_order_relaxed);
    while (known < number && !highest.compare_exchange_weak(known, number)) {
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // No memory: it has no tag.
  }
}

Descriptors::Closing::Closing(int number) noexcept : number_(number) {
  const KeepErrno keep;
  if (Entry* const entry = entry_of(number)) tag_ = entry->tag.exchange(nullptr);
}

void Descriptors::Closing::keep() noexcept {
  Record* const record = static_cast<Record*>(std::exchange(tag_, nullptr));
  if (record == nullptr) return;
  const KeepErrno keep;
  end_tag(entry_of(number_)->tag.exchange(record));
}

Descriptors::Closing::~Closing() {
  if (tag_ == nullptr) return;
  const KeepErrno keep;
  const Inside now;
  end_tag(static_cast<Record*>(tag_));
}

const track::Kind& Descriptors::kind_or(int number, const track::Kind& otherwise) noexcept {
  const Entry* const entry = entry_of(number);
  const track::Kind* const kind = entry == nullptr ? nullptr : entry->kind.load(std::memory_order_relaxed);
  return kind == nullptr ? otherwise : *kind;
}

void Descriptors::closed(unsigned first, unsigned last) noexcept {
  const KeepErrno keep;
  Entry* const all = table_memory.load(std::memory_order_acquire);
  if (all == nullptr) return;
  const Inside now;
  const auto top = static_cast<unsigned>(highest.load() + 1);
  for (unsigned number = first; number < top && number <= last; ++number) {
    if (all[number].tag.load(std::memory_order_relaxed) != nullptr) end_tag(all[number].tag.exchange(nullptr));
  }
}

void Descriptors::end() noexcept { ended.store(true); }

}  // namespace LEASH_NAMESPACE::interpose
