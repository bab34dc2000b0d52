#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fs/detail/memory_node.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// All names of a tree in one flat hash table: open addressing with linear probing; removal moves back what follows
/// (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). Does not own the names. Not thread-safe.
class NameTable {
 public:
  /// The hash of the name `text` in a directory.
  static std::uint32_t hash(const MemoryNode* directory, std::string_view text) noexcept;

  /// Null if there is none. `hash` is that of the two.
  MemoryName* find(const MemoryNode* directory, std::string_view text, std::uint32_t hash) const noexcept;

  /// Makes room for one more name. Throws `std::bad_alloc`.
  void reserve_one();

  /// Puts in a name that is not there yet, after `reserve_one`.
  void insert(MemoryName* name) noexcept;

  void erase(const MemoryName* name) noexcept;

 private:
  // A slot has the address of a name in its low 48 bits, and in the others as many bits of its hash: most names that
  // are not the wanted one are told by these. 0 if it is free.
  static constexpr unsigned address_bits = 48;
  static std::uint64_t slot_for(const MemoryName* name) noexcept;
  static MemoryName* name_in(std::uint64_t slot) noexcept;

  void rehash(std::size_t capacity);

  std::unique_ptr<std::uint64_t[]> slots_;  // NOLINT(*-avoid-c-arrays): of a size that is known when it runs
  std::size_t mask_ = 0;                    ///< The number of slots, a power of two, less one; 0 before the first.
  std::size_t count_ = 0;
};

}  // namespace LEASH_NAMESPACE::fs::detail
