#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/asymmetric_fence.hpp>
#include <leash/os/happens_before.hpp>
#include <leash/os/mutex.hpp>
#include <leash/track/store/lifetime.hpp>
#include <leash/track/store/record.hpp>
#include <leash/track/store/this_thread.hpp>

namespace LEASH_NAMESPACE::track::detail {

class Shard;

/// Guards what threads seldom come to and leave at once, in all trackers.
extern constinit os::Mutex rare_paths;

/// Records, and which of them are free. Only who has its shard changes it.
struct alignas(4096) Page {
  static constexpr std::size_t capacity = 63;
  static constexpr std::uint16_t none = 0xffff;

  Shard* shard = nullptr;
  Page* next_available = nullptr;
  struct Chunk* chunk = nullptr;
  std::uint16_t first_free = none;
  std::uint16_t in_use = 0;
  bool available = false;               ///< In its shard's list of pages that have room.
  std::atomic<std::uint16_t> begun{0};  ///< Records from here on were never used.
  alignas(64) std::array<std::byte, capacity * sizeof(Record)> memory;

  static Page& of(const Record& record) noexcept {
    return *reinterpret_cast<Page*>(reinterpret_cast<std::uintptr_t>(&record) & ~(sizeof(Page) - 1));
  }
  Record& at(std::size_t index) noexcept { return reinterpret_cast<Record*>(memory.data())[index]; }
  std::size_t index_of(const Record& record) const noexcept {
    return static_cast<std::size_t>(&record - reinterpret_cast<const Record*>(memory.data()));
  }
  bool full() const noexcept { return first_free == none && begun.load(std::memory_order_relaxed) == capacity; }
};
static_assert(sizeof(Page) == 4096);

/// Pages that came from the kernel together. Their memory may go back to it; the addresses stay reserved, and hold
/// zeros then.
struct Chunk {
  Page* pages = nullptr;
  std::uint32_t count = 0;
  std::uint32_t pages_in_use = 0;       ///< That have a record in use.
  std::atomic<std::uint32_t> begun{0};  ///< Pages from here on were never used.
  Chunk* next = nullptr;
  Chunk* next_idle = nullptr;
};

/// The records that one thread makes for one tracker, so that threads do not meet. That thread, the owner, works on it
/// without a lock; others only put records back, into a list of their own, and count.
///
/// When the tracker has no handle any more, or where a thread has no index, there is no owner, and all take
/// `rare_paths`.
class Shard {
 public:
  /// `owner` is a thread's index; 0 for none.
  Shard(Lifetime& tracker, std::uint32_t owner) noexcept;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  /// The right to take records, for the calling thread.
  class Turn {
   public:
    Turn(Shard& shard, const ThisThread& thread) noexcept : shard_(shard), biased_(shard.enter(thread)) {
      if (!biased_) rare_paths.lock();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (biased_) {
        shard_.leave();
      } else {
        rare_paths.unlock();
      }
    }

   private:
    Shard& shard_;
    const bool biased_;
  };

  /// Whether the calling thread, if it is the owner, has a Turn: this is a signal handler then, and must not take one.
  bool busy() const noexcept { return busy_.load(std::memory_order_relaxed); }

  /// What a Turn is for the owner, if it may have one; else it needs a Turn.
  [[gnu::always_inline]] bool enter(const ThisThread& thread) noexcept { return owned_by(thread) && enter_as_owner(); }
  /// The same, for the owner.
  [[gnu::always_inline]] bool enter_as_owner() noexcept {
    if (busy()) return false;
    busy_.store(true, std::memory_order_relaxed);
    os::light_fence();
    if (!revoked_.load(std::memory_order_acquire)) return true;
    leave();
    return false;
  }
  void leave() noexcept { busy_.store(false, std::memory_order_release); }

  /// After `enter`: a record for use, with its serial, where one is at hand; else null.
  [[gnu::always_inline]] Record* take_ready() noexcept {
    if (current_ == nullptr) return nullptr;
    Page& page = *current_;
    Record* record = nullptr;
    if (page.first_free != Page::none) {
      record = &page.at(page.first_free);
      page.first_free = static_cast<std::uint16_t>(record->serial);
    } else {
      const std::uint16_t index = page.begun.load(std::memory_order_relaxed);
      if (index == Page::capacity) return nullptr;
      record = &page.at(index);
      page.begun.store(static_cast<std::uint16_t>(index + 1), std::memory_order_release);
    }
    if (page.in_use++ == 0) {
      ++page.chunk->pages_in_use;
      ++pages_in_use_;
    }
    record->serial = ++serial_;
    return record;
  }

  /// In a Turn: the same, with more memory if needed. Throws `std::bad_alloc`.
  Record& take();

  /// In the same Turn, or before `leave`: the record is in use from now on, and has this state; or it is not needed
  /// after all.
  void publish(Record& record, std::uint32_t state) noexcept {
    add(opened_);
    record.state.store(state, std::memory_order_release);
  }
  void cancel(Record& record) noexcept;

