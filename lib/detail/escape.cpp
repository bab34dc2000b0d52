#include <algorithm>
#include <leash/detail/escape.hpp>
#include <leash/detail/utf8.hpp>

namespace LEASH_NAMESPACE::detail {
namespace {

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
    const std::size_t length = utf8_length(text.substr(position));
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
