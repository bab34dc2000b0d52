#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <leash/track/symbol/function_names.hpp>
#include <leash/track/symbols.hpp>
#include <memory>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

/// In bytes: a longer name loses its parameters, one that is still longer than `longest_name` its template arguments,
/// and then its middle.
constexpr std::size_t longest_with_parameters = 64;
constexpr std::size_t longest_name = 160;

/// In bytes: only the beginning of a longer name is parsed, since the time for that may grow faster than the length.
constexpr std::size_t longest_parsed = std::size_t{8} << 10U;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string replaced;
  std::size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    replaced.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  text = std::move(replaced.append(text, done));
}

/// The position of the bracket that closes the one at `open`, or npos. The `>` of `->` is not taken for a bracket, but
/// the `<` of an `operator<` in between is.
std::size_t closing_bracket(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '-' && at + 1 < text.size() && text[at + 1] == '>') {
      ++at;
    } else if (c == '(' || c == '<' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == '>' || c == ']' || c == '}') {
      if (--depth == 0) return at;
    }
  }
  return std::string_view::npos;
}

/// The length of the text that begins at `at` if it is `(anonymous namespace)`, `operator()` or `decltype (…)`: their
/// brackets hold no parameters. Else 0.
std::size_t bracketed_name_length(std::string_view name, std::size_t at) {
  for (const std::string_view word : {std::string_view("(anonymous namespace)"), std::string_view("operator()")}) {
    if (name.substr(at).starts_with(word)) return word.size();
  }
  // The type that a function template returns: `decltype ({parm#1}())`.
  if (name.substr(at).starts_with("decltype")) {
    const std::size_t end = closing_bracket(name, std::min(name.find('(', at), name.size()));
    if (end != std::string_view::npos) return end + 1 - at;
  }
  return 0;
}

/// The position behind the qualifiers of a member function that begin at `at`, such as ` const` or `&`; else `at`.
std::size_t after_qualifiers(std::string_view name, std::size_t at) {
  static constexpr std::array<std::string_view, 6> qualifiers = {" const", " volatile", " &&", " &", "&&", "&"};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view qualifier : qualifiers) {
      if (!name.substr(at).starts_with(qualifier)) continue;
      at += qualifier.size();
      again = true;
    }
  }
  return at;
}

/// The position of the `::` if parameters that end before `at` belong to a function that another one stands in, as
/// `(int)` does in `f(int) const::{lambda()#1}`; else npos.
std::size_t scope_separator(std::string_view name, std::size_t at) {
  at = after_qualifiers(name, at);
  return name.substr(at).starts_with("::") ? at : std::string_view::npos;
}

/// Where the qualified name of the function lies in a signature: behind the return type, and before the parameters.
struct NameRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

NameRange name_range(std::string_view text) {
  // The end of the signature of a mutable lambda.
  static constexpr std::string_view mutable_suffix = " mutable";
  if (text.ends_with(mutable_suffix)) text.remove_suffix(mutable_suffix.size());
  NameRange range;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = bracketed_name_length(text, at);
    if (length != 0) {
      at += length;
    } else if (text.substr(at).starts_with("operator") && (at == 0 || text[at - 1] == ':' || text[at - 1] == ' ')) {
      // The type of a conversion operator may contain spaces, and `operator<` looks like an open bracket.
      const std::size_t parameters = text.find('(', at);
      at = std::min(parameters, text.size());
      break;
    } else if (text[at] == '(' && at == range.begin && at + 1 < text.size() &&
               (text[at + 1] == '*' || text[at + 1] == '&')) {
      // It returns a pointer or reference to a function or an array: `int (*app::handler(bool))(int)`.
      range.begin = at += 2;
    } else if (text[at] == '(') {
      const std::size_t end = closing_bracket(text, at);
      const std::size_t separator = end == std::string_view::npos ? end : scope_separator(text, end + 1);
      if (separator == std::string_view::npos) break;
      at = separator;
    } else if (text[at] == '<' || text[at] == '{' || text[at] == '[') {
      const std::size_t end = closing_bracket(text, at);
      if (end == std::string_view::npos) break;
      at = end + 1;
    } else {
      if (text[at] == ' ') range.begin = at + 1;
      ++at;
    }
  }
  range.end = at;
  // Clang writes `std::ostream &app::print(…)`: the name begins behind the `&`.
  while (range.begin < range.end && (text[range.begin] == '&' || text[range.begin] == '*')) ++range.begin;
  return range;
}

