#include <algorithm>
#include <cstring>
#include <leash/track/stack/dwarf_reader.hpp>
#include <leash/track/symbol/function_names.hpp>
#include <leash/track/symbol/scoped_names.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t no_scope = SIZE_MAX;

/// DW_TAG_…
enum ScopeTag : std::uint16_t {
  tag_class = 0x02,
  tag_lexical_block = 0x0b,
  tag_compile_unit = 0x11,
  tag_structure = 0x13,
  tag_union = 0x17,
  tag_inlined_subroutine = 0x1d,
  tag_subprogram = 0x2e,
  tag_namespace = 0x39
};

/// All of `section` from `offset` on.
Bytes tail_from(Bytes section, std::uint64_t offset) noexcept {
  return offset < section.size() ? section.subspan(static_cast<std::size_t>(offset)) : Bytes();
}

struct Attribute {
  std::uint64_t name = 0;
  std::uint64_t form = 0;
  std::int64_t implicit_const = 0;  ///< The value, if the form is DW_FORM_implicit_const.
};

struct Abbreviation {
  std::uint64_t tag = 0;
  bool has_children = false;
  std::vector<Attribute> attributes;
};

struct UnitHeader {
  std::size_t begin = 0;  ///< The offset of the unit in `.debug_info`.
  unsigned version = 0;
  bool wide = false;                ///< Whether offsets have 64 bits, not 32.
  std::uint64_t abbreviations = 0;  ///< The offset of the unit's table in `.debug_abbrev`.
  std::size_t entries_begin = 0;    ///< The offset of `entries` in `.debug_info`.
  Bytes entries;                    ///< Empty for a unit that is not read here (see `ScopedNames`).
};

/// Reads the header of the unit that `units` is at, and moves `units` behind the unit. `info` is all of `.debug_info`,
/// and `units` ends where `info` does.
UnitHeader take_unit(DwarfReader& units, Bytes info) noexcept {
  UnitHeader header;
  header.begin = info.size() - units.left();
  std::uint64_t size = units.read<std::uint32_t>();
  header.wide = size == 0xffff'ffff;
  if (header.wide) size = units.read<std::uint64_t>();
  DwarfReader reader(units.take(size));
  header.version = reader.read<std::uint16_t>();
  constexpr std::uint8_t compile = 1;
  std::uint8_t type = compile;
  std::uint8_t address_size = 0;
  if (header.version >= 5) {
    type = reader.read<std::uint8_t>();
    address_size = reader.read<std::uint8_t>();
    header.abbreviations = reader.offset(header.wide);
  } else {
    header.abbreviations = reader.offset(header.wide);
    address_size = reader.read<std::uint8_t>();
  }
  const bool known = header.version >= 4 && header.version <= 5 && type == compile && address_size == 8;
  if (!reader.ok() || !known) return header;
  header.entries_begin = info.size() - units.left() - reader.left();
  header.entries = reader.take(reader.left());
  return header;
}

/// The abbreviations by their codes, from the table that `section` begins with. With `last`, reads no further than the
/// abbreviation of that code.
std::unordered_map<std::uint64_t, Abbreviation> read_abbreviations(Bytes section, std::optional<std::uint64_t> last) {
  std::unordered_map<std::uint64_t, Abbreviation> abbreviations;
  // No compiler writes so long a table. Without the limit, each of many units in a damaged file may read the rest of
  // the section.
  DwarfReader reader(section.first(std::min(section.size(), std::size_t{1} << 18U)));
  for (std::uint64_t code = 0; (code = reader.uleb()) != 0 && reader.ok();) {
    Abbreviation& abbreviation = abbreviations[code];
    abbreviation = {.tag = reader.uleb(), .has_children = reader.read<std::uint8_t>() != 0, .attributes = {}};
    while (reader.ok()) {
      Attribute attribute{.name = reader.uleb(), .form = reader.uleb(), .implicit_const = 0};
      constexpr std::uint64_t form_implicit_const = 0x21;
      if (attribute.form == form_implicit_const) attribute.implicit_const = reader.sleb();
      if (attribute.name == 0 && attribute.form == 0) break;
      abbreviation.attributes.push_back(attribute);
    }
    if (code == last) break;
  }
  return abbreviations;
}

struct Value {
  std::uint64_t number = 0;  ///< For a reference to another entry, the offset of that in `.debug_info`.
  std::string_view text;
  bool is_address = false;
};

