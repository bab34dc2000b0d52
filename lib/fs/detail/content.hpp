#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <span>

namespace LEASH_NAMESPACE::fs::detail {

/// Memory that holds one chunk of a file, or several in a row. Its bytes follow it. Chunks and mappings refer to it;
/// the last one frees it.
class Block {
 public:
  /// A Block with one reference. Throws `std::bad_alloc`.
  static Block* make(std::size_t capacity);

  /// The same, full of zeros: those of a large one take memory when they are first written to.
  static Block* make_zeros(std::size_t capacity);

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Whether a mapping refers to it: then its bytes must stay where they are.
  bool mapped() const noexcept { return mappings_.load(std::memory_order_acquire) != 0; }

  void add_ref() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop_ref() noexcept;
  void add_mapping() noexcept;
  void drop_mapping() noexcept;

 private:
  explicit Block(std::size_t capacity) noexcept : capacity_(capacity) {}

  std::atomic<std::uint32_t> references_{1};
  std::atomic<std::uint32_t> mappings_{0};
  const std::size_t capacity_;
};
static_assert(sizeof(Block) % alignof(std::max_align_t) == 0);

/// The content of a sparse file, in chunks of `chunk_size` bytes. A chunk that was never written takes no memory, and
/// reads as zeros. The caller passes only ranges that end at INT64_MAX at most. Not thread-safe.
///
/// Why chunks: no operation copies a whole file, however it grows or is cut, and a chunk can be mapped where it is. Why
/// a tree of tables over them, and no vector: a write at 1 TiB costs one chunk and a few tables. The first chunk is as
/// large as the file needs, a power of two, until it has `chunk_size` bytes: most files in tests are tiny.
///
/// The bytes of a chunk behind the end of the file may have any value. Whoever moves the end fills them with zeros.
class Content {
 public:
  static constexpr std::size_t chunk_size = std::size_t{64} << 10U;

  Content() noexcept = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() { truncate(0); }

  std::uint64_t size() const noexcept { return size_; }

  /// Copies the bytes from `offset` on to `buffer`. Returns how many: fewer than `buffer.size()` only at the end of the
  /// file.
  std::size_t read(std::uint64_t offset, std::span<std::byte> buffer) const noexcept;

  /// Replaces the bytes from `offset` on by `data`, and extends the file where `data` ends behind it. Does nothing if
  /// `data` is empty. Throws `std::bad_alloc`; the file is then as long as what was written.
  void write(std::uint64_t offset, std::span<const std::byte> data);

  /// Cuts the file at `size` bytes, or extends it with a hole.
  void truncate(std::uint64_t size) noexcept;

  /// Puts zeros where there are holes in the `size` bytes from `offset` on, and extends the file if it ends before.
  /// Throws `std::bad_alloc`.
  void allocate(std::uint64_t offset, std::uint64_t size);

  /// How many bytes are stored: those of the file without its holes.
  std::uint64_t stored() const noexcept;

  /// By how much `write` or `allocate` of that range would raise `stored()`.
  std::uint64_t growth(std::uint64_t offset, std::uint64_t size) const noexcept;

  /// The chunks of a range in one place, which they keep until the Block is no longer mapped. `block` has a reference
  /// and a mapping more, which are the caller's; it is null if that is not possible, because a part of the range lies
  /// in a Block that is mapped already. Throws `std::bad_alloc`.
  struct Mapped {
    Block* block = nullptr;
    std::byte* data = nullptr;
  };
  Mapped map(std::uint64_t offset, std::size_t size);

  /// The number of the first chunk from `number` on that is no hole; `no_chunk` if there is none.
  std::uint64_t next_chunk(std::uint64_t number) const noexcept;
  static constexpr std::uint64_t no_chunk = UINT64_MAX;

  /// The bytes of a chunk up to the end of the file. Empty if it is a hole or behind the end.
  std::span<const std::byte> chunk(std::uint64_t number) const noexcept;

 private:
  static constexpr std::size_t fan_out = 64;
  static constexpr std::uintptr_t depth_mask = 15;

  struct Chunk {
    std::byte* data = nullptr;  ///< In `block`; `chunk_size` bytes.
    Block* block = nullptr;     ///< Null for a hole.
  };
  struct Leaf {
    std::array<Chunk, fan_out> chunks{};
  };
  struct Table {
    std::array<void*, fan_out> below{};  ///< Tables or, in the lowest ones, Leaves; null where all are holes.
  };

  unsigned depth() const noexcept { return static_cast<unsigned>(root_ & depth_mask); }
  void* top() const noexcept { return reinterpret_cast<void*>(root_ & ~depth_mask); }
  Block* only_block() const noexcept { return static_cast<Block*>(top()); }

  Chunk* find(std::uint64_t number) const noexcept;
  std::span<std::byte> stored_bytes(std::uint64_t number) const noexcept;
  Chunk& make_slot(std::uint64_t number);
  void grow_only_block(std::size_t needed);
  std::byte* bytes_for_write(std::uint64_t number, std::size_t begin, std::size_t end);
  void clear_gap(std::uint64_t end) noexcept;
  static bool drop_from(void* table, unsigned depth, std::uint64_t number) noexcept;
  static std::uint64_t next_in(const void* table, unsigned depth, std::uint64_t number) noexcept;

  std::uint64_t size_ = 0;
  /// If its low bits, the depth, are 0: a Block with the first bytes of chunk 0, or null; all else is a hole. If they
  /// are 1: a Leaf; else a Table, with depth - 1 levels of tables and leaves below it.
  std::uintptr_t root_ = 0;
};

}  // namespace LEASH_NAMESPACE::fs::detail
