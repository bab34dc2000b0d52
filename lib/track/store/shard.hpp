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
#include <leash/track/store/page.hpp>
#include <leash/track/store/places.hpp>
#include <leash/track/store/record.hpp>
#include <leash/track/store/this_thread.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// One lock for the slow paths of all trackers. Hold it briefly, and never block under it.
extern constinit os::Mutex rare_paths;

/// The records that one thread, the owner, opens for one tracker, so that threads do not contend. The owner takes and
/// frees records without a lock. Another thread that ends the tag of such a record pushes the record on `returned_`,
/// from where the owner takes it later.
///
/// A shard has no owner if it is the one for threads without an index, or once the tracker's last handle is gone
/// (`finish_disown`): then every thread works on it under `rare_paths`.
class Shard {  // NOLINT(clang-analyzer-optin.performance.Padding): what other threads write is kept apart
 public:
  /// `owner` is a thread's index; 0 for none.
  Shard(Lifetime& tracker, std::uint32_t owner) noexcept;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  /// The right to take records, for as long as it exists. Costs the owner no lock; any other thread, and the owner of a
  /// shard that was disowned, holds `rare_paths`.
  class BiasedLock {
   public:
    BiasedLock(Shard& shard, const ThisThread& thread) noexcept : shard_(shard), biased_(shard.try_enter(thread)) {
      if (!biased_) rare_paths.lock();
    }
    BiasedLock(const BiasedLock&) = delete;
    BiasedLock& operator=(const BiasedLock&) = delete;
    ~BiasedLock() {
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

  /// Whether the owner is working on this shard. If the owner itself is told so, it is in a signal handler that
  /// interrupted that work, and must not take a BiasedLock.
  bool busy() const noexcept { return busy_.load(std::memory_order_relaxed); }

  /// Marks the owner as working on this shard, until `leave`. False if the calling thread is not the owner, if it is in
  /// a signal handler that interrupted such work, or if the shard was disowned.
  [[gnu::always_inline]] bool try_enter(const ThisThread& thread) noexcept {
    return owned_by(thread) && try_enter_as_owner();
  }
  /// The same, in a thread that is known to be the owner.
  [[gnu::always_inline]] bool try_enter_as_owner() noexcept {
    if (busy()) return false;
    busy_.store(true, std::memory_order_relaxed);
    // The owner sets `busy_`, fences, then reads `revoked_` here (and its caller reads whether the tracker is closed).
    // The thread that disowns the shard (or closes the tracker) sets that first, makes the heavy fence, then reads
    // `busy_`. At least one of the two sees what the other wrote.
    os::light_fence();
    if (!revoked_.load(std::memory_order_acquire)) return true;
    leave();
    return false;
  }
  void leave() noexcept { busy_.store(false, std::memory_order_release); }

  /// After `try_enter`, or under a BiasedLock: takes a record from the current page and sets its serial. Null if that
  /// page is full.
  [[gnu::always_inline]] Record* try_take() noexcept {
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

  /// Under a BiasedLock: how many pages were begun and not given back.
  std::uint32_t pages() const noexcept { return pages_; }

  /// Under a BiasedLock: the same, but goes to another page, or allocates one, if the current page is full. Throws
  /// `std::bad_alloc`.
  Record& take();

  /// Sets the state of a record that was just taken and filled in: threads that read all records see it from now on.
  /// Call before leaving the shard.
  void publish(Record& record, std::uint32_t state) noexcept {
    increment(tallies_[record.kind_slot()].opened);
    record.state.store(state, std::memory_order_release);
  }

  /// Puts the record that was just taken back unused. Call under the same BiasedLock.
  void cancel(Record& record) noexcept;

  /// Counts that a record of this shard was closed. In any thread, also in a signal handler.
  void count_closed(const Record& record, const ThisThread& thread) noexcept {
    const unsigned slot = record.kind_slot();
#if defined(__x86_64__)
    // One instruction, which costs less than an atomic one and is enough: a signal handler of the owner's that closes
    // another record comes before it or after it.
    if (owned_by(thread)) {
      asm("incq %0" : "+m"(tallies_[slot].closed));  // NOLINT(hicpp-no-assembler)
      return;
    }
#endif
    closed_elsewhere_[slot].fetch_add(1, std::memory_order_relaxed);
  }

  /// Frees a record whose tag is gone and that is not pinned. In any thread. True if that was the last tag of a tracker
  /// that has no handle any more: the caller then destroys the tracker.
  [[nodiscard]] bool put_back(Record& record, const ThisThread& thread) noexcept {
    if (Extra* const extra = record.extra.load(std::memory_order_acquire); extra != nullptr) {
      os::happens_after(&record);
      extra->clear();
    }
    return !try_put_back_as_owner(record, thread) && put_back_as_other(record);
  }

  /// Frees a record that has no Extra, or a cleared one, if the calling thread is the owner and can enter. Else false,
  /// and nothing was done.
  [[nodiscard, gnu::always_inline]] bool try_put_back_as_owner(Record& record, const ThisThread& thread) noexcept {
    if (!try_enter(thread)) return false;
    free_record(record);
    leave();
    return true;
  }

  /// Takes the shard from its owner in two steps, with a `heavy_fence` between them. After that fence `try_enter`
  /// fails.
  void begin_disown() noexcept { revoked_.store(true, std::memory_order_relaxed); }

  /// The second step: waits until the owner has left. From now on all threads work under `rare_paths`, and the shard
  /// tells the tracker's `Lifetime` of every tag that is created or ends. Returns how many records are in use; 0 if it
  /// was called before.
  std::uint64_t finish_disown() noexcept;

  /// After a `heavy_fence`: waits until the thread that was taking or freeing records at the time of that fence has
  /// left the shard. Does not wait for an owner that was lost in a fork.
  void wait_for_holder() noexcept;

  /// Calls `function(record)` for each record that was ever used. Its `state` says whether it is in use.
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
  /// The thread index of the owner; 0 if the shard was made without one.
  std::uint32_t owner() const noexcept { return owner_; }
  /// How many records were published whose kind has this slot, and how many of them were closed.
  std::uint64_t opened(unsigned slot) const noexcept { return tallies_[slot].opened.load(std::memory_order_relaxed); }
  std::uint64_t closed(unsigned slot) const noexcept {
    return tallies_[slot].closed.load(std::memory_order_relaxed) +
           closed_elsewhere_[slot].load(std::memory_order_relaxed);
  }
  /// How many records were published of all kinds.
  std::uint64_t opened() const noexcept {
    std::uint64_t all = 0;
    for (unsigned slot = 0; slot < kind_slots; ++slot) all += opened(slot);
    return all;
  }

 private:
  /// What the owner counts of a kind.
  struct Tally {
    std::atomic<std::uint64_t> opened{0};
    std::atomic<std::uint64_t> closed{0};
  };
  static constexpr std::uint32_t most_pages = 1024;              ///< Of a chunk.
  static constexpr std::uint32_t least_pages_to_give_back = 16;  ///< A chunk with fewer pages keeps its memory.

  /// What `returned_` holds while there is no owner to take records from it: nothing is pushed then.
  static Record* sealed() noexcept { return reinterpret_cast<Record*>(std::uintptr_t{1}); }

  /// For a counter that one thread at a time writes.
  static void increment(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  bool owned_by(const ThisThread& thread) const noexcept { return thread.index == owner_ && owner_ != 0; }

  /// Makes `current_` a page that is not full.
  void make_room();
  /// A page that was never used, or not since its chunk was given back.
  Page& begin_page();
  /// A chunk of such pages: an idle one, or one from the kernel.
  Chunk& new_chunk();
  /// Frees a record in a thread that could not enter as the owner. True as in `put_back`.
  bool put_back_as_other(Record& record) noexcept;
  /// Frees a record in a thread that has entered the shard, or under `rare_paths`.
  [[gnu::always_inline]] void free_record(Record& record) noexcept {
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
    // To give memory back and soon take it again would cost more than it saves: unless as many unused pages stay
    // mapped, the chunk keeps its own.
    if (pages_ - pages_in_use_ >= 2 * chunk.count) give_back(chunk);
  }
  /// Frees all records of a list that was taken from `returned_`.
  void free_records(Record* returned) noexcept;
  /// Returns the memory of a chunk without records in use to the kernel.
  void give_back(Chunk& chunk) noexcept;
  static void delete_extras(Page& page) noexcept;

  Lifetime& tracker_;
  const std::uint32_t owner_;
  std::uint32_t serial_ = 0;             ///< Of the record taken last.
  std::atomic<bool> busy_{false};        ///< The owner is working on the shard.
  std::atomic<bool> revoked_{false};     ///< The owner may not enter any more.
  bool ownerless_ = false;               ///< Guarded by `rare_paths`: `finish_disown` was called.
  Page* current_ = nullptr;              ///< Records are taken from here.
  Page* available_ = nullptr;            ///< The other pages with free records, linked by `next_available`.
  Chunk* filling_ = nullptr;             ///< The chunk that has pages which were not begun.
  Chunk* idle_ = nullptr;                ///< The chunks that were given back, linked by `next_idle`.
  Chunk first_;                          ///< Has one page, from a pool of the process.
  std::uint32_t pages_ = 0;              ///< How many pages were begun and not given back,
  std::uint32_t pages_in_use_ = 0;       ///< and how many of them have a record in use.
  std::atomic<Chunk*> chunks_{nullptr};  ///< All of them, linked by `next`, the newest first.
  std::array<Tally, kind_slots> tallies_{};

  /// What other threads write has a cache line of its own.
  alignas(64) std::atomic<Record*> returned_{nullptr};
  std::array<std::atomic<std::uint64_t>, kind_slots> closed_elsewhere_{};  ///< By other threads, of each kind.
};

}  // namespace LEASH_NAMESPACE::track::detail