  /// A record of this shard was closed: counts it, in any thread.
  void count_closed(const ThisThread& thread) noexcept {
#if defined(__x86_64__)
    // One instruction: a signal handler that closes another one here comes before or after it.
    if (owned_by(thread)) {
      asm("incq %0" : "+m"(closed_));  // NOLINT(hicpp-no-assembler)
      return;
    }
#endif
    closed_elsewhere_.fetch_add(1, std::memory_order_relaxed);
  }

  /// The record's tag is gone and nobody reads it. Any thread. True if that was the last tag of a tracker that has no
  /// handle any more: the caller then destroys the tracker.
  [[nodiscard]] bool put_back(Record& record, const ThisThread& thread) noexcept {
    if (Extra* const extra = record.extra.load(std::memory_order_acquire); extra != nullptr) {
      os::happens_after(&record);
      extra->clear();
    }
    return !put_back_ready(record, thread) && put_back_elsewhere(record);
  }

  /// The same for a record without Extra, by the owner if it may; else false, and nothing was done.
  [[nodiscard, gnu::always_inline]] bool put_back_ready(Record& record, const ThisThread& thread) noexcept {
    if (!enter(thread)) return false;
    free(record);
    leave();
    return true;
  }

  /// Ends the owner's privilege: call the first, then `heavy_fence`, then the second. The first time, that one returns
  /// how many records are in use; from then on the shard tells the tracker of each tag that begins and ends.
  void revoke() noexcept { revoked_.store(true, std::memory_order_relaxed); }
  std::uint64_t disown() noexcept;

  /// After a `heavy_fence`: waits until a Turn that began before it is over; not for one of a thread that was lost in a
  /// fork.
  void wait_for_turn() noexcept;

  /// Calls `function(record)` for each record that may be in use.
  template <class Function>
  void each(Function function) {
    Chunk* chunk = chunks_.load(std::memory_order_acquire);
    os::happens_after(&chunks_);
    for (; chunk != nullptr; chunk = chunk->next) {
      for (std::uint32_t number = 0; number < chunk->begun.load(std::memory_order_acquire); ++number) {
        Page& page = chunk->pages[number];
        const std::size_t begun = page.begun.load(std::memory_order_acquire);
        for (std::size_t index = 0; index < begun; ++index) function(page.at(index));
      }
    }
  }

  Lifetime& tracker() const noexcept { return tracker_; }
  std::uint32_t owner() const noexcept { return owner_; }
  std::uint64_t opened() const noexcept { return opened_.load(std::memory_order_relaxed); }
  std::uint64_t closed() const noexcept {
    return closed_.load(std::memory_order_relaxed) + closed_elsewhere_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t most_pages = 1024;  ///< Of a chunk.
  static constexpr std::uint32_t least_pages_to_give_back = 16;

  static Record* sealed() noexcept { return reinterpret_cast<Record*>(std::uintptr_t{1}); }

  /// By one thread at a time.
  static void add(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  bool owned_by(const ThisThread& thread) const noexcept { return thread.index == owner_ && owner_ != 0; }

  void find_room();
  Page& begin_page();
  Chunk& new_chunk();
  bool put_back_elsewhere(Record& record) noexcept;
  [[gnu::always_inline]] void free(Record& record) noexcept {
    Page& page = Page::of(record);
    record.serial = page.first_free;
    page.first_free = static_cast<std::uint16_t>(page.index_of(record));
    record.state.store(0, std::memory_order_relaxed);
    if (&page != current_ && !page.available) {
      page.available = true;
      page.next_available = available_;
      available_ = &page;
    }
    if (--page.in_use != 0) return;
    --pages_in_use_;
    Chunk& chunk = *page.chunk;
    if (--chunk.pages_in_use != 0 || chunk.count < least_pages_to_give_back) return;
    // One that is given back and soon taken again would cost more than it saves: as much stays at hand.
    if (pages_ - pages_in_use_ >= 2 * chunk.count) give_back(chunk);
  }
  void free_all(Record* returned) noexcept;
  void give_back(Chunk& chunk) noexcept;
  static void delete_extras(Page& page) noexcept;

  Lifetime& tracker_;
  const std::uint32_t owner_;
  std::uint32_t serial_ = 0;
  std::atomic<bool> busy_{false};
  std::atomic<bool> revoked_{false};
  bool ownerless_ = false;  ///< Under `rare_paths`: what is put back counts for the tracker's end.
  Page* current_ = nullptr;
  Page* available_ = nullptr;
  Chunk* filling_ = nullptr;  ///< Has pages that were never used.
  Chunk* idle_ = nullptr;     ///< Those whose memory was given back.
  Chunk first_;
  std::uint32_t pages_ = 0;         ///< Those begun, and
  std::uint32_t pages_in_use_ = 0;  ///< those with a record in use.
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> closed_{0};
  std::atomic<Chunk*> chunks_{nullptr};

  alignas(64) std::atomic<Record*> returned_{nullptr};
  std::atomic<std::uint64_t> closed_elsewhere_{0};
};

}  // namespace LEASH_NAMESPACE::track::detail
