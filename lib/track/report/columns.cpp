#include <algorithm>
#include <leash/track/report/columns.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// Of UTF-8: whether a byte is not the first of its code point.
bool is_continuation(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// The size in bytes of the first `count` code points.
std::size_t size_of(std::string_view text, std::size_t count) noexcept {
  std::size_t size = 0;
  while (size < text.size() && (is_continuation(text[size]) || count-- > 0)) ++size;
  return size;
}

}  // namespace

std::size_t columns(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      at = std::min(text.find('m', at), text.size());
    } else if (!is_continuation(text[at])) {
      ++count;
    }
  }
  return count;
}

std::string shorten_middle(std::string_view text, std::size_t width) {
  const std::size_t all = columns(text);
  if (all <= width) return std::string(text);
  if (width == 0) return {};
  const std::size_t begin = (width - 1) / 3;
  const std::size_t end = width - 1 - begin;
  std::string shortened(text.substr(0, size_of(text, begin)));
  return shortened.append("…").append(text.substr(size_of(text, all - end)));
}

std::string wrap(std::string_view first, std::string_view text, std::string_view indent, std::size_t width) {
  std::string lines(first);
  std::size_t column = columns(first);
  bool begun = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const std::size_t needed = columns(word) + (begun ? 1 : 0);
    if (begun && column + needed > width) {
      lines.append("\n").append(indent);
      column = columns(indent);
      begun = false;
    }
    if (begun) lines += ' ';
    lines += word;
    column += columns(word) + (begun ? 1 : 0);
    begun = true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines += '\n';
}

}  // namespace LEASH_NAMESPACE::track::detail
