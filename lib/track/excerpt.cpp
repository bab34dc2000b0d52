#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <leash/detail/escape.hpp>
#include <leash/track/detail/excerpt.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::size_t longest_line = 160;

std::string numbered(std::string_view indent, char mark, unsigned number, std::size_t width, std::string_view text) {
  return fmt::format("{}{} {:>{}} | {}\n", indent, mark, number, width, leash::detail::escape(text, longest_line));
}

}  // namespace

std::string excerpt(const std::string& file, unsigned line, std::string_view indent) {
  std::error_code failed;
  // A name from debug information may be that of anything by now; to read from a pipe would wait for ever.
  if (line == 0 || !std::filesystem::is_regular_file(file, failed)) return {};
  std::ifstream in(file);
  std::string before;
  std::string text;
  for (unsigned number = 1; number <= line; ++number) {
    before = std::move(text);
    text.clear();
    if (!std::getline(in, text)) return {};
  }
  const std::size_t width = std::to_string(line).size();
  std::string lines;
  if (line > 1) lines += numbered(indent, ' ', line - 1, width, before);
  lines += numbered(indent, '>', line, width, text);
  return lines;
}

}  // namespace LEASH_NAMESPACE::track::detail
