#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/store/record.hpp>

namespace LEASH_NAMESPACE::track::detail {

class Shard;

/// 63 records, and which of them are free. Only a thread that has entered the shard (`try_enter`) or holds its
/// `BiasedLock` changes a page; any thread may read the records below `begun`.
struct alignas(4096) Page {
  static constexpr std::size_t capacity = 63;
  static constexpr std::uint16_t none = 0xffff;

  Shard* shard = nullptr;
  Page* next_available = nullptr;
  struct Chunk* chunk = nullptr;
  std::uint16_t first_free = none;
  std::uint16_t in_use = 0;
  bool available = false;               ///< It is in its shard's list `available_`.
  std::atomic<std::uint16_t> begun{0};  ///< How many records were ever used: the first ones. The others are all zeros.
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

/// Pages that came from the kernel together. `Shard::give_back` returns their memory to the kernel, but keeps the
/// addresses, which read as zeros from then on.
struct Chunk {
  Page* pages = nullptr;
  std::uint32_t count = 0;
  std::uint32_t pages_in_use = 0;       ///< How many pages have a record in use.
  std::atomic<std::uint32_t> begun{0};  ///< How many pages were ever used, or since `give_back`: the first ones.
  Chunk* next = nullptr;
  Chunk* next_idle = nullptr;
};

}  // namespace LEASH_NAMESPACE::track::detail
