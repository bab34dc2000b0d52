#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <span>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Sections of a program or library that say which functions its code was made from.
struct InfoSections {
  std::span<const std::byte> info;           ///< `.debug_info`
  std::span<const std::byte> abbreviations;  ///< `.debug_abbrev`
  std::span<const std::byte> strings;        ///< `.debug_str`
  std::span<const std::byte> line_strings;   ///< `.debug_line_str`
  std::span<const std::byte> ranges;         ///< `.debug_ranges`, of DWARF 4
  std::span<const std::byte> range_lists;    ///< `.debug_rnglists`, of DWARF 5
};

/// The names of functions with the namespaces, classes and functions that they stand in, by DWARF 4 and 5 (§3.3 of
/// each): for those without a mangled name, as GCC leaves them where no other file can call them. Reads nothing outside
/// of the sections, whatever is in there. When it is made it looks at each unit's first entry, and `find` reads one
/// unit. Knows nothing of split or 32-bit units, of such that Clang compresses addresses and strings in (its functions
/// all have mangled names), and of names that lie in another unit.
class FunctionNames {
 public:
  /// The sections must stay.
  explicit FunctionNames(const InfoSections& sections);

  /// The functions that the code at `address`, as the file has it, comes from: the innermost inlined one first. Empty
  /// where any of them is not known.
  [[nodiscard]] std::vector<std::string> find(std::uint64_t address) const;

 private:
  /// Code of the unit that begins at `unit` in `.debug_info`.
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t unit;
  };

  InfoSections sections_;
  std::vector<Range> ranges_;
};

}  // namespace LEASH_NAMESPACE::track::detail