/// Reads the value of an attribute (DWARF 5, §7.5.6); an empty one where it is of no use here. Fails the reader for an
/// unknown form.
Value take_value(DwarfReader& reader, const Attribute& attribute, const UnitHeader& unit,
                 const InfoSections& sections) {
  switch (attribute.form) {
    case 0x01:  // DW_FORM_addr
      return {.number = reader.read<std::uint64_t>(), .text = {}, .is_address = true};
    case 0x03:  // block2
      reader.take(reader.read<std::uint16_t>());
      return {};
    case 0x04:  // block4
      reader.take(reader.read<std::uint32_t>());
      return {};
    case 0x09:  // block
    case 0x18:  // exprloc
      reader.take(reader.uleb());
      return {};
    case 0x0a:  // block1
      reader.take(reader.read<std::uint8_t>());
      return {};
    case 0x0b:  // data1
    case 0x0c:  // flag
    case 0x25:  // strx1
    case 0x29:  // addrx1
      return {.number = reader.read<std::uint8_t>(), .text = {}};
    case 0x05:  // data2
    case 0x26:  // strx2
    case 0x2a:  // addrx2
      return {.number = reader.read<std::uint16_t>(), .text = {}};
    case 0x27:  // strx3
    case 0x2b:  // addrx3
      reader.take(3);
      return {};
    case 0x06:  // data4
    case 0x28:  // strx4
    case 0x2c:  // addrx4
      return {.number = reader.read<std::uint32_t>(), .text = {}};
    case 0x07:  // data8
    case 0x20:  // ref_sig8
      return {.number = reader.read<std::uint64_t>(), .text = {}};
    case 0x1e:  // data16
      reader.take(16);
      return {};
    case 0x0d:  // sdata
      return {.number = static_cast<std::uint64_t>(reader.sleb()), .text = {}};
    case 0x0f:  // udata
    case 0x1a:  // strx
    case 0x1b:  // addrx
    case 0x22:  // loclistx
    case 0x23:  // rnglistx
      return {.number = reader.uleb(), .text = {}};
    case 0x08:  // string
      return {.number = 0, .text = reader.text()};
    case 0x0e:  // strp
      return {.number = 0, .text = text_at(sections.strings, reader.offset(unit.wide))};
    case 0x1f:  // line_strp
      return {.number = 0, .text = text_at(sections.line_strings, reader.offset(unit.wide))};
    case 0x11:  // ref1
      return {.number = unit.begin + reader.read<std::uint8_t>(), .text = {}};
    case 0x12:  // ref2
      return {.number = unit.begin + reader.read<std::uint16_t>(), .text = {}};
    case 0x13:  // ref4
      return {.number = unit.begin + reader.read<std::uint32_t>(), .text = {}};
    case 0x14:  // ref8
      return {.number = unit.begin + reader.read<std::uint64_t>(), .text = {}};
    case 0x15:  // ref_udata
      return {.number = unit.begin + reader.uleb(), .text = {}};
    case 0x10:  // ref_addr
    case 0x17:  // sec_offset
      return {.number = reader.offset(unit.wide), .text = {}};
    case 0x1d:    // strp_sup
    case 0x1f20:  // GNU_ref_alt
    case 0x1f21:  // GNU_strp_alt
      reader.offset(unit.wide);
      return {};
    case 0x19:  // flag_present
      return {.number = 1, .text = {}};
    case 0x21:  // implicit_const
      return {.number = static_cast<std::uint64_t>(attribute.implicit_const), .text = {}};
    default:
      reader.fail();
      return {};
  }
}

/// An entry of `.debug_info` that is a function, or that a function can stand in, such as a namespace or a class.
struct Scope {
  std::size_t offset = 0;         ///< The offset of the entry in `.debug_info`.
  std::size_t parent = no_scope;  ///< The index of the scope that it stands in.
  std::uint64_t tag = 0;
  std::string_view name;
  std::string_view mangled;
  std::uint64_t origin = 0;             ///< The offset of another entry, if that has its name; else 0.
  std::optional<std::uint64_t> low;     ///< The begin of its code, if that is in one piece.
  std::uint64_t high = 0;               ///< The end of that code.
  std::optional<std::uint64_t> ranges;  ///< The offset of the list of its code, if that is in several pieces.
};

bool is_scope(std::uint64_t tag) noexcept {
  return tag == tag_class || tag == tag_lexical_block || tag == tag_compile_unit || tag == tag_structure ||
         tag == tag_union || tag == tag_inlined_subroutine || tag == tag_subprogram || tag == tag_namespace;
}

