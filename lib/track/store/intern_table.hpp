#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Stores equal values once and gives each a number, for as long as the program runs. Lock-free and async-signal-safe.
/// Its address space is reserved at the first call; the kernel backs it page by page as entries are written, and no
/// entry ever moves.
///
/// A hash table with chaining. The entries lie one behind another in an arena and are never removed.
class InternTable {
 public:
  /// Room for `bytes` of entries, each of which takes 8 bytes and its payload. `buckets` must be a power of two.
  constexpr InternTable(std::size_t bytes, std::size_t buckets) noexcept : bytes_(bytes), buckets_(buckets) {}

  /// Returns the number of the entry that has this hash and for which `equal(payload)` holds. If there is none, adds
  /// one with `size` bytes of payload, which `fill(payload)` writes, and returns its number. Returns 0, which no entry
  /// has, if there is no room left.
  template <class Equal, class Fill>
  std::uint32_t find_or_add(std::uint32_t hash, std::size_t size, Equal equal, Fill fill) noexcept {
    Memory memory;
    if (!ensure_mapped(memory)) return 0;
    std::atomic<std::uint32_t>& head = memory.heads[hash & (buckets_ - 1)];
    std::uint32_t fresh = 0;
    std::uint32_t first = head.load(std::memory_order_acquire);
    for (;;) {
      os::happens_after(this);
      for (std::uint32_t number = first; number != 0; number = header(memory, number).next) {
        const Header& known = header(memory, number);
        if (known.hash == hash && equal(const_cast<const void*>(payload(memory, number)))) return number;
      }
      if (fresh == 0) {
        fresh = allocate_entry(sizeof(Header) + size);
        if (fresh == 0) return 0;
        header(memory, fresh).hash = hash;
        fill(payload(memory, fresh));
      }
      header(memory, fresh).next = first;
      os::happens_before(this);
      if (head.compare_exchange_strong(first, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) {
        return fresh;
      }
      // Another thread added an entry to this chain, perhaps an equal one: search again.
    }
  }

  /// The payload of the entry with this number, which `find_or_add` returned and is not 0.
  void* at(std::uint32_t number) const noexcept {
    return arena_.load(std::memory_order_acquire) + offset(number) + sizeof(Header);
  }

  /// How many bytes of the arena the entries take.
  std::size_t bytes_used() const noexcept;

  /// An entry begins at a multiple of `unit` bytes in the arena; that multiple is its number.
  static constexpr std::size_t unit = 8;

 private:
  struct Header {
    std::uint32_t next;  ///< The number of the next entry in the chain; 0 for none.
    std::uint32_t hash;
  };
  struct Memory {
    std::byte* arena;
    std::atomic<std::uint32_t>* heads;  ///< Of the chains, one a bucket: the number of the first entry.
  };

  static std::size_t offset(std::uint32_t number) noexcept { return number * unit; }
  static Header& header(const Memory& memory, std::uint32_t number) noexcept {
    return *reinterpret_cast<Header*>(memory.arena + offset(number));
  }
  static void* payload(const Memory& memory, std::uint32_t number) noexcept {
    return memory.arena + offset(number) + sizeof(Header);
  }

  /// Sets `memory`, which the first call reserves. False if the kernel has none.
  bool ensure_mapped(Memory& memory) noexcept;
  /// Reserves the memory, unless another thread comes first, and returns where it is. Null if the kernel has none.
  std::byte* reserve_memory() noexcept;
  /// Returns the number of a new entry of `size` bytes, header included; 0 if there is no room.
  std::uint32_t allocate_entry(std::size_t size) noexcept;

  const std::size_t bytes_;
  const std::size_t buckets_;
  std::atomic<std::byte*> arena_{nullptr};
  /// The number of the next new entry. Begins at 1: no entry has the number 0.
  std::atomic<std::size_t> used_{1};
};

}  // namespace LEASH_NAMESPACE::track::detail
