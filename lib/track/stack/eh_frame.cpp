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

// The rule where tables are damaged. Not `unsupported`: then the compiler's unwinder would read them, without checks.
constexpr UnwindRule damaged(UnwindRule::Kind::end);

// Where the value that a register has in the caller is found (a "register rule" of DWARF).
struct Saved {
  // same: in the register still; undefined: nowhere; at_cfa: in memory, at the CFA + `offset`; expression: in memory,
  // at the address that `expression` computes; other: in a way that is not evaluated.
  enum class How : std::uint8_t { same, undefined, at_cfa, expression, other };
  How how = How::same;
  std::int64_t offset = 0;
  std::span<const std::byte> expression;
};

// What the tables say of one instruction: how to compute the CFA (canonical frame address), which is the caller's rsp,
// and where the caller's registers are.
struct Row {
  std::uint64_t cfa_register = rsp;
  std::int64_t cfa_offset = 0;
  bool cfa_is_expression = false;
  std::span<const std::byte> cfa_expression;
  Saved of_rbp;
  Saved of_rsp;
  Saved of_return_address;
};

// A common information entry: what several functions' entries (FDEs) have in common.
struct Cie {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  std::uint8_t encoding = 0;
  bool has_augmentation_data = false;
  bool is_signal_frame = false;
  std::span<const std::byte> instructions;
};

// The contents of the entry (CIE or FDE) at `position`, behind its length.
std::optional<DwarfReader> read_entry(std::span<const std::byte> frames, std::uintptr_t position) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(frames.data());
  if (position < begin || position - begin > frames.size()) return std::nullopt;
  DwarfReader reader(frames.subspan(position - begin));
  const std::uint64_t length = reader.read<std::uint32_t>();
  // Length 0 ends the section. 0xffffffff announces a length of 64 bits, which no linker writes in .eh_frame.
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
          // The address of the personality routine, read only to get past it.
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

// Runs the call frame instructions (DWARF 4, §6.4.2) of a CIE and then of an FDE that begins at `begin`. It stops at
// the first that is for code behind `address`: then `row` is the row for `address`.
class CfaProgram {
 public:
  CfaProgram(const Cie& cie, std::uintptr_t begin, std::uintptr_t address) noexcept
      : cie_(cie), location_(begin), address_(address) {}

  // False if an instruction is unknown or damaged.
  bool run(std::span<const std::byte> instructions) noexcept {
    DwarfReader reader(instructions);
    while (!reader.done() && location_ <= address_) {
      if (!step(reader) || !reader.ok()) return false;
    }
    return reader.ok();
  }

  // Called when the CIE's instructions have run: DW_CFA_restore restores what they said.
  void set_initial_row() noexcept { initial_ = row_; }

  [[nodiscard]] const Row& row() const noexcept { return row_; }

 private:
  void advance(std::uint64_t delta) noexcept { location_ += delta * cie_.code_alignment; }

  [[nodiscard]] std::int64_t scaled(std::uint64_t offset) const noexcept {
    return static_cast<std::int64_t>(offset * static_cast<std::uint64_t>(cie_.data_alignment));
  }

  // Null for a register that no rule needs.
  static Saved* slot_of(Row& row, std::uint64_t number) noexcept {
    if (number == rbp) return &row.of_rbp;
    if (number == rsp) return &row.of_rsp;
    if (number == return_address) return &row.of_return_address;
    return nullptr;
  }

  void save(std::uint64_t number, Saved saved) noexcept {
    if (Saved* const slot = slot_of(row_, number)) *slot = saved;
  }

  void restore(std::uint64_t number) noexcept {
    if (Saved* const slot = slot_of(row_, number)) *slot = *slot_of(initial_, number);
  }

  void set_cfa(std::uint64_t number, std::int64_t offset) noexcept {
    row_.cfa_is_expression = false;
    row_.cfa_register = number;
    row_.cfa_offset = offset;
  }

  // Runs one instruction. False if it is unknown, or has no state to restore or no room to remember one.
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
        return remember_state();
      case 0x0b:
        return restore_state();
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

  bool remember_state() noexcept {
    if (remembered_count_ == remembered_.size()) return false;
    remembered_[remembered_count_++] = row_;
    return true;
  }