std::string_view qualified_name(std::string_view function) {
  const NameRange range = name_range(function);
  return function.substr(range.begin, range.end - range.begin);
}

/// `text`, a signature, without the template arguments that compilers append: ` [with T = int]` by GCC, ` [T = int]` by
/// Clang.
std::string_view without_instantiation(std::string_view text) {
  const std::size_t open = text.find(" [");
  if (open == std::string_view::npos || !text.ends_with(']')) return text;
  return text.substr(open).contains(" = ") ? text.substr(0, open) : text;
}

/// `text`, a demangled name, without the suffixes for copies and parts of functions: ` [clone .cold]`, or by LLVM's
/// demangler ` (.cold)`.
std::string_view without_clone_suffixes(std::string_view text) {
  for (std::size_t at = 0; at != std::string_view::npos;) {
    at = std::string_view::npos;
    if (text.ends_with(']')) at = text.rfind(" [clone .");
    if (text.ends_with(')')) at = text.rfind(" (.");
    // ` (...)` is no suffix, but the parameters of a function.
    if (at != std::string_view::npos && text[text.find('.', at) + 1] == '.') at = std::string_view::npos;
    text = text.substr(0, at);
  }
  return text;
}

/// The name of the coroutine, if `text` is the name of the function that GCC makes of its body, such as
/// `f(f(int)::_Z1fi.Frame*)`; else `text`.
std::string with_coroutine_name(std::string_view text) {
  static constexpr std::string_view frame_parameter = ".Frame*)";
  const std::size_t end = text.find(frame_parameter);
  const std::size_t begin = end == std::string_view::npos ? end : text.rfind("::_Z", end);
  if (begin == std::string_view::npos) return std::string(text);
  const std::string coroutine(text.substr(begin + 2, end - begin - 2));
  const std::string name = detail::demangle(coroutine.c_str());
  return name == coroutine ? std::string(text) : name + std::string(text.substr(end + frame_parameter.size()));
}

/// The length of the name for the type of a lambda that begins at `at`, as GCC or Clang write it in symbols and in
/// `source_location`s; 0 if there is none.
std::size_t lambda_length(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("{lambda(") || rest.starts_with("<lambda(") || rest.starts_with("{lambda}")) {
    const std::size_t end = closing_bracket(text, at);
    return end == std::string_view::npos ? 0 : end + 1 - at;
  }
  static constexpr std::string_view nameless = "(anonymous class)";
  if (rest.starts_with(nameless)) return nameless.size();
  if (!rest.starts_with("$_") || (at != 0 && text[at - 1] != ':')) return 0;
  return std::min(rest.find_first_not_of("0123456789", 2), rest.size());
}

/// Names the function of each lambda by the type alone: `f()::{lambda()#1}` for `f()::{lambda()#1}::operator()()
/// const`. Writes `{lambda}` for Clang's `$_0` and `(anonymous class)`.
std::string with_plain_lambdas(std::string_view text) {
  static constexpr std::string_view call = "::operator()";
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = lambda_length(text, at);
    if (length == 0) {
      plain += text[at++];
      continue;
    }
    const bool is_named = text[at] == '{' || text[at] == '<';
    plain += is_named ? text.substr(at, length) : std::string_view("{lambda}");
    at += length;
    if (!text.substr(at).starts_with(call)) continue;
    at += call.size();
    for (const char bracket : {'<', '('}) {
      if (at == text.size() || text[at] != bracket) continue;
      const std::size_t end = closing_bracket(text, at);
      at = end == std::string_view::npos ? text.size() : end + 1;
    }
    at = after_qualifiers(text, at);
  }
  return plain;
}

/// Replaces what is in the brackets that begin with `open`, if it is more than two bytes, by `…`, also in the functions
/// that this one stands in, and in the names of lambdas: with `(` the parameters, with `<` the template arguments.
std::string without_lists(std::string_view text, char open) {
  std::string shorter;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = std::max<std::size_t>(bracketed_name_length(text, at), 1);
    const bool is_lambda = text.substr(at).starts_with("{lambda(");
    const bool opens = length == 1 && !is_lambda && std::string_view("(<{[").contains(text[at]);
    const std::size_t end = opens ? closing_bracket(text, at) : std::string_view::npos;
    const bool brackets = end != std::string_view::npos;
    if (brackets && text[at] == open && end > at + 3) {
      shorter.append(1, open).append("…").append(1, text[end]);
      at = end + 1;
      continue;
    }
    if (brackets) length = end + 1 - at;
    shorter += text.substr(at, length);
    at += length;
  }
  return shorter;
}

