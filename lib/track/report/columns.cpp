#include <algorithm>
#include <array>
#include <leash/track/report/columns.hpp>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// Whether `byte` of a UTF-8 text is not the first byte of its code point.
bool is_continuation(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// The code point that begins at `at` of a UTF-8 text; its bytes are taken for well-formed.
char32_t code_point_at(std::string_view text, std::size_t at) noexcept {
  const auto lead = static_cast<unsigned char>(text[at]);
  char32_t code = lead;
  if (lead >= 0xF0U) {
    code = lead & 0x07U;
  } else if (lead >= 0xE0U) {
    code = lead & 0x0FU;
  } else if (lead >= 0x80U) {
    code = lead & 0x1FU;
  }
  for (++at; at < text.size() && is_continuation(text[at]); ++at) {
    code = code << 6U | (static_cast<unsigned char>(text[at]) & 0x3FU);
  }
  return code;
}

/// How many columns a code point takes: 2 for the wide ones of Unicode's EastAsianWidth.txt, by their blocks.
std::size_t width_of(char32_t code) noexcept {
  static constexpr std::array<std::pair<char32_t, char32_t>, 10> wide = {{{0x1100, 0x115F},
                                                                          {0x2E80, 0x303E},
                                                                          {0x3041, 0xA4CF},
                                                                          {0xA960, 0xA97F},
                                                                          {0xAC00, 0xD7A3},
                                                                          {0xF900, 0xFAFF},
                                                                          {0xFE30, 0xFE6F},
                                                                          {0xFF00, 0xFF60},
                                                                          {0x1F300, 0x1FAFF},
                                                                          {0x20000, 0x3FFFD}}};
  return std::ranges::any_of(wide, [&](const auto& range) { return code >= range.first && code <= range.second; }) ? 2
                                                                                                                   : 1;
}

/// The size in bytes of as many code points as fit into `width` columns.
std::size_t prefix_size(std::string_view text, std::size_t width) noexcept {
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t needed = width_of(code_point_at(text, size));
    if (needed > width) break;
    width -= needed;
    for (++size; size < text.size() && is_continuation(text[size]);) ++size;
  }
  return size;
}

/// Where the shortest end of `text` begins that leaves out `width` columns at least.
std::size_t suffix_begin(std::string_view text, std::size_t width) noexcept {
  std::size_t begin = prefix_size(text, width);
  if (columns(text.substr(0, begin)) < width && begin < text.size()) {
    for (++begin; begin < text.size() && is_continuation(text[begin]);) ++begin;
  }
  return begin;
}

}  // namespace

std::size_t columns(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      at = std::min(text.find('m', at), text.size());
    } else if (!is_continuation(text[at])) {
      count += width_of(code_point_at(text, at));
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
  return shortened.append("…").append(text.substr(suffix_begin(text, total - kept_end)));
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
