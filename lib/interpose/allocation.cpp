// Memory of our own for what leash allocates in a program that it was preloaded to. The program may open a descriptor
// in the handler of a signal that has interrupted its malloc, or that was sent since its heap is damaged.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <new>

namespace LEASH_NAMESPACE::interpose {
namespace {

constexpr std::size_t unit = 16;  ///< What all blocks are aligned to.
constexpr unsigned smallest = 5;  ///< The binary logarithm of the size of the smallest blocks,
constexpr unsigned largest = 16;  ///< and of the largest: what is larger has a mapping of its own.

/// Lies in front of what was allocated.
struct Header {
  std::uint32_t log_size;  ///< Of the block; 0 if it is a mapping.
  std::uint32_t offset;    ///< From the beginning of the block to what was allocated.
  std::size_t mapped;      ///< The size of the mapping.
};
static_assert(sizeof(Header) == unit);

/// Blocks that were freed, of one size: a stack without locks (R. K. Treiber, "Systems Programming: Coping with
/// Parallelism", 1986). A thread that is interrupted here, or lost by a fork, keeps nobody waiting.
class FreeBlocks {
 public:
  void* pop(char* region) noexcept {
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (index_of(head) != 0) {
      // The block may be in use by now: then the exchange below fails, since the count has changed.
      const std::uint32_t next = link(region, index_of(head)).load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, changed(head, next), std::memory_order_acquire)) {
        return region + std::size_t{index_of(head)} * unit;
      }
    }
    return nullptr;
  }

  void push(char* region, void* block) noexcept {
    const auto index =
        static_cast<std::uint32_t>((static_cast<char*>(block) - region) / static_cast<std::ptrdiff_t>(unit));
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      link(region, index).store(index_of(head), std::memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, changed(head, index), std::memory_order_release));
  }

 private:
  static std::uint32_t index_of(std::uint64_t head) noexcept { return static_cast<std::uint32_t>(head); }
  static std::uint64_t changed(std::uint64_t head, std::uint32_t index) noexcept {
    return ((head >> 32U) + 1) << 32U | index;
  }
  static std::atomic_ref<std::uint32_t> link(char* region, std::uint32_t index) noexcept {
    return std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(region + std::size_t{index} * unit));
  }

  std::atomic<std::uint64_t> head_{0};  ///< The index of the first block, in units; how often it changed, above that.
};

constinit std::array<FreeBlocks, largest + 1> free_blocks;
constinit std::atomic<char*> region_memory{nullptr};
constinit std::atomic<std::size_t> region_used{unit};  ///< Index 0 is none.
constexpr std::size_t region_size = std::size_t{1} << 28U;
constinit std::atomic<bool> has_no_region{false};

void* map(std::size_t size, int flags) noexcept {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

/// Address space for blocks, of which the kernel backs what is used. Null if the program's limits have no room. What it
/// has no room for has mappings of its own.
char* region() noexcept {
  char* known = region_memory.load(std::memory_order_acquire);
  if (known != nullptr || has_no_region.load(std::memory_order_relaxed)) return known;
  char* const fresh = static_cast<char*>(map(region_size, MAP_NORESERVE));
  if (fresh == nullptr) {
    // There are no blocks to free then, either.
    has_no_region.store(true);
    return nullptr;
  }
  if (region_memory.compare_exchange_strong(known, fresh)) return fresh;
  ::munmap(fresh, region_size);
  return known;
}

/// A block of that size that nobody had yet; null if there is no room.
void* fresh_block(char* region, std::size_t size) noexcept {
  const std::size_t at = region_used.fetch_add(size);
  return at <= region_size - size ? region + at : nullptr;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  // The header takes a unit, and the blocks are aligned to one.
  const std::size_t extra = unit + (alignment > unit ? alignment : 0);
  if (size > PTRDIFF_MAX - extra) return nullptr;
  const std::size_t needed = size + extra;
  const auto log_size = static_cast<unsigned>(std::bit_width(std::max(needed, std::size_t{1} << smallest) - 1));
  char* block = nullptr;
  Header header{.log_size = log_size, .offset = 0, .mapped = 0};
  if (char* const from = log_size <= largest ? region() : nullptr) {
    void* found = free_blocks[log_size].pop(from);
    if (found == nullptr) found = fresh_block(from, std::size_t{1} << log_size);
    block = static_cast<char*>(found);
  }
  if (block == nullptr) {
    block = static_cast<char*>(map(needed, 0));
    if (block == nullptr) return nullptr;
    header.log_size = 0;
    header.mapped = needed;
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(block) + unit;
  const std::uintptr_t aligned = (begin + alignment - 1) & ~(alignment - 1);
  header.offset = static_cast<std::uint32_t>(aligned - reinterpret_cast<std::uintptr_t>(block));
  char* const result = block + header.offset;
  *reinterpret_cast<Header*>(result - unit) = header;
  return result;
}

void deallocate(void* memory) noexcept {
  if (memory == nullptr) return;
  const Header header = *reinterpret_cast<Header*>(static_cast<char*>(memory) - unit);
  char* const block = static_cast<char*>(memory) - header.offset;
  if (header.log_size == 0) {
    ::munmap(block, header.mapped);
  } else {
    free_blocks[header.log_size].push(region_memory.load(), block);
  }
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* const memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace
}  // namespace LEASH_NAMESPACE::interpose

namespace memory = leash::interpose;

// Of this library alone, which hides them.
void* operator new(std::size_t size) { return memory::allocate_or_throw(size, memory::unit); }
void* operator new[](std::size_t size) { return memory::allocate_or_throw(size, memory::unit); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return memory::allocate(size, memory::unit); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return memory::allocate(size, memory::unit); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return memory::allocate_or_throw(size, std::max(memory::unit, static_cast<std::size_t>(alignment)));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return memory::allocate_or_throw(size, std::max(memory::unit, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return memory::allocate(size, std::max(memory::unit, static_cast<std::size_t>(alignment)));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return memory::allocate(size, std::max(memory::unit, static_cast<std::size_t>(alignment)));
}
void operator delete(void* block) noexcept { memory::deallocate(block); }
void operator delete[](void* block) noexcept { memory::deallocate(block); }
void operator delete(void* block, std::size_t) noexcept { memory::deallocate(block); }
void operator delete[](void* block, std::size_t) noexcept { memory::deallocate(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { memory::deallocate(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { memory::deallocate(block); }
void operator delete(void* block, std::align_val_t) noexcept { memory::deallocate(block); }
void operator delete[](void* block, std::align_val_t) noexcept { memory::deallocate(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { memory::deallocate(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { memory::deallocate(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { memory::deallocate(block); }
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept { memory::deallocate(block); }