using MallocedText = std::unique_ptr<char, void (*)(void*)>;

/// What the C++ runtime makes of `symbol`; null if it does not understand it.
MallocedText demangle_by_runtime(const char* symbol) {
  int status = 0;
  return {abi::__cxa_demangle(symbol, nullptr, nullptr, &status), std::free};
}

/// `symbol`, a mangled name, without the template parameters that a lambda declares, as in `[]<class T, class... U>`:
/// Clang writes them (`UlTyTpTy`), and the demangler of GCC 12 does not know them.
std::string without_lambda_template_parameters(std::string_view symbol) {
  std::string plain;
  for (std::size_t at = symbol.find("Ul"); at != std::string_view::npos; at = symbol.find("Ul")) {
    plain += symbol.substr(0, at + 2);
    symbol.remove_prefix(at + 2);
    while (symbol.starts_with("Ty") || symbol.starts_with("TpTy")) symbol.remove_prefix(symbol.find('y') + 1);
  }
  return plain.append(symbol);
}

/// What the C++ runtime makes of `symbol`, also if lambdas in it declare template parameters; null if it does not
/// understand it.
MallocedText demangle_with_lambdas(const std::string& symbol) {
  if (MallocedText name = demangle_by_runtime(symbol.c_str())) return name;
  return demangle_by_runtime(without_lambda_template_parameters(symbol).c_str());
}

/// The name of a function with `::{lambda}` behind it, if `symbol` is the mangled name of a lambda's call operator in
/// that function; else empty. It needs no name for the parameters of the lambda: the demangler of GCC 12 knows none for
/// `auto...`.
std::string lambda_in_function(std::string_view symbol) {
  static constexpr std::string_view start = "_ZZ";
  if (!symbol.starts_with(start)) return {};
  int lambdas_left = 8;  // each takes time in proportion to the length of the symbol
  for (std::size_t at = symbol.rfind("Ul"); at != std::string_view::npos && lambdas_left > 0;
       at = symbol.rfind("Ul", at - 1), --lambdas_left) {
    const std::string_view before = symbol.substr(start.size(), at - start.size());
    for (const std::string_view between : {"EN", "ENK"}) {
      if (!before.ends_with(between)) continue;
      const std::string_view function = before.substr(0, before.size() - between.size());
      if (const auto name = demangle_with_lambdas("_Z" + std::string(function))) {
        return std::string(name.get()) + "::{lambda}";
      }
    }
  }
  return {};
}

/// The qualified name that `symbol`, a mangled name, begins with, up to the first part that is no plain name; `<…>` for
/// template arguments. Empty if there is none.
std::string first_names_in(std::string_view symbol) {
  symbol.remove_prefix(2);
  // An entity in a function begins with `Z`, a nested name with `N`, which the qualifiers of a member follow.
  symbol.remove_prefix(std::min(symbol.find_first_not_of("ZNrVKRO"), symbol.size()));
  std::string names;
  const auto add = [&](std::string_view name) {
    if (!names.empty()) names += "::";
    names += name;
  };
  if (symbol.starts_with("St")) {
    add("std");
    symbol.remove_prefix(2);
  }
  while (!symbol.empty()) {
    if (symbol.starts_with('L')) symbol.remove_prefix(1);  // it has internal linkage
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(symbol.data(), symbol.data() + symbol.size(), length);
    if (error != std::errc()) break;
    symbol.remove_prefix(static_cast<std::size_t>(end - symbol.data()));
    if (length > symbol.size()) break;
    const std::string_view name = symbol.substr(0, length);
    add(name.starts_with("_GLOBAL__N_") ? "(anonymous namespace)" : name);
    symbol.remove_prefix(length);
  }
  if (!names.empty() && symbol.starts_with('I')) names += "<…>";
  return names;
}

/// The position of the first `)` that closes no bracket in `text`, or its size: behind the parameters of a function
/// that returns a pointer to a function there is one.
std::size_t unmatched_bracket(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = bracketed_name_length(text, at);
    if (length != 0) {
      at += length;
    } else if (text[at] == '(') {
      const std::size_t end = closing_bracket(text, at);
      if (end == std::string_view::npos) break;
      at = end + 1;
    } else if (text[at] == ')') {
      return at;
    } else {
      ++at;
    }
  }
  return text.size();
}