  bool restore_state() noexcept {
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

// A DWARF expression that computes `register + offset`, or with `deref` loads the word there.
struct SimpleExpression {
  std::uint64_t register_number = 0;
  std::int64_t offset = 0;
  bool deref = false;

  friend bool operator==(const SimpleExpression&, const SimpleExpression&) = default;
};

// Nullopt if the expression is not of this form.
std::optional<SimpleExpression> read_simple_expression(std::span<const std::byte> expression) noexcept {
  DwarfReader reader(expression);
  SimpleExpression simple;
  const auto opcode = reader.read<std::uint8_t>();
  if (opcode < 0x70 || opcode > 0x8f) return std::nullopt;  // DW_OP_breg0 to breg31
  simple.register_number = opcode - 0x70U;
  simple.offset = reader.sleb();
  if (!reader.done()) {
    if (reader.read<std::uint8_t>() != 0x06) return std::nullopt;  // DW_OP_deref
    simple.deref = true;
  }
  return reader.ok() && reader.done() ? std::optional(simple) : std::nullopt;
}

// Whether the register is saved at the address that this expression computes.
bool is_saved_at(const Saved& saved, const SimpleExpression& simple) noexcept {
  return saved.how == Saved::How::expression && read_simple_expression(saved.expression) == simple;
}

// Whether the row describes the frame that the kernel makes for a signal handler, in the words that glibc uses for it:
// rsp points to a ucontext_t, and its mcontext_t holds the registers, rbp at 120, rsp at 160, rip at 168.
bool is_kernel_signal_frame(const Row& row) noexcept {
  return row.cfa_is_expression && read_simple_expression(row.cfa_expression) == SimpleExpression{rsp, 160, true} &&
         is_saved_at(row.of_return_address, {rsp, 168, false}) && is_saved_at(row.of_rbp, {rsp, 120, false});
}

// The rule that says what the row says, `unsupported` if there is none.
UnwindRule to_rule(const Cie& cie, const Row& row) noexcept {
  using How = Saved::How;
  constexpr UnwindRule unsupported(UnwindRule::Kind::unsupported);
  if (row.of_return_address.how == How::undefined) return UnwindRule(UnwindRule::Kind::end);
  if (cie.is_signal_frame) return is_kernel_signal_frame(row) ? UnwindRule(UnwindRule::Kind::signal) : unsupported;
  if (row.of_return_address.how != How::at_cfa || row.of_return_address.offset != -8 || row.of_rsp.how != How::same) {
    return unsupported;
  }
  if (row.cfa_is_expression) {
    const std::optional<SimpleExpression> cfa = read_simple_expression(row.cfa_expression);
    const bool is_realigned =
        cfa && cfa->register_number == rbp && cfa->deref && is_saved_at(row.of_rbp, {rbp, 0, false});
    return is_realigned ? UnwindRule::realigned(cfa->offset) : unsupported;
  }
  const bool is_at_rbp = is_saved_at(row.of_rbp, {rbp, 0, false});
  const bool is_kept = row.of_rbp.how == How::same || row.of_rbp.how == How::undefined;
  if (row.cfa_register == r10 && row.cfa_offset == 0) {
    return is_at_rbp || is_kept ? UnwindRule::realigning(is_at_rbp) : unsupported;
  }
  if (row.cfa_register != rsp && row.cfa_register != rbp) return unsupported;
  // At the last instruction (ret) of a function with a realigned frame rbp is the caller's again. GCC's tables still
  // say that it is saved at *rbp.
  if (row.cfa_register == rsp && is_at_rbp) return UnwindRule::framed(false, row.cfa_offset, 0);
  const bool is_saved = row.of_rbp.how == How::at_cfa;
  if (!is_saved && !is_kept) return unsupported;
  if (is_saved && (row.of_rbp.offset > -8 || row.of_rbp.offset < -UnwindRule::max_saved)) return unsupported;
  return UnwindRule::framed(row.cfa_register == rbp, row.cfa_offset, is_saved ? -row.of_rbp.offset : 0);
}

// The rule for `address` by the FDE at `position`, `none` if it is for other addresses.
UnwindRule read_fde(std::span<const std::byte> frames, std::uintptr_t position, std::uintptr_t address) noexcept {
  std::optional<DwarfReader> found = read_entry(frames, position);
  if (!found) return damaged;
  DwarfReader& reader = *found;
  const std::uintptr_t self = reader.position();
  const auto cie_distance = reader.read<std::uint32_t>();
  if (cie_distance == 0) return damaged;
  const std::optional<Cie> cie = read_cie(frames, self - cie_distance);
  if (!cie) return damaged;
  const std::uintptr_t begin = reader.encoded(cie->encoding);
  const std::uintptr_t size = reader.encoded(cie->encoding & 0x0fU);
  if (cie->has_augmentation_data) reader.take(reader.uleb());
  if (!reader.ok()) return damaged;
  if (address - begin >= size) return {};
  CfaProgram program(*cie, begin, address);
  if (!program.run(cie->instructions)) return damaged;
  program.set_initial_row();
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
  // Where a function begins, and where its FDE is.
  const auto entry = [&](std::size_t index) {
    DwarfReader row(table.subspan(index * 8, 8));
    const auto begin = static_cast<std::uintptr_t>(std::int64_t{row.read<std::int32_t>()});
    const auto fde = static_cast<std::uintptr_t>(std::int64_t{row.read<std::int32_t>()});
    return std::array<std::uintptr_t, 2>{origin + begin, origin + fde};
  };
  // The index of the first function that begins behind `address`: the one before may have it.
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
