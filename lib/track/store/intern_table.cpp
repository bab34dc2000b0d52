#include <sys/mman.h>

#include <algorithm>
#include <leash/track/store/intern_table.hpp>

namespace LEASH_NAMESPACE::track::detail {

bool InternTable::ensure_mapped(Memory& memory) noexcept {
  memory.arena = arena_.load(std::memory_order_acquire);
  if (memory.arena == nullptr) memory.arena = reserve_memory();
  if (memory.arena == nullptr) return false;
  // The kernel gives zeroed memory, and that is an array of atomics that hold 0.
  memory.heads = reinterpret_cast<std::atomic<std::uint32_t>*>(memory.arena + bytes_);
  return true;
}

std::byte* InternTable::reserve_memory() noexcept {
  const std::size_t size = bytes_ + buckets_ * sizeof(std::atomic<std::uint32_t>);
  void* const fresh = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh == MAP_FAILED) return arena_.load(std::memory_order_acquire);
  std::byte* expected = nullptr;
  os::happens_before(this);
  if (arena_.compare_exchange_strong(expected, static_cast<std::byte*>(fresh), std::memory_order_acq_rel)) {
    return static_cast<std::byte*>(fresh);
  }
  ::munmap(fresh, size);
  return expected;
}

std::uint32_t InternTable::allocate_entry(std::size_t size) noexcept {
  const std::size_t units = (size + unit - 1) / unit;
  std::size_t at = used_.load(std::memory_order_relaxed);
  do {
    if (units > bytes_ / unit || at > bytes_ / unit - units) return 0;
  } while (!used_.compare_exchange_weak(at, at + units, std::memory_order_relaxed));
  return static_cast<std::uint32_t>(at);
}

std::size_t InternTable::bytes_used() const noexcept { return used_.load(std::memory_order_relaxed) * unit; }

}  // namespace LEASH_NAMESPACE::track::detail
