#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <leash/detail/escape.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/shortage.hpp>
#include <leash/os/unshared_descriptors.hpp>
#include <leash/track/report/excerpt.hpp>
#include <string_view>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::size_t longest_line = 160;
constexpr std::size_t most_bytes = std::size_t{4} << 20U;  ///< How much of a file is read.
constexpr std::size_t most_kept = std::size_t{16} << 20U;  ///< Of all files.

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// `line` as a terminal shows it: spaces for tabs, escapes for what is not printable, and `…` for what is behind the
/// first `longest_line` bytes.
std::string as_displayed(std::string_view line) {
  static constexpr std::size_t tab = 4;
  std::string text;
  std::size_t columns = 0;
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (const char c : line.substr(0, longest_line + 2)) {
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

/// The first `most_bytes` bytes of a file, read in this thread. Sets `shortage` to the errno if the file could not be
/// opened because descriptors or memory ran out, else to 0.
std::string read_text(const std::string& file, int& shortage) {
  const os::Opening opening;
  const os::MayOpen may_open(os::Unlisted::files);
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  shortage = !in && os::is_shortage(errno) ? errno : 0;
  std::string text;
  std::array<char, 16384> buffer{};
  while (text.size() < most_bytes && in.read(buffer.data(), buffer.size()).gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (text.size() > most_bytes) text.resize(most_bytes);
  return text;
}

}  // namespace

const SourceFiles::Source& SourceFiles::source(const std::string& file) {
  if (const auto known = sources_.find(file); known != sources_.end()) return known->second;
  if (bytes_ > most_kept) {
    sources_.clear();
    bytes_ = 0;
  }
  Source source;
  std::error_code failed;
  int shortage = 0;
  // The name comes from debug information and may belong to anything by now. Opening a pipe could wait for ever.
  if (std::filesystem::is_regular_file(file, failed)) {
    source.text = read_text(file, shortage);
    if (shortage != 0) os::run_with_unshared_descriptors([&] { source.text = read_text(file, shortage); });
  }
  if (!source.text.empty()) source.starts.push_back(0);
  for (std::size_t at = source.text.find('\n'); at != std::string::npos; at = source.text.find('\n', at + 1)) {
    if (at + 1 < source.text.size()) source.starts.push_back(at + 1);
  }
  bytes_ += source.text.size();
  return sources_.emplace(file, std::move(source)).first->second;
}

std::vector<std::string> SourceFiles::excerpt(const std::string& file, unsigned line) {
  if (line == 0) return {};
  const Source& read = source(file);
  if (line > read.starts.size()) return {};
  const auto displayed = [&](std::size_t index) {
    const std::string_view text = std::string_view(read.text).substr(read.starts[index]);
    return as_displayed(text.substr(0, text.find('\n')));
  };
  std::vector<std::string> lines;
  if (line > 1) lines.push_back(displayed(line - 2));
  lines.push_back(displayed(line - 1));
  return lines;
}

}  // namespace LEASH_NAMESPACE::track::detail
