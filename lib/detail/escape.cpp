#include <algorithm>
#include <cstdint>
#include <leash/detail/escape.hpp>

namespace LEASH_NAMESPACE::detail {
namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

/// The length in bytes of the first character of `text`; 0 if that is not well-formed UTF-8 (RFC 3629, section 4).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t index) {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : std::uint8_t{0};
  };
  const unsigned char lead = at(0);
  const unsigned char second = at(1);
  if (lead < 0x80U) return 1;
  if (lead >= 0xC2U && lead <= 0xDFU) return is_continuation(second) ? 2 : 0;
  if (lead >= 0xE0U && lead <= 0xEFU) {
    const bool overlong = lead == 0xE0U && second < 0xA0U;
    const bool surrogate = lead == 0xEDU && second > 0x9FU;
    return is_continuation(second) && is_continuation(at(2)) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    const bool overlong = lead == 0xF0U && second < 0x90U;
    const bool too_large = lead == 0xF4U && second > 0x8FU;
    const bool continued = is_continuation(second) && is_continuation(at(2)) && is_continuation(at(3));
    return continued && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

/// The code point of a well-formed sequence of two to four bytes.
unsigned code_point(std::string_view sequence) {
  unsigned code = static_cast<unsigned char>(sequence[0]) & (0x7FU >> sequence.size());
  for (const char byte : sequence.substr(1)) code = code << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
  return code;
}

/// Whether a well-formed sequence could act on a terminal or hide text: C1 control characters, characters of zero
/// width, marks of direction, separators of lines and paragraphs, tags. Not for control characters of one byte.
bool is_hidden(std::string_view sequence) {
  if (sequence.size() < 2) return false;
  const unsigned code = code_point(sequence);
  const auto between = [code](unsigned first, unsigned last) { return code >= first && code <= last; };
  return between(0x80, 0x9F) || between(0x200B, 0x200F) || between(0x2028, 0x202E) || between(0x2060, 0x206F) ||
         between(0xE0000, 0xE007F) || code == 0x061C || code == 0xFEFF;
}

void append_hex(std::string& out, unsigned char byte) {
  static constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  out += digits[byte >> 4U];
  out += digits[byte & 0x0FU];
}

/// Appends the escape of a control character of one byte.
void append_control(std::string& out, unsigned char byte) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_hex(out, byte);
  }
}

}  // namespace

std::string escape(std::string_view text, std::size_t max_bytes) {
  std::string out;
  std::size_t position = 0;
  while (position < text.size() && position < max_bytes) {
    const auto byte = static_cast<unsigned char>(text[position]);
    const std::size_t length = sequence_length(text.substr(position));
    const std::string_view sequence = text.substr(position, std::max<std::size_t>(length, 1));
    if (length == 0 || is_hidden(sequence)) {
      for (const char hidden : sequence) append_hex(out, static_cast<unsigned char>(hidden));
    } else if (length == 1 && (byte < 0x20U || byte == 0x7FU)) {
      append_control(out, byte);
    } else {
      out += sequence;
    }
    position += length == 0 ? 1 : length;
  }
  if (position < text.size()) out += "… (" + std::to_string(text.size()) + " bytes)";
  return out;
}

}  // namespace LEASH_NAMESPACE::detail
