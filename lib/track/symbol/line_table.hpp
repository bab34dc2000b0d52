#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <span>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The sections of an ELF file that say which source lines its code comes from.
struct LineSections {
  std::span<const std::byte> lines;         ///< `.debug_line`
  std::span<const std::byte> line_strings;  ///< `.debug_line_str`
  std::span<const std::byte> strings;       ///< `.debug_str`
};

/// A line of a source file. If it is not known, `file` is empty and `line` is 0.
struct SourceLine {
  std::string file;
  unsigned line = 0;
};

/// Finds source lines in the line tables of DWARF 2 to 5 (§6.2 of each). Reads nothing outside of the sections, even if
/// they are damaged. The constructor runs through all tables, `find` through that of one compilation unit: each takes
/// time in proportion to their size.
class LineTable {
 public:
  /// The sections must outlive this object. What the tables say of addresses below `code_begin`, the lowest address of
  /// code in the file, is ignored: it is about functions that the linker left out.
  LineTable(const LineSections& sections, std::uint64_t code_begin);

  /// The line that the code at `address`, an address in the file, comes from.
  [[nodiscard]] SourceLine find(std::uint64_t address) const;

 private:
  /// A piece of code of one unit, without a gap. Sequences may overlap.
  struct Sequence {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t farthest_end;  ///< The largest `end` of this and all sequences before it.
    std::size_t unit;            ///< The offset of its unit in `.debug_line`.
  };

  LineSections sections_;
  std::vector<Sequence> sequences_;  ///< Sorted by `begin`.
};

}  // namespace LEASH_NAMESPACE::track::detail
