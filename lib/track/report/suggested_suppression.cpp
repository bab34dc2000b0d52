#include <leash/detail/escape.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report/suggested_suppression.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// Whether a test framework made the name up, from a number that changes when a test is added before it.
bool is_named_by_framework(std::string_view function) {
  return function.contains("DOCTEST_ANON_") || function.contains("C_A_T_C_H") || function.contains("CATCH2_INTERNAL_");
}

std::string kind_word(const Kind& kind) {
  const std::string word(kind.one);
  // What cannot be printed as it is would not match.
  if (word.empty() || word.contains('"') || leash::detail::escape(word, word.size()) != word) return "*";
  return word.find_first_of(" #") != std::string::npos ? '"' + word + '"' : word;
}

std::string pattern_for(const Group& group, const Plumbing& plumbing) {
  if (group.rule == Rule::untracked) {
    std::string target(os::target_of_descriptor(group.instances.front().name));
    // The number of a socket or a pipe is another one each time.
    if (const std::size_t number = target.find(":["); number != std::string::npos) {
      target.replace(number, std::string::npos, ":*");
    }
    return target;
  }
  auto [function, file] = place_of(group.opened, plumbing);
  if (is_named_by_framework(function)) return "top:" + file;
  function = function.substr(0, function.find('('));
  return function.empty() ? std::string() : "top:" + function;
}

}  // namespace

std::string suggested_suppression(const Group& group, const Plumbing& plumbing) {
  std::string pattern = pattern_for(group, plumbing);
  while (pattern.ends_with(' ')) pattern.pop_back();
  const std::string shown = pattern.empty() ? "*" : leash::detail::escape(pattern, pattern.size());
  return std::string(to_string(group.rule)) + " " + kind_word(group.kind) + " " + shown;
}

}  // namespace LEASH_NAMESPACE::track::detail
