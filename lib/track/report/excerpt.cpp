#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <leash/detail/escape.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/shortage.hpp>
#include <leash/os/unshared_descriptors.hpp>
#include <leash/track/report/excerpt.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::size_t longest_line = 160;
constexpr std::streamsize most_bytes = std::streamsize{4} << 20U;  ///< How much of a file is read.

/// Reads the next line; of one that is longer than `longest_line`, reads a little more than that and skips the rest.
/// False if there is no next line, or if it ends behind the first `most_bytes` of the file.
bool read_line(std::istream& in, std::string& line) {
  std::array<char, longest_line + 2> buffer{};
  in.getline(buffer.data(), buffer.size());
  line = buffer.data();
  if (in.fail() && !in.eof() && in.gcount() == static_cast<std::streamsize>(buffer.size()) - 1) {
    in.clear();
    in.ignore(most_bytes, '\n');
  }
  return !in.fail() && in.tellg() < most_bytes;
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// `line` as a terminal shows it: spaces for tabs, escapes for what is not printable, and `…` for what is behind the
/// first `longest_line` bytes.
std::string as_displayed(std::string_view line) {
  static constexpr std::size_t tab = 4;
  std::string text;
  std::size_t columns = 0;
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (const char c : line) {
    if (c == '\t') {
      const std::size_t spaces = tab - (columns % tab);
      text.append(spaces, ' ');
      columns += spaces;
    } else {
      text += c;
      if (!continues_character(c)) ++columns;
    }
  }
  if (text.size() <= longest_line) return leash::detail::escape(text, longest_line);
  std::size_t end = longest_line;
  while (end > 0 && continues_character(text[end])) --end;
  return leash::detail::escape(text.substr(0, end), longest_line) + "…";
}

/// `excerpt`, read in this thread. Sets `shortage` to the errno if the file could not be opened because descriptors or
/// memory ran out, else to 0.
std::vector<std::string> read_excerpt(const std::string& file, unsigned line, int& shortage) {
  const os::Opening opening;
  const os::MayOpen may_open(os::Unlisted::files);
  errno = 0;
  std::ifstream in(file);
  shortage = !in && os::is_shortage(errno) ? errno : 0;
  std::string before;
  std::string text;
  for (unsigned number = 1; number <= line; ++number) {
    before = std::move(text);
    if (!read_line(in, text)) return {};
  }
  std::vector<std::string> lines;
  if (line > 1) lines.push_back(as_displayed(before));
  lines.push_back(as_displayed(text));
  return lines;
}

}  // namespace

std::vector<std::string> excerpt(const std::string& file, unsigned line) {
  std::error_code failed;
  // The name comes from debug information and may belong to anything by now. Opening a pipe could wait for ever.
  if (line == 0 || !std::filesystem::is_regular_file(file, failed)) return {};
  int shortage = 0;
  std::vector<std::string> lines = read_excerpt(file, line, shortage);
  if (shortage != 0) os::run_with_unshared_descriptors([&] { lines = read_excerpt(file, line, shortage); });
  return lines;
}

}  // namespace LEASH_NAMESPACE::track::detail