void set_attribute(Scope& scope, std::uint64_t attribute, const Value& value) {
  switch (attribute) {
    case 0x03:  // DW_AT_name
      scope.name = value.text;
      break;
    case 0x6e:    // linkage_name
    case 0x2007:  // MIPS_linkage_name
      scope.mangled = value.text;
      break;
    case 0x31:  // abstract_origin
    case 0x47:  // specification
      scope.origin = value.number;
      break;
    case 0x11:  // low_pc
      if (value.is_address) scope.low = value.number;
      break;
    case 0x12:  // high_pc, which comes behind low_pc
      scope.high = value.is_address ? value.number : scope.low.value_or(0) + value.number;
      break;
    case 0x55:  // ranges
      scope.ranges = value.number;
      break;
    default:
      break;
  }
}

/// The scopes of a unit in the order of their offsets, at most `max_scopes` of them: an outer one before those in it.
class InfoUnit {
 public:
  InfoUnit(const UnitHeader& header, const InfoSections& sections, std::size_t max_scopes)
      : header_(header), sections_(sections) {
    if (!header.entries.empty()) read_scopes(max_scopes);
  }

  /// Calls `emit(begin, end)` for each piece of the code of `scope`.
  template <class Emit>
  void visit_ranges(const Scope& scope, Emit emit) const {
    if (scope.ranges) {
      visit_range_list(*scope.ranges, emit);
    } else if (scope.low && *scope.low < scope.high) {
      emit(*scope.low, scope.high);
    }
  }

  [[nodiscard]] const std::vector<Scope>& scopes() const noexcept { return scopes_; }

  /// The names of the functions that `address` lies in, the innermost first; empty if one of them is not known.
  [[nodiscard]] std::vector<std::string> functions(std::uint64_t address) const {
    std::vector<std::string> names;
    for (std::size_t index = scopes_.size(); index-- > 0;) {
      const Scope& scope = scopes_[index];
      if (scope.tag != tag_subprogram && scope.tag != tag_inlined_subroutine) continue;
      bool inside = false;
      visit_ranges(scope, [&](std::uint64_t begin, std::uint64_t end) {
        inside = inside || (begin <= address && address < end);
      });
      if (!inside) continue;
      std::optional<std::string> name = name_of(index, 0);
      if (!name) return {};
      names.push_back(*std::move(name));
    }
    if (range_entries_left_ == 0) return {};
    return names;
  }

 private:
  void read_scopes(std::size_t max_scopes) {
    // No compiler nests as deep.
    constexpr std::size_t max_nesting = 4096;
    DwarfReader reader(header_.entries);
    // For the first scope alone, its abbreviation is enough.
    const std::optional<std::uint64_t> first_code = DwarfReader(header_.entries).uleb();
    const auto abbreviations = read_abbreviations(tail_from(sections_.abbreviations, header_.abbreviations),
                                                  max_scopes == 1 ? first_code : std::nullopt);
    // For each entry whose children are being read, the index of the innermost scope that it is or stands in.
    std::vector<std::size_t> open;
    while (!reader.done() && scopes_.size() < max_scopes && open.size() < max_nesting) {
      Scope scope;
      scope.offset = header_.entries_begin + header_.entries.size() - reader.left();
      scope.parent = open.empty() ? no_scope : open.back();
      const std::uint64_t code = reader.uleb();
      if (code == 0) {
        if (!open.empty()) open.pop_back();
        if (open.empty()) return;
        continue;
      }
      const auto abbreviation = abbreviations.find(code);
      if (abbreviation == abbreviations.end()) return;
      scope.tag = abbreviation->second.tag;
      for (const Attribute& attribute : abbreviation->second.attributes) {
        set_attribute(scope, attribute.name, take_value(reader, attribute, header_, sections_));
      }
      if (!reader.ok()) return;
      std::size_t inner = scope.parent;
      if (is_scope(scope.tag)) {
        inner = scopes_.size();
        scopes_.push_back(scope);
      }
      if (abbreviation->second.has_children) open.push_back(inner);
      if (open.empty()) return;
    }
  }

