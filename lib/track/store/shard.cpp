#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <leash/os/thread_index.hpp>
#include <leash/track/store/shard.hpp>
#include <leash/track/store/this_thread.hpp>
#include <mutex>
#include <new>
#include <thread>

// LeakSanitizer (sanitizer/lsan_interface.h), if the program is linked with it. It does not search memory from mmap for
// pointers unless it is told to, and records point to memory from `new`.
extern "C" {
[[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t size);    // NOLINT(bugprone-reserved-*)
[[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t size);  // NOLINT(bugprone-reserved-*)
}

namespace LEASH_NAMESPACE::track::detail {
namespace {

void* map_pages(std::size_t count) {
  void* const pages = ::mmap(nullptr, count * sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  if (__lsan_register_root_region != nullptr) __lsan_register_root_region(pages, count * sizeof(Page));
  return pages;
}

void unmap_pages(void* pages, std::size_t count) noexcept {
  if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(pages, count * sizeof(Page));
  ::munmap(pages, count * sizeof(Page));
}

/// The first page of each shard comes from here: most trackers live for one test and need no other page. Only tries the
/// mutex, and goes to the kernel where it is locked: the calling thread may be in a signal handler that interrupted the
/// thread's own work here.
class PagePool {
 public:
  void* take() {
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && size_ > 0) {
      return std::memset(pages_[--size_], 0, sizeof(Page));
    }
    return map_pages(1);
  }

  void put(void* page) noexcept {
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && size_ < pages_.size()) {
      pages_[size_++] = page;
      return;
    }
    unmap_pages(page, 1);
  }

 private:
  os::Mutex mutex_;
  std::array<void*, 64> pages_{};
  std::size_t size_ = 0;
};

constinit PagePool pool;

/// The record behind this one in `Shard::returned_`.
Record* next_returned(const Record& record) noexcept {
  return reinterpret_cast<Record*>(static_cast<std::uintptr_t>(record.opened_and_kind));
}

}  // namespace

constinit os::Mutex rare_paths;

Extra& Record::ensure_extra() {
  Extra* known = extra.load(std::memory_order_acquire);
  if (known == nullptr) {
    auto* const fresh = new Extra;
    if (extra.compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
  }
  return *known;
}

Shard::Shard(Lifetime& tracker, std::uint32_t owner) noexcept : tracker_(tracker), owner_(owner) {
  if (owner == 0) returned_.store(sealed(), std::memory_order_relaxed);
}

Shard::~Shard() {
  Chunk* next = nullptr;
  for (Chunk* chunk = chunks_.load(std::memory_order_acquire); chunk != nullptr; chunk = next) {
    next = chunk->next;
    for (std::uint32_t number = 0; number < chunk->begun.load(std::memory_order_relaxed); ++number) {
      delete_extras(chunk->pages[number]);
    }
    if (chunk == &first_) {
      pool.put(chunk->pages);
    } else {
      unmap_pages(chunk->pages, chunk->count);
      delete chunk;
    }
  }
}

void Shard::delete_extras(Page& page) noexcept {
  for (std::size_t index = 0; index < page.begun.load(std::memory_order_relaxed); ++index) {
    delete page.at(index).extra.load(std::memory_order_acquire);
  }
}

Record& Shard::take() {
  Record* record = try_take();
  if (record == nullptr) {
    make_room();
    record = try_take();
  }
  if (ownerless_) tracker_.tag_created();
  return *record;
}

void Shard::cancel(Record& record) noexcept {
  // Serials must count the records that were published: a Mark compares them with `opened`.
  --serial_;
  free_record(record);
  // The result is always false: in a shard without an owner only `Tag::child` and `Tag::sibling` take records, and that
  // tag remains.
  if (ownerless_) static_cast<void>(tracker_.tag_ended());
}

[[gnu::noinline]] void Shard::make_room() {
  if (Record* const head = returned_.load(std::memory_order_relaxed); head != nullptr && head != sealed()) {
    free_records(returned_.exchange(nullptr, std::memory_order_acquire));
  }
  if (current_ != nullptr && !current_->full()) return;
  if (available_ != nullptr) {
    current_ = available_;
    available_ = current_->next_available;
    current_->available = false;
  } else {
    current_ = &begin_page();
  }
}

Page& Shard::begin_page() {
  if (filling_ == nullptr) filling_ = &new_chunk();
  Chunk& chunk = *filling_;
  const std::uint32_t number = chunk.begun.load(std::memory_order_relaxed);
  // The memory holds zeros, and these are a Page and its Records in their first state. To construct them would be a
  // race with threads that read all records.
  Page& page = chunk.pages[number];
  page.shard = this;
  page.chunk = &chunk;
  page.first_free = Page::none;
  ++pages_;
  chunk.begun.store(number + 1, std::memory_order_release);
  if (number + 1 == chunk.count) filling_ = nullptr;
  return page;
}

Chunk& Shard::new_chunk() {
  if (idle_ != nullptr) {
    Chunk& chunk = *idle_;
    idle_ = chunk.next_idle;
    return chunk;
  }
  Chunk* const last = chunks_.load(std::memory_order_relaxed);
  Chunk* chunk = &first_;
  if (last == nullptr) {
    first_.pages = static_cast<Page*>(pool.take());
    first_.count = 1;
  } else {
    const std::uint32_t count = std::min(last->count * 4, most_pages);
    void* const pages = map_pages(count);
    chunk = new (std::nothrow) Chunk;
    if (chunk == nullptr) {
      unmap_pages(pages, count);
      throw std::bad_alloc();
    }
    chunk->pages = static_cast<Page*>(pages);
    chunk->count = count;
    chunk->next = last;
  }
  os::happens_before(&chunks_);
  chunks_.store(chunk, std::memory_order_release);
  return *chunk;
}

[[gnu::noinline]] void Shard::free_records(Record* returned) noexcept {
  while (returned != nullptr) {
    Record& record = *returned;
    returned = next_returned(record);
    free_record(record);
  }
}

[[gnu::noinline]] void Shard::give_back(Chunk& chunk) noexcept {
  const std::uint32_t begun = chunk.begun.load(std::memory_order_relaxed);
  for (std::uint32_t number = 0; number < begun; ++number) delete_extras(chunk.pages[number]);
  for (Page** link = &available_; *link != nullptr;) {
    if ((*link)->chunk == &chunk) {
      *link = (*link)->next_available;
    } else {
      link = &(*link)->next_available;
    }
  }
  if (current_ != nullptr && current_->chunk == &chunk) current_ = nullptr;
  if (filling_ == &chunk) filling_ = nullptr;
  pages_ -= begun;
  chunk.begun.store(0, std::memory_order_release);
  ::madvise(chunk.pages, chunk.count * sizeof(Page), MADV_DONTNEED);
  chunk.next_idle = idle_;
  idle_ = &chunk;
}

[[gnu::noinline]] bool Shard::put_back_as_other(Record& record) noexcept {
  Record* head = returned_.load(std::memory_order_relaxed);
  while (head != sealed()) {
    record.opened_and_kind = reinterpret_cast<std::uintptr_t>(head);
    if (returned_.compare_exchange_weak(head, &record, std::memory_order_release, std::memory_order_relaxed)) {
      return false;
    }
  }
  bool ownerless = false;
  {
    const std::lock_guard lock(rare_paths);
    free_record(record);
    ownerless = ownerless_;
  }
  // Last of all: once this tag has ended, another thread that ends the last one destroys the tracker and this shard.
  return ownerless && tracker_.tag_ended();
}

std::uint64_t Shard::finish_disown() noexcept {
  wait_for_holder();
  const std::lock_guard lock(rare_paths);
  if (ownerless_) return 0;
  ownerless_ = true;
  Record* const returned = returned_.exchange(sealed(), std::memory_order_acq_rel);
  if (returned != sealed()) free_records(returned);
  std::uint64_t in_use = 0;
  for (Chunk* chunk = chunks_.load(std::memory_order_relaxed); chunk != nullptr; chunk = chunk->next) {
    for (std::uint32_t number = 0; number < chunk->begun.load(std::memory_order_relaxed); ++number) {
      in_use += chunk->pages[number].in_use;
    }
  }
  return in_use;
}

void Shard::wait_for_holder() noexcept {
  if (owner_ == 0) {
    const std::lock_guard after_holder(rare_paths);
    return;
  }
  while (busy_.load(std::memory_order_acquire) && !os::is_lost_thread(owner_)) std::this_thread::yield();
}

}  // namespace LEASH_NAMESPACE::track::detail
