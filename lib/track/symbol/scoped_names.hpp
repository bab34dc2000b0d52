#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <span>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The sections of an ELF file that say which functions its code comes from.
struct InfoSections {
  std::span<const std::byte> info;           ///< `.debug_info`
  std::span<const std::byte> abbreviations;  ///< `.debug_abbrev`
  std::span<const std::byte> strings;        ///< `.debug_str`
  std::span<const std::byte> line_strings;   ///< `.debug_line_str`
  std::span<const std::byte> ranges;         ///< `.debug_ranges`, of DWARF 4
  std::span<const std::byte> range_lists;    ///< `.debug_rnglists`, of DWARF 5
};

/// Finds the names of functions, qualified by the namespaces, classes and functions around them, in the debug
/// information of DWARF 4 and 5 (§3.3 of each). Needed for functions without a mangled name: GCC writes none for
/// functions that no other file can call.
///
/// Reads nothing outside of the sections, even if they are damaged. The constructor reads the first entry of each
/// compilation unit, `find` reads all of one unit.
///
/// Not read are split units (`-gsplit-dwarf`), units with 32-bit addresses, and names and addresses that are indices
/// into other sections (DW_FORM_strx, DW_FORM_addrx: Clang writes them, but gives all functions mangled names). A
/// function whose name lies in another unit has none here.
class ScopedNames {
 public:
  /// The sections must outlive this object.
  explicit ScopedNames(const InfoSections& sections);

  /// The functions that the code at `address`, an address in the file, comes from: the innermost inlined one first.
  /// Empty if the name of any of them is not known.
  [[nodiscard]] std::vector<std::string> find(std::uint64_t address) const;

 private:
  /// Code from `begin` to before `end`, which belongs to the unit at offset `unit` of `.debug_info`.
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t unit;
  };

  InfoSections sections_;
  std::vector<Range> ranges_;
};

}  // namespace LEASH_NAMESPACE::track::detail
