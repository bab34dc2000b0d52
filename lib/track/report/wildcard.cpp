#include <cstddef>
#include <leash/track/report/wildcard.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// `function` without its parameters and what follows them: `f()::local::g` for `f()::local::g(int) const`.
std::string_view without_parameters(std::string_view function) {
  std::size_t at = function.rfind(')');
  if (at == std::string_view::npos) return function;
  for (int open = 1; open > 0 && at > 0;) {
    --at;
    if (function[at] == ')') ++open;
    if (function[at] == '(') --open;
  }
  const std::string_view name = function.substr(0, at);
  return name.ends_with("operator") ? function : name;
}

}  // namespace

bool is_like(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = std::string_view::npos;  // The last `*` in `pattern` before `in_pattern`,
  std::size_t after_star = 0;                 // and where in `text` what follows that is tried to match.
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      after_star = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

bool function_is_like(std::string_view function, std::string_view pattern) {
  return is_like(function, pattern) || is_like(without_parameters(function), pattern) ||
         is_like(function.substr(0, function.find('(')), pattern);
}

bool file_is_like(std::string_view file, std::string_view pattern) {
  for (;;) {
    if (is_like(file, pattern)) return true;
    const std::size_t slash = file.find('/');
    if (slash == std::string_view::npos) return false;
    file.remove_prefix(slash + 1);
  }
}

}  // namespace LEASH_NAMESPACE::track::detail