  template <class Emit>
  void visit_range_list(std::uint64_t offset, Emit emit) const {
    std::uint64_t base = scopes_.empty() ? 0 : scopes_.front().low.value_or(0);
    DwarfReader reader(tail_from(header_.version >= 5 ? sections_.range_lists : sections_.ranges, offset));
    while (!reader.done() && range_entries_left_ != 0) {
      --range_entries_left_;
      enum : std::uint8_t { offset_pair = 4, base_address = 5, start_end = 6, start_length = 7 };
      std::uint8_t kind = offset_pair;
      std::uint64_t begin = 0;
      std::uint64_t end = 0;
      if (header_.version >= 5) {
        kind = reader.read<std::uint8_t>();
        if (kind < offset_pair || kind > start_length) return;
        begin = kind == offset_pair ? reader.uleb() : reader.read<std::uint64_t>();
        if (kind == offset_pair || kind == start_length) end = reader.uleb();
        if (kind == start_end) end = reader.read<std::uint64_t>();
        if (kind == start_length) end += begin;
      } else {
        begin = reader.read<std::uint64_t>();
        end = reader.read<std::uint64_t>();
        if (begin == 0 && end == 0) return;
        if (begin == ~std::uint64_t{0}) {
          kind = base_address;
          begin = end;
        }
      }
      if (!reader.ok()) return;
      if (kind == base_address) {
        base = begin;
        continue;
      }
      const std::uint64_t added = kind == offset_pair ? base : 0;
      emit(begin + added, end + added);
    }
  }

  /// The qualified name of the scope at `index`; nothing if it is not known. `steps` is the depth of the recursion,
  /// which is limited because the origins in a damaged file may form a circle.
  [[nodiscard]] std::optional<std::string> name_of(std::size_t index, int steps) const {
    constexpr int most_steps = 64;
    const Scope& scope = scopes_[index];
    if (steps == most_steps) return std::nullopt;
    if (!scope.mangled.empty()) return demangle(std::string(scope.mangled).c_str());
    if (scope.origin != 0) {
      const auto origin = std::ranges::lower_bound(scopes_, scope.origin, {}, &Scope::offset);
      if (origin == scopes_.end() || origin->offset != scope.origin) return std::nullopt;
      return name_of(static_cast<std::size_t>(origin - scopes_.begin()), steps + 1);
    }
    std::size_t outer = scope.parent;
    while (outer != no_scope && scopes_[outer].tag == tag_lexical_block) outer = scopes_[outer].parent;
    std::string name;
    if (outer != no_scope && scopes_[outer].tag != tag_compile_unit) {
      std::optional<std::string> outer_name = name_of(outer, steps + 1);
      if (!outer_name) return std::nullopt;
      name = *std::move(outer_name);
    }
    // Unnamed namespaces are left out, as `abridge` does.
    if (scope.name.empty() && scope.tag == tag_namespace) return name;
    // GCC gives the class of a lambda no name; its call operator is a member of it.
    static constexpr std::string_view unnamed = "{unnamed}";
    if (scope.name.starts_with("operator()") && name.ends_with(unnamed)) {
      name.replace(name.size() - unnamed.size(), unnamed.size(), "{lambda}");
    }
    if (!name.empty()) name += "::";
    return name.append(scope.name.empty() ? unnamed : scope.name);
  }

  UnitHeader header_;
  const InfoSections& sections_;
  std::vector<Scope> scopes_;
  /// How many entries of range lists may still be read: in a damaged file each of many scopes may name one long list.
  mutable std::size_t range_entries_left_ = std::size_t{1} << 22U;
};

}  // namespace

ScopedNames::ScopedNames(const InfoSections& sections) : sections_(sections) {
  DwarfReader reader(sections.info);
  while (!reader.done()) {
    const UnitHeader header = take_unit(reader, sections.info);
    const InfoUnit unit(header, sections, 1);
    if (unit.scopes().empty()) continue;
    unit.visit_ranges(unit.scopes().front(), [&](std::uint64_t begin, std::uint64_t end) {
      if (begin < end) ranges_.push_back({begin, end, header.begin});
    });
  }
}

std::vector<std::string> ScopedNames::find(std::uint64_t address) const {
  const auto range =
      std::ranges::find_if(ranges_, [&](const Range& one) { return one.begin <= address && address < one.end; });
  if (range == ranges_.end()) return {};
  DwarfReader reader(tail_from(sections_.info, range->unit));
  // So many scopes take about 100 MB.
  constexpr std::size_t max_scopes = std::size_t{1} << 20U;
  return InfoUnit(take_unit(reader, sections_.info), sections_, max_scopes).functions(address);
}

}  // namespace LEASH_NAMESPACE::track::detail
