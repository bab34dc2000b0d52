#include <algorithm>
#include <array>
#include <charconv>
#include <leash/track/report/fingerprint.hpp>
#include <leash/track/symbol/function_names.hpp>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
class Hash {
 public:
  void add(std::string_view text) noexcept {
    for (const char letter : text) add_byte(static_cast<unsigned char>(letter));
    // A zero ends each text, so that the texts "ab", "c" and "a", "bc" have different hashes.
    add_byte(0);
  }

  std::uint64_t value() const noexcept { return value_; }

 private:
  void add_byte(unsigned char byte) noexcept { value_ = (value_ ^ byte) * 0x100000001b3ULL; }

  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

/// `line` without blanks at its beginning and end: a change of indentation leaves the fingerprint as it is.
std::string_view trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t") - first + 1);
}

std::uint64_t hash_of(const Explained::Group& group) {
  Hash hash;
  hash.add(to_string(group.rule));
  hash.add(group.kind);
  // Only the name of the file: the folder differs from one build to the next.
  hash.add(std::string_view(group.place.file).substr(group.place.file.rfind('/') + 1));
  if (!group.events.empty()) {
    for (const Explained::Frame& frame : group.events.front().frames) {
      // Parameters are left out, because they change with types that are declared elsewhere.
      if (!is_named_by_framework(frame.function)) hash.add(name_without_parameters(frame.function));
      if (!frame.lines.empty()) hash.add(trimmed(frame.lines.back()));
    }
  } else {
    // Of an untracked descriptor it has the target alone, without numbers that differ from one run to the next.
    hash.add(group.suppression);
  }
  return hash.value();
}

/// 16 digits, with zeros in front.
std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  const std::string text(digits.data(), end);
  return std::string(digits.size() - text.size(), '0') + text;
}

}  // namespace

void set_fingerprints(std::vector<Explained::Group>& groups) {
  std::map<std::uint64_t, std::vector<Explained::Group*>> equal;
  for (Explained::Group& group : groups) equal[hash_of(group)].push_back(&group);
  for (auto& [hash, members] : equal) {
    std::ranges::sort(members, {}, [](const Explained::Group* group) {
      return std::tuple(group->place.line, group->place.column, group);
    });
    for (std::size_t at = 0; at < members.size(); ++at) members[at]->fingerprint = hexadecimal(hash + at);
  }
}

}  // namespace LEASH_NAMESPACE::track::detail
