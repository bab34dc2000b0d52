#include <leash/detail/escape.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report/suggested_suppression.hpp>
#include <leash/track/symbol/function_names.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// `text` as a pattern that a line can hold: a blank that would end it there becomes a `*`.
std::string without_ends(std::string text) {
  for (const std::string_view end : {" #", " max="}) {
    for (std::size_t at = text.find(end); at != std::string::npos; at = text.find(end, at)) text[at] = '*';
  }
  return text;
}

}  // namespace

std::string kind_word(std::string_view kind) {
  const std::string word(kind);
  // A line cannot have a quotation mark in a kind, and an escaped kind would match nothing.
  if (word.empty() || word.contains('"') || leash::detail::escape(word, word.size()) != word) return "*";
  return word.find_first_of(" #") != std::string::npos ? '"' + word + '"' : word;
}

namespace {

/// A pattern that the group matches: the target of an untracked descriptor, else the place where the resources were
/// opened. Empty if that is unknown.
std::string pattern_for(const Group& group, const Plumbing& plumbing) {
  if (group.rule == Rule::untracked) {
    std::string target(os::target_of_descriptor(group.instances.front().name));
    // `socket:[4711]`: the number differs from one socket or pipe to the next.
    if (const std::size_t number = target.find(":["); number != std::string::npos) {
      target.replace(number, std::string::npos, ":*");
    }
    return target;
  }
  auto [function, file] = function_and_file_of(group.opened, plumbing);
  if (is_named_by_framework(function)) return "top:" + file;
  function = name_without_parameters(function);
  if (!function.empty()) return "top:" + function;
  return file.empty() ? file : "top:" + file;
}

}  // namespace

std::string suggested_suppression(const Group& group, const Plumbing& plumbing) {
  std::string pattern = without_ends(pattern_for(group, plumbing));
  while (pattern.ends_with(' ')) pattern.pop_back();
  const std::string shown = pattern.empty() ? "*" : leash::detail::escape(pattern, pattern.size());
  return std::string(to_string(group.rule)) + " " + kind_word(group.kind.one) + " " + shown;
}

}  // namespace LEASH_NAMESPACE::track::detail
