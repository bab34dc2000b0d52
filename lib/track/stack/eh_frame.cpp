#include <algorithm>
#include <array>
#include <leash/track/stack/dwarf_reader.hpp>
#include <leash/track/stack/eh_frame.hpp>
#include <optional>

namespace LEASH_NAMESPACE::track::detail {
namespace {

// The registers' numbers in DWARF.
constexpr std::uint64_t rbp = 6;
constexpr std::uint64_t rsp = 7;
constexpr std::uint64_t r10 = 10;
constexpr std::uint64_t return_address = 16;

// Nothing else should try to read what is damaged, so the stack ends there.
constexpr UnwindRule damaged(UnwindRule::Kind::end);

// Where a register's value of the calling frame is.
struct Saved {
  enum class How : std::uint8_t { same, undefined, at_cfa, expression, other };
  How how = How::same;
  std::int64_t offset = 0;  // at_cfa: from the CFA
  std::span<const std::byte> expression;
};

struct Row {
  std::uint64_t cfa_register = rsp;
  std::int64_t cfa_offset = 0;
  bool cfa_is_expression = false;
  std::span<const std::byte> cfa_expression;
  Saved of_rbp;
  Saved of_rsp;
  Saved of_return_address;
};

struct Cie {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  std::uint8_t encoding = 0;
  bool has_augmentation_data = false;
  bool is_signal_frame = false;
  std::span<const std::byte> instructions;
};

// The contents of the entry (CIE or FDE) at `position`, without its length.
std::optional<DwarfReader> read_entry(std::span<const std::byte> frames, std::uintptr_t position) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(frames.data());
  if (position < begin || position - begin > frames.size()) return std::nullopt;
  DwarfReader reader(frames.subspan(position - begin));
  const std::uint64_t length = reader.read<std::uint32_t>();
  // The long form is not made for .eh_frame by any linker.
  if (length == 0 || length == 0xffffffff) return std::nullopt;
  const DwarfReader entry(reader.take(length));
  return reader.ok() ? std::optional(entry) : std::nullopt;
}

std::optional<Cie> read_cie(std::span<const std::byte> frames, std::uintptr_t position) noexcept {
  std::optional<DwarfReader> found = read_entry(frames, position);
  if (!found) return std::nullopt;
  DwarfReader& reader = *found;
  if (reader.read<std::uint32_t>() != 0) return std::nullopt;
  const auto version = reader.read<std::uint8_t>();
  if (version != 1 && version != 3) return std::nullopt;
  std::array<char, 8> augmentation{};
  for (std::size_t length = 0;; ++length) {
    const char letter = static_cast<char>(reader.read<std::uint8_t>());
    if (letter == 0) break;
    if (length == augmentation.size() - 1) return std::nullopt;
    augmentation[length] = letter;
  }
  Cie cie;
  cie.code_alignment = reader.uleb();
  cie.data_alignment = reader.sleb();
  const std::uint64_t column = version == 1 ? reader.read<std::uint8_t>() : reader.uleb();
  if (column != return_address) return std::nullopt;
  if (augmentation[0] == 'z') {
    cie.has_augmentation_data = true;
    DwarfReader data(reader.take(reader.uleb()));
    for (const char* letter = augmentation.data() + 1; *letter != 0; ++letter) {
      switch (*letter) {
        case 'R':
          cie.encoding = data.read<std::uint8_t>();
          break;
        case 'L':
          data.read<std::uint8_t>();
          break;
        case 'P': {
          // Only its size matters.
          const auto encoding = data.read<std::uint8_t>();
          data.encoded(encoding & 0x0fU);
          break;
        }
        case 'S':
          cie.is_signal_frame = true;
          break;
        default:
          return std::nullopt;
      }
    }
    if (!data.ok()) return std::nullopt;
  } else if (augmentation[0] != 0) {
    return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  cie.instructions = reader.take(reader.left());
  return cie;
}

// Runs the instructions of a CIE and then of an FDE, as DWARF 4, §6.4.2 has them, up to an address.
class Program {
 public:
  Program(const Cie& cie, std::uintptr_t begin, std::uintptr_t address) noexcept
      : cie_(cie), location_(begin), address_(address) {}

  // False if an instruction is unknown or damaged.
  bool run(std::span<const std::byte> instructions) noexcept {
    DwarfReader reader(instructions);
    while (!reader.done() && location_ <= address_) {
      if (!step(reader) || !reader.ok()) return false;
    }
    return reader.ok();
  }

  // What DW_CFA_restore goes back to.
  void set_initial() noexcept { initial_ = row_; }

  [[nodiscard]] const Row& row() const noexcept { return row_; }

 private:
  void advance(std::uint64_t delta) noexcept { location_ += delta * cie_.code_alignment; }

  [[nodiscard]] std::int64_t scaled(std::uint64_t offset) const noexcept {
    return static_cast<std::int64_t>(offset * static_cast<std::uint64_t>(cie_.data_alignment));
  }

  static Saved* find(Row& row, std::uint64_t number) noexcept {
    if (number == rbp) return &row.of_rbp;
    if (number == rsp) return &row.of_rsp;
    if (number == return_address) return &row.of_return_address;
    return nullptr;
  }

  void save(std::uint64_t number, Saved saved) noexcept {
    if (Saved* const slot = find(row_, number)) *slot = saved;
  }

  void restore(std::uint64_t number) noexcept {
    if (Saved* const slot = find(row_, number)) *slot = *find(initial_, number);
  }

  void set_cfa(std::uint64_t number, std::int64_t offset) noexcept {
    row_.cfa_is_expression = false;
    row_.cfa_register = number;
    row_.cfa_offset = offset;
  }

  bool step(DwarfReader& reader) noexcept {
    using How = Saved::How;
    const auto opcode = reader.read<std::uint8_t>();
    const std::uint64_t low = opcode & 0x3fU;
    switch (opcode & 0xc0U) {
      case 0x40:
        advance(low);
        return true;
      case 0x80:
        save(low, {How::at_cfa, scaled(reader.uleb()), {}});
        return true;
      case 0xc0:
        restore(low);
        return true;
      default:
        break;
    }
    std::uint64_t number = 0;
    switch (opcode) {
      case 0x00:
        return true;  // nop
      case 0x01:
        location_ = reader.encoded(cie_.encoding);
        return true;  // set_loc
      case 0x02:
        advance(reader.read<std::uint8_t>());
        return true;  // advance_loc1
      case 0x03:
        advance(reader.read<std::uint16_t>());
        return true;  // advance_loc2
      case 0x04:
        advance(reader.read<std::uint32_t>());
        return true;  // advance_loc4
      case 0x05:      // offset_extended
        number = reader.uleb();
        save(number, {How::at_cfa, scaled(reader.uleb()), {}});
        return true;
      case 0x06:
        restore(reader.uleb());
        return true;  // restore_extended
      case 0x07:
        save(reader.uleb(), {How::undefined, 0, {}});
        return true;  // undefined
      case 0x08:
        save(reader.uleb(), {How::same, 0, {}});
        return true;  // same_value
      case 0x09:      // register
        save(reader.uleb(), {How::other, 0, {}});
        reader.uleb();
        return true;
      case 0x0a:
        return remember();
      case 0x0b:
        return recall();
      case 0x0c:  // def_cfa
        number = reader.uleb();
        set_cfa(number, static_cast<std::int64_t>(reader.uleb()));
        return true;
      case 0x0d:
        set_cfa(reader.uleb(), row_.cfa_offset);
        return true;  // def_cfa_register
      case 0x0e:
        row_.cfa_offset = static_cast<std::int64_t>(reader.uleb());
        return true;  // def_cfa_offset
      case 0x0f:      // def_cfa_expression
        row_.cfa_is_expression = true;
        row_.cfa_expression = reader.take(reader.uleb());
        return true;
      case 0x10:  // expression
        number = reader.uleb();
        save(number, {How::expression, 0, reader.take(reader.uleb())});
        return true;
      case 0x11:  // offset_extended_sf
        number = reader.uleb();
        save(number, {How::at_cfa, scaled(static_cast<std::uint64_t>(reader.sleb())), {}});
        return true;
      case 0x12:  // def_cfa_sf
        number = reader.uleb();
        set_cfa(number, scaled(static_cast<std::uint64_t>(reader.sleb())));
        return true;
      case 0x13:
        row_.cfa_offset = scaled(static_cast<std::uint64_t>(reader.sleb()));
        return true;  // def_cfa_offset_sf
      case 0x14:      // val_offset
      case 0x15:      // val_offset_sf
        save(reader.uleb(), {How::other, 0, {}});
        reader.uleb();
        return true;
      case 0x16:  // val_expression
        number = reader.uleb();
        save(number, {How::other, 0, {}});
        reader.take(reader.uleb());
        return true;
      case 0x2e:
        reader.uleb();
        return true;  // GNU_args_size
      case 0x2f:      // GNU_negative_offset_extended
        number = reader.uleb();
        save(number, {How::at_cfa, scaled(0 - reader.uleb()), {}});
        return true;
      default:
        return false;
    }
  }

  bool remember() noexcept {
    if (remembered_count_ == remembered_.size()) return false;
    remembered_[remembered_count_++] = row_;
    return true;
  }

  bool recall() noexcept {
    if (remembered_count_ == 0) return false;
    row_ = remembered_[--remembered_count_];
    return true;
  }

  const Cie& cie_;
  std::uintptr_t location_;
  std::uintptr_t address_;
  Row row_;
  Row initial_;
  std::array<Row, 8> remembered_;
  std::size_t remembered_count_ = 0;
};

// What an expression of the form "register + offset" or "*(register + offset)" is made of.
struct Place {
  std::uint64_t number = 0;
  std::int64_t offset = 0;
  bool deref = false;

  friend bool operator==(const Place&, const Place&) = default;
};

std::optional<Place> read_place(std::span<const std::byte> expression) noexcept {
  DwarfReader reader(expression);
  Place place;
  const auto opcode = reader.read<std::uint8_t>();
  if (opcode < 0x70 || opcode > 0x8f) return std::nullopt;  // DW_OP_breg0 to breg31
  place.number = opcode - 0x70U;
  place.offset = reader.sleb();
  if (!reader.done()) {
    if (reader.read<std::uint8_t>() != 0x06) return std::nullopt;  // DW_OP_deref
    place.deref = true;
  }
  return reader.ok() && reader.done() ? std::optional(place) : std::nullopt;
}

bool is_at(const Saved& saved, const Place& place) noexcept {
  return saved.how == Saved::How::expression && read_place(saved.expression) == place;
}

// The frame that the kernel made for a signal handler: rsp points to the ucontext_t, and its mcontext_t has the
// registers. glibc describes just that.
bool is_signal(const Row& row) noexcept {
  return row.cfa_is_expression && read_place(row.cfa_expression) == Place{rsp, 160, true} &&
         is_at(row.of_return_address, {rsp, 168, false}) && is_at(row.of_rbp, {rsp, 120, false});
}

UnwindRule to_rule(const Cie& cie, const Row& row) noexcept {
  using How = Saved::How;
  constexpr UnwindRule unsupported(UnwindRule::Kind::unsupported);
  if (row.of_return_address.how == How::undefined) return UnwindRule(UnwindRule::Kind::end);
  if (cie.is_signal_frame) return is_signal(row) ? UnwindRule(UnwindRule::Kind::signal) : unsupported;
  if (row.of_return_address.how != How::at_cfa || row.of_return_address.offset != -8 || row.of_rsp.how != How::same) {
    return unsupported;
  }
  if (row.cfa_is_expression) {
    const std::optional<Place> cfa = read_place(row.cfa_expression);
    const bool is_realigned = cfa && cfa->number == rbp && cfa->deref && is_at(row.of_rbp, {rbp, 0, false});
    return is_realigned ? UnwindRule::realigned(cfa->offset) : unsupported;
  }
  const bool is_at_rbp = is_at(row.of_rbp, {rbp, 0, false});
  const bool is_kept = row.of_rbp.how == How::same || row.of_rbp.how == How::undefined;
  if (row.cfa_register == r10 && row.cfa_offset == 0) {
    return is_at_rbp || is_kept ? UnwindRule::realigning(is_at_rbp) : unsupported;
  }
  if (row.cfa_register != rsp && row.cfa_register != rbp) return unsupported;
  // GCC forgets to say that rbp is back before the last instruction of a realigned frame.
  if (row.cfa_register == rsp && is_at_rbp) return UnwindRule::framed(false, row.cfa_offset, 0);
  const bool is_saved = row.of_rbp.how == How::at_cfa;
  if (!is_saved && !is_kept) return unsupported;
  if (is_saved && (row.of_rbp.offset > -8 || row.of_rbp.offset < -UnwindRule::most_saved)) return unsupported;
  return UnwindRule::framed(row.cfa_register == rbp, row.cfa_offset, is_saved ? -row.of_rbp.offset : 0);
}

UnwindRule read_fde(std::span<const std::byte> frames, std::uintptr_t position, std::uintptr_t address) noexcept {
  std::optional<DwarfReader> found = read_entry(frames, position);
  if (!found) return damaged;
  DwarfReader& reader = *found;
  const std::uintptr_t self = reader.position();
  const auto back = reader.read<std::uint32_t>();
  if (back == 0) return damaged;
  const std::optional<Cie> cie = read_cie(frames, self - back);
  if (!cie) return damaged;
  const std::uintptr_t begin = reader.encoded(cie->encoding);
  const std::uintptr_t size = reader.encoded(cie->encoding & 0x0fU);
  if (cie->has_augmentation_data) reader.take(reader.uleb());
  if (!reader.ok()) return damaged;
  if (address - begin >= size) return {};
  Program program(*cie, begin, address);
  if (!program.run(cie->instructions)) return damaged;
  program.set_initial();
  return program.run(reader.take(reader.left())) ? to_rule(*cie, program.row()) : damaged;
}

}  // namespace

UnwindRule find_rule(const EhFrame& tables, std::uintptr_t address) noexcept {
  DwarfReader reader(tables.header);
  const std::uintptr_t origin = reader.position();
  const auto version = reader.read<std::uint8_t>();
  const auto frames_encoding = reader.read<std::uint8_t>();
  const auto count_encoding = reader.read<std::uint8_t>();
  const auto table_encoding = reader.read<std::uint8_t>();
  // The only form of table that linkers make: pairs of 32 bits, relative to the header.
  if (!reader.ok() || version != 1) return damaged;
  if (table_encoding != 0x3b) return UnwindRule(UnwindRule::Kind::unsupported);
  reader.encoded(frames_encoding, origin);
  const std::uint64_t count = reader.encoded(count_encoding, origin);
  if (!reader.ok() || count > reader.left() / 8) return damaged;
  const std::span<const std::byte> table = reader.take(count * 8);
  const auto entry = [&](std::size_t index) {
    DwarfReader row(table.subspan(index * 8, 8));
    const auto begin = static_cast<std::uintptr_t>(std::int64_t{row.read<std::int32_t>()});
    const auto fde = static_cast<std::uintptr_t>(std::int64_t{row.read<std::int32_t>()});
    return std::array<std::uintptr_t, 2>{origin + begin, origin + fde};
  };
  std::size_t low = 0;
  for (std::size_t high = count; low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (entry(middle)[0] <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? UnwindRule() : read_fde(tables.frames, entry(low - 1)[1], address);
}

}  // namespace LEASH_NAMESPACE::track::detail