/// The beginning of `text`, `…` and its end, which tells more and gets two thirds: about `size` bytes in all, cut
/// between code points.
std::string without_middle(std::string_view text, std::size_t size) {
  const auto is_inside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; };
  std::size_t begin = size / 3;
  while (begin > 0 && is_inside(begin)) --begin;
  std::size_t end = text.size() - (size - size / 3);
  while (end < text.size() && is_inside(end)) ++end;
  return std::string(text.substr(0, begin)).append("…").append(text.substr(end));
}

/// The part of a name that lies before what `without_middle` has left out, or all of it.
std::string_view before_cut(std::string_view name) {
  static constexpr std::string_view cut = "…";
  for (std::size_t at = name.find(cut); at != std::string_view::npos; at = name.find(cut, at + 1)) {
    const bool replaces_list = at > 0 && (name[at - 1] == '(' || name[at - 1] == '<');
    if (!replaces_list) return name.substr(0, at);
  }
  return name;
}

}  // namespace

namespace detail {

std::string demangle(const char* symbol) {
  if (symbol == nullptr) return {};
  if (!std::string_view(symbol).starts_with("_Z")) return symbol;
  if (const auto name = demangle_with_lambdas(symbol)) return name.get();
  if (std::string lambda = lambda_in_function(symbol); !lambda.empty()) return lambda;
  const std::string names = first_names_in(symbol);
  return names.empty() ? symbol : names;
}

std::string_view name_without_parameters(std::string_view function) noexcept {
  return function.substr(0, name_range(function).end);
}

bool is_named_by_framework(std::string_view function) noexcept {
  return function.contains("DOCTEST_ANON_") || function.contains("C_A_T_C_H") || function.contains("CATCH2_INTERNAL_");
}

std::string tidy_path(std::string_view path) { return std::filesystem::path(path).lexically_normal().string(); }

}  // namespace detail

bool is_user_function(std::string_view function) {
  // The run-time functions below are C functions, whose symbols have no parameters.
  static constexpr std::array c_functions = {"_start",
                                             "__libc_start_main",
                                             "__libc_start_main_impl",
                                             "__libc_start_call_main",
                                             "start_thread",
                                             "clone",
                                             "clone3",
                                             "__clone",
                                             "__clone3",
                                             "__GI___clone3",
                                             "execute_native_thread_routine",
                                             "asan_thread_start",
                                             "__sigaction_sigtramp"};
  static constexpr std::array c_prefixes = {"__interceptor_", "___interceptor_", "__tsan", "__asan", "__sanitizer"};
  // The only one of them in C++, of LLVM's sanitizer.
  if (function == "asan_thread_start(void*)") return false;
  if (!function.contains('(')) {
    if (std::ranges::any_of(c_functions, [&](std::string_view known) { return function == known; })) return false;
    if (std::ranges::any_of(c_prefixes, [&](std::string_view known) { return function.starts_with(known); }))
      return false;
  }
  static constexpr std::array namespaces = {"leash::",
                                            "std::",
                                            "__gnu_cxx::",
                                            "__cxxabiv1::",
                                            "doctest::",
                                            "testing::internal::",
                                            "testing::Test::",
                                            "testing::TestInfo::",
                                            "testing::TestSuite::",
                                            "testing::UnitTest::",
                                            "Catch::",
                                            "asio::",
                                            "boost::asio::"};
  const std::string_view name = qualified_name(before_cut(function.substr(0, longest_parsed)));
  if (name == "RUN_ALL_TESTS") return false;
  return std::ranges::none_of(namespaces, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string abridge(std::string_view function) {
  std::string text =
      with_coroutine_name(without_clone_suffixes(without_instantiation(function.substr(0, longest_parsed))));
  text = with_plain_lambdas(text);
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> replacements = {{
      {"leash::" LEASH_ABI_STRING "::", "leash::"},
      {"std::__cxx11::", "std::"},
      {"std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"},
      {"std::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string"},
      {"std::basic_string_view<char, std::char_traits<char> >", "std::string_view"},
      {"std::basic_string_view<char, std::char_traits<char>>", "std::string_view"},
      {"std::chrono::_V2::", "std::chrono::"},
      {"(anonymous namespace)::", ""},
      {"{anonymous}::", ""},
      {"<unnamed>::", ""},
      {"[abi:cxx11]", ""},
  }};
  for (const auto& [from, to] : replacements) replace_all(text, from, to);
  text.erase(0, name_range(text).begin);
  text.resize(unmatched_bracket(text));
  if (text.size() > longest_with_parameters) text = without_lists(text, '(');
  if (text.size() > longest_name) text = without_lists(text, '<');
  if (text.size() > longest_name) text = without_middle(text, longest_name);
  return text;
}

}  // namespace LEASH_NAMESPACE::track
