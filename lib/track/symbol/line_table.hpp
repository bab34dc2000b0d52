#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <span>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Sections of a program or library that say from which lines its code was made.
struct LineSections {
  std::span<const std::byte> lines;         ///< `.debug_line`
  std::span<const std::byte> line_strings;  ///< `.debug_line_str`
  std::span<const std::byte> strings;       ///< `.debug_str`
};

/// A line of a source; 0 if unknown.
struct SourceLine {
  std::string file;
  unsigned line = 0;
};

/// The line tables of DWARF 2 to 5 (§6.2 of each). Reads nothing outside of the sections, whatever is in there, and
/// takes time in proportion to their size: all when it is made, and one unit's in `find`.
class LineTable {
 public:
  /// The sections must stay. Code of functions that the linker left out is said to lie under `code_begin`.
  LineTable(const LineSections& sections, std::uint64_t code_begin);

  /// Where the code at `address`, as the file has it, comes from.
  [[nodiscard]] SourceLine find(std::uint64_t address) const;

 private:
  /// Code without a gap, of one unit.
  struct Sequence {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t farthest_end;  ///< Of this one and all before it.
    std::size_t unit;            ///< Where its unit begins in `.debug_line`.
  };

  LineSections sections_;
  std::vector<Sequence> sequences_;  ///< By `begin`.
};

}  // namespace LEASH_NAMESPACE::track::detail
