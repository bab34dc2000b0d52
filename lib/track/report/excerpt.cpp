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
constexpr std::streamsize most_bytes = std::streamsize{4} << 20U;

/// Reads a line, less of what is longer than a report shows; false at the end of the text.
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

/// A line as a terminal would show it.
std::string shown(std::string_view line) {
  static constexpr std::size_t tab = 4;
  std::string text;
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (const char c : line) {
    if (c == '\t') {
      text.append(tab - (text.size() % tab), ' ');
    } else {
      text += c;
    }
  }
  return leash::detail::escape(text, longest_line);
}

/// `shortage` becomes the errno if the file could not be opened for want of descriptors or memory.
std::vector<std::string> read_excerpt(const std::string& file, unsigned line, int& shortage) {
  const os::Opening opening;
  const os::MayOpen reads(os::Unlisted::files);
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
  if (line > 1) lines.push_back(shown(before));
  lines.push_back(shown(text));
  return lines;
}

}  // namespace

std::vector<std::string> excerpt(const std::string& file, unsigned line) {
  std::error_code failed;
  // A name from debug information may be that of anything by now; to read from a pipe would wait for ever.
  if (line == 0 || !std::filesystem::is_regular_file(file, failed)) return {};
  int shortage = 0;
  std::vector<std::string> lines = read_excerpt(file, line, shortage);
  if (shortage != 0) os::run_with_unshared_descriptors([&] { lines = read_excerpt(file, line, shortage); });
  return lines;
}

}  // namespace LEASH_NAMESPACE::track::detail
