#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Stores equal things once and gives each a number, for as long as the program runs. Lock-free and safe in signal
/// handlers; the memory is reserved once, comes from the kernel page by page as it is used, and never moves.
///
/// A hash table with chains, whose entries lie one behind another in an arena and are never removed.
class InternTable {
 public:
  /// At most `bytes` for entries, each of which takes 8 bytes more than its payload. `buckets` is a power of two.
  constexpr InternTable(std::size_t bytes, std::size_t buckets) noexcept : bytes_(bytes), buckets_(buckets) {}

  /// The number, not 0, of the entry with this hash for which `equal(payload)` holds; else of a new one of `size` bytes
  /// that `fill(payload)` has written. 0 if there is no room left.
  template <class Equal, class Fill>
  std::uint32_t find_or_add(std::uint32_t hash, std::size_t size, Equal equal, Fill fill) noexcept {
    Memory memory;
    if (!map(memory)) return 0;
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
        fresh = allocate(sizeof(Header) + size);
        if (fresh == 0) return 0;
        header(memory, fresh).hash = hash;
        fill(payload(memory, fresh));
      }
      header(memory, fresh).next = first;
      os::happens_before(this);
      if (head.compare_exchange_strong(first, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) {
        return fresh;
      }
    }
  }

  /// What `find_or_add` numbered so.
  void* at(std::uint32_t number) const noexcept {
    return arena_.load(std::memory_order_acquire) + offset(number) + sizeof(Header);
  }

  std::size_t bytes_used() const noexcept;

  /// Entries begin at multiples of so many bytes, and a number counts these.
  static constexpr std::size_t unit = 8;

 private:
  struct Header {
    std::uint32_t next;
    std::uint32_t hash;
  };
  struct Memory {
    std::byte* arena;
    std::atomic<std::uint32_t>* heads;
  };

  static std::size_t offset(std::uint32_t number) noexcept { return number * unit; }
  static Header& header(const Memory& memory, std::uint32_t number) noexcept {
    return *reinterpret_cast<Header*>(memory.arena + offset(number));
  }
  static void* payload(const Memory& memory, std::uint32_t number) noexcept {
    return memory.arena + offset(number) + sizeof(Header);
  }

  /// The memory, reserved at the first call. False if the kernel has none.
  bool map(Memory& memory) noexcept;
  std::byte* reserve() noexcept;
  std::uint32_t allocate(std::size_t size) noexcept;

  const std::size_t bytes_;
  const std::size_t buckets_;
  std::atomic<std::byte*> arena_{nullptr};
  /// Where the next entry goes, in units: number 0 is none.
  std::atomic<std::size_t> used_{1};
};

}  // namespace LEASH_NAMESPACE::track::detail
