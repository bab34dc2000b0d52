#include <algorithm>
#include <leash/track/report/columns.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// Whether `byte` of a UTF-8 text is not the first byte of its code point.
bool is_continuation(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// The size in bytes of the first `count` code points of `text`.
std::size_t prefix_size(std::string_view text, std::size_t count) noexcept {
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
  const std::size_t total = columns(text);
  if (total <= width) return std::string(text);
  if (width == 0) return {};
  const std::size_t kept_begin = (width - 1) / 3;
  const std::size_t kept_end = width - 1 - kept_begin;
  std::string shortened(text.substr(0, prefix_size(text, kept_begin)));
  return shortened.append("…").append(text.substr(prefix_size(text, total - kept_end)));
}

std::string shorten_end(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(text.substr(0, prefix_size(text, width - 1))) + "…";
}

std::string wrap(std::string_view first, std::string_view text, std::string_view indent, std::size_t width) {
  std::string lines(first);
  std::size_t column = columns(first);
  bool has_word = false;  // Whether there is a word in the current line.
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const std::size_t needed = columns(word) + (has_word ? 1 : 0);
    if (has_word && column + needed > width) {
      lines.append("\n").append(indent);
      column = columns(indent);
      has_word = false;
    }
    if (has_word) lines += ' ';
    lines += word;
    column += columns(word) + (has_word ? 1 : 0);
    has_word = true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines += '\n';
}

}  // namespace LEASH_NAMESPACE::track::detail
