#include <algorithm>
#include <leash/track/stack/dwarf_reader.hpp>
#include <leash/track/symbol/line_table.hpp>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using Bytes = std::span<const std::byte>;

/// A unit of `.debug_line`: fields of its header, and the line number program.
struct LineUnit {
  unsigned version = 0;
  bool wide = false;  ///< Whether offsets have 64 bits, not 32.
  std::uint8_t instruction_size = 1;
  std::int8_t line_base = 0;
  std::uint8_t line_range = 1;
  std::uint8_t opcode_base = 1;
  Bytes operand_counts;  ///< Of the opcodes from 1 on.
  Bytes names;           ///< The tables of directories and files.
  Bytes program;         ///< Empty for an unknown version, and where the header is damaged.
};

/// Reads the unit that `units` is at, and moves `units` behind it. Fails `units` if it ends before the unit does.
LineUnit take_unit(DwarfReader& units) noexcept {
  LineUnit unit;
  std::uint64_t size = units.read<std::uint32_t>();
  unit.wide = size == 0xffff'ffff;
  if (unit.wide) size = units.read<std::uint64_t>();
  DwarfReader reader(units.take(size));
  unit.version = reader.read<std::uint16_t>();
  if (unit.version < 2 || unit.version > 5) return unit;
  if (unit.version >= 5) reader.take(2);  // address_size, segment_selector_size
  DwarfReader header(reader.take(reader.offset(unit.wide)));
  unit.instruction_size = header.read<std::uint8_t>();
  if (unit.version >= 4) header.read<std::uint8_t>();  // maximum_operations_per_instruction
  header.read<std::uint8_t>();                         // default_is_stmt
  unit.line_base = header.read<std::int8_t>();
  unit.line_range = header.read<std::uint8_t>();
  unit.opcode_base = header.read<std::uint8_t>();
  unit.operand_counts = header.take(unit.opcode_base == 0 ? 0 : unit.opcode_base - 1U);
  unit.names = header.take(header.left());
  if (header.ok() && reader.ok()) unit.program = reader.take(reader.left());
  return unit;
}

/// A row of the line table: the code from `address` to the next row's comes from this line.
struct Row {
  std::uint64_t address = 0;
  std::uint64_t file = 1;
  std::uint64_t line = 1;
};

/// Runs the unit's line number program, and calls `emit(row, ends_sequence)` for each row. A row that ends a sequence
/// has the address behind the sequence's code.
template <class Emit>
void run_program(const LineUnit& unit, Emit emit) {
  enum : std::uint8_t {
    extended = 0,
    copy = 1,
    advance_pc = 2,
    advance_line = 3,
    set_file = 4,
    const_add_pc = 8,
    fixed_advance_pc = 9
  };
  const unsigned line_range = std::max<unsigned>(unit.line_range, 1);
  DwarfReader program(unit.program);
  Row row;
  const auto advance = [&](std::uint64_t operations) { row.address += operations * unit.instruction_size; };
  while (!program.done()) {
    const auto opcode = program.read<std::uint8_t>();
    if (opcode >= unit.opcode_base) {
      const unsigned special = opcode - unsigned{unit.opcode_base};
      advance(special / line_range);
      row.line += static_cast<std::uint64_t>(std::int64_t{unit.line_base} + special % line_range);
      emit(row, false);
      continue;
    }
    switch (opcode) {
      case extended: {
        DwarfReader operation(program.take(program.uleb()));
        const auto extended_opcode = operation.read<std::uint8_t>();
        if (extended_opcode == 1) {  // DW_LNE_end_sequence
          emit(row, true);
          row = {};
        } else if (extended_opcode == 2) {  // DW_LNE_set_address
          row.address = operation.left() == 4 ? operation.read<std::uint32_t>() : operation.read<std::uint64_t>();
        }
        break;
      }
      case copy:
        emit(row, false);
        break;
      case advance_pc:
        advance(program.uleb());
        break;
      case advance_line:
        row.line += static_cast<std::uint64_t>(program.sleb());
        break;
      case set_file:
        row.file = program.uleb();
        break;
      case const_add_pc:
        advance((255U - unit.opcode_base) / line_range);
        break;
      case fixed_advance_pc:
        row.address += program.read<std::uint16_t>();
        break;
      default:
        for (auto count = static_cast<unsigned>(unit.operand_counts[opcode - 1U]); count > 0; --count) program.uleb();
    }
  }
}

/// A directory or a file in the header of a unit.
struct PathEntry {
  std::string_view path;
  std::uint64_t directory = 0;  ///< The index of the directory that a file lies in.
};

/// Reads the directories or the files in a header of DWARF 5: a description of the format of each, then the entries.
std::vector<PathEntry> take_entries(DwarfReader& reader, const LineUnit& unit, const LineSections& sections) {
  enum Content : std::uint8_t { path = 1, directory_index = 2 };
  std::vector<std::pair<std::uint64_t, std::uint64_t>> format;
  for (auto count = reader.read<std::uint8_t>(); count > 0; --count) {
    const std::uint64_t content = reader.uleb();
    format.emplace_back(content, reader.uleb());
  }
  std::vector<PathEntry> entries;
  // An entry takes at least one byte: if `count` is damaged, the reader fails at the end of the header.
  for (std::uint64_t count = format.empty() ? 0 : reader.uleb(); count > 0 && reader.ok(); --count) {
    PathEntry entry;
    for (const auto& [content, form] : format) {
      std::string_view text;
      std::uint64_t number = 0;
      switch (form) {
        case 0x08:  // DW_FORM_string
          text = reader.text();
          break;
        case 0x0e:  // DW_FORM_strp
          text = text_at(sections.strings, reader.offset(unit.wide));
          break;
        case 0x1f:  // DW_FORM_line_strp
          text = text_at(sections.line_strings, reader.offset(unit.wide));
          break;
        case 0x0b:  // DW_FORM_data1
          number = reader.read<std::uint8_t>();
          break;
        case 0x05:  // DW_FORM_data2
          number = reader.read<std::uint16_t>();
          break;
        case 0x0f:  // DW_FORM_udata
          number = reader.uleb();
          break;
        case 0x1e:  // DW_FORM_data16
          reader.take(16);
          break;
        case 0x09:  // DW_FORM_block
          reader.take(reader.uleb());
          break;
        default:
          reader.fail();
      }
      if (content == path) entry.path = text;
      if (content == directory_index) entry.directory = number;
    }
    entries.push_back(entry);
  }
  return entries;
}

std::string join_path(std::string_view directory, std::string_view path) {
  if (directory.empty() || path.starts_with('/')) return std::string(path);
  return std::string(directory) + "/" + std::string(path);
}

/// The path of the file that the rows of `unit` call `file`; empty if there is none.
std::string file_name(const LineUnit& unit, std::uint64_t file, const LineSections& sections) {
  DwarfReader reader(unit.names);
  if (unit.version >= 5) {
    const std::vector<PathEntry> directories = take_entries(reader, unit, sections);
    const std::vector<PathEntry> files = take_entries(reader, unit, sections);
    if (!reader.ok() || file >= files.size() || files[file].directory >= directories.size()) return "";
    const PathEntry& found = files[file];
    return join_path(directories[0].path, join_path(directories[found.directory].path, found.path));
  }
  std::vector<std::string_view> directories{{}};
  for (std::string_view text; !(text = reader.text()).empty();) directories.push_back(text);
  for (std::uint64_t index = 1; reader.ok(); ++index) {
    const std::string_view path = reader.text();
    const std::uint64_t directory = reader.uleb();
    reader.uleb();  // time of modification
    reader.uleb();  // size
    if (path.empty() || !reader.ok()) break;
    if (index == file) return join_path(directory < directories.size() ? directories[directory] : "", path);
  }
  return "";
}

}  // namespace

LineTable::LineTable(const LineSections& sections, std::uint64_t code_begin) : sections_(sections) {
  DwarfReader reader(sections.lines);
  while (!reader.done()) {
    const std::size_t unit = sections.lines.size() - reader.left();
    bool begun = false;
    std::uint64_t begin = 0;
    run_program(take_unit(reader), [&](const Row& row, bool ends) {
      if (!std::exchange(begun, true)) begin = row.address;
      if (!ends) return;
      begun = false;
      if (begin >= code_begin && begin < row.address) sequences_.push_back({begin, row.address, 0, unit});
    });
  }
  std::ranges::sort(sequences_, {}, [](const Sequence& one) { return std::pair(one.begin, one.unit); });
  std::uint64_t farthest = 0;
  for (Sequence& sequence : sequences_) sequence.farthest_end = farthest = std::max(farthest, sequence.end);
}

SourceLine LineTable::find(std::uint64_t address) const {
  auto sequence = std::ranges::upper_bound(sequences_, address, {}, &Sequence::begin);
  do {
    if (sequence == sequences_.begin()) return {};
    --sequence;
    if (sequence->farthest_end <= address) return {};
  } while (sequence->end <= address);

  DwarfReader reader(sections_.lines.subspan(sequence->unit));
  const LineUnit unit = take_unit(reader);
  Row found;
  Row previous;
  bool is_found = false;
  bool in_sequence = false;
  run_program(unit, [&](const Row& row, bool ends) {
    if (in_sequence && !is_found && previous.address <= address && address < row.address) {
      found = previous;
      is_found = true;
    }
    previous = row;
    in_sequence = !ends;
  });
  if (!is_found || found.line == 0 || found.line > 0xffff'ffff) return {};
  return {.file = file_name(unit, found.file, sections_), .line = static_cast<unsigned>(found.line)};
}

}  // namespace LEASH_NAMESPACE::track::detail
