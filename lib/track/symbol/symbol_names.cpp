#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <leash/track/symbol/symbol_names.hpp>
#include <leash/track/symbols.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

constexpr std::size_t longest_with_parameters = 64;
constexpr std::size_t longest_name = 160;

/// Of a longer name only the beginning is looked at: what takes it apart need not be linear.
constexpr std::size_t longest_read = std::size_t{8} << 10U;

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

/// The end of the bracketed text that begins at `open`, or npos. `operator<`, `operator()`, `->` are no brackets.
std::size_t closing(std::string_view text, std::size_t open) {
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

/// The length of what begins at `at` and looks like brackets but is part of a name or a type; 0 if nothing does.
std::size_t skipped(std::string_view name, std::size_t at) {
  for (const std::string_view word : {std::string_view("(anonymous namespace)"), std::string_view("operator()")}) {
    if (name.substr(at).starts_with(word)) return word.size();
  }
  // The type that a function template returns: `decltype ({parm#1}())`.
  if (name.substr(at).starts_with("decltype")) {
    const std::size_t end = closing(name, std::min(name.find('(', at), name.size()));
    if (end != std::string_view::npos) return end + 1 - at;
  }
  return 0;
}

/// Where what may follow the parameters of a member function ends.
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

/// If the brackets that end before `at` are those of a scope, `f(int) const::{lambda()#1}`, where its `::` is; else
/// npos.
std::size_t scope_after(std::string_view name, std::size_t at) {
  at = after_qualifiers(name, at);
  return name.substr(at).starts_with("::") ? at : std::string_view::npos;
}

/// What a signature begins and where it ends: the qualified name of the function, without what it returns, and without
/// its parameters.
struct NameParts {
  std::size_t begin = 0;
  std::size_t end = 0;
};

NameParts name_parts(std::string_view text) {
  // As the compiler ends the name of a lambda that may change what it holds.
  static constexpr std::string_view changing = " mutable";
  if (text.ends_with(changing)) text.remove_suffix(changing.size());
  NameParts parts;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = skipped(text, at);
    if (length != 0) {
      at += length;
    } else if (text.substr(at).starts_with("operator") && (at == 0 || text[at - 1] == ':' || text[at - 1] == ' ')) {
      // A conversion operator's type may hold spaces, and the symbols of the others look like brackets.
      const std::size_t parameters = text.find('(', at);
      at = std::min(parameters, text.size());
      break;
    } else if (text[at] == '(') {
      const std::size_t end = closing(text, at);
      const std::size_t scope = end == std::string_view::npos ? end : scope_after(text, end + 1);
      if (scope == std::string_view::npos) break;
      at = scope;
    } else if (text[at] == '<' || text[at] == '{' || text[at] == '[') {
      const std::size_t end = closing(text, at);
      if (end == std::string_view::npos) break;
      at = end + 1;
    } else {
      if (text[at] == ' ') parts.begin = at + 1;
      ++at;
    }
  }
  parts.end = at;
  // Clang writes `std::ostream &app::print(…)`.
  while (parts.begin < parts.end && (text[parts.begin] == '&' || text[parts.begin] == '*')) ++parts.begin;
  return parts;
}

std::string_view qualified_name(std::string_view function) {
  const NameParts parts = name_parts(function);
  return function.substr(parts.begin, parts.end - parts.begin);
}

/// A signature without what a template was instantiated with, as compilers append it: GCC ` [with T = int]`, Clang ` [T
/// = int]`.
std::string_view without_instantiation(std::string_view text) {
  const std::size_t open = text.find(" [");
  if (open == std::string_view::npos || !text.ends_with(']')) return text;
  return text.substr(open).contains(" = ") ? text.substr(0, open) : text;
}

/// A name without what the compiler appends to that of a copy or a part of a function: ` [clone .cold]`, or by LLVM's
/// demangler ` (.cold)`.
std::string_view without_clones(std::string_view text) {
  for (std::size_t at = 0; at != std::string_view::npos;) {
    at = std::string_view::npos;
    if (text.ends_with(']')) at = text.rfind(" [clone .");
    if (text.ends_with(')')) at = text.rfind(" (.");
    // A function of C may take `(...)`.
    if (at != std::string_view::npos && text[text.find('.', at) + 1] == '.') at = std::string_view::npos;
    text = text.substr(0, at);
  }
  return text;
}

/// The name of the coroutine where `text` is that of the function that GCC makes of it, `f(f(int)::_Z1fi.Frame*)`.
std::string of_coroutine(std::string_view text) {
  static constexpr std::string_view frame = ".Frame*)";
  const std::size_t end = text.find(frame);
  const std::size_t begin = end == std::string_view::npos ? end : text.rfind("::_Z", end);
  if (begin == std::string_view::npos) return std::string(text);
  const std::string coroutine(text.substr(begin + 2, end - begin - 2));
  const std::string name = detail::demangle(coroutine.c_str());
  return name == coroutine ? std::string(text) : name + std::string(text.substr(end + frame.size()));
}

/// The length of what stands at `at` for the type of a lambda, by GCC or Clang in a symbol or in a `source_location`; 0
/// if none does.
std::size_t lambda_at(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("{lambda(") || rest.starts_with("<lambda(") || rest.starts_with("{lambda}")) {
    const std::size_t end = closing(text, at);
    return end == std::string_view::npos ? 0 : end + 1 - at;
  }
  static constexpr std::string_view nameless = "(anonymous class)";
  if (rest.starts_with(nameless)) return nameless.size();
  if (!rest.starts_with("$_") || (at != 0 && text[at - 1] != ':')) return 0;
  return std::min(rest.find_first_not_of("0123456789", 2), rest.size());
}

/// Of a lambda its type says all: `f()::{lambda()#1}` for `f()::{lambda()#1}::operator()() const`. Clang's `$_0` and
/// `(anonymous class)` are `{lambda}`.
std::string with_plain_lambdas(std::string_view text) {
  static constexpr std::string_view call = "::operator()";
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = lambda_at(text, at);
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
      const std::size_t end = closing(text, at);
      at = end == std::string_view::npos ? text.size() : end + 1;
    }
    at = after_qualifiers(text, at);
  }
  return plain;
}

/// Replaces what stands in the brackets of each function, a scope's included, by `…`.
std::string without_parameters(std::string_view text) {
  std::string shorter;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = std::max<std::size_t>(skipped(text, at), 1);
    const bool opens = length == 1 && std::string_view("(<{[").contains(text[at]);
    const std::size_t end = opens ? closing(text, at) : std::string_view::npos;
    const bool brackets = end != std::string_view::npos;
    if (brackets && text[at] == '(' && end > at + 3) {
      shorter += "(…)";
      at = end + 1;
      continue;
    }
    if (brackets) length = end + 1 - at;
    shorter += text.substr(at, length);
    at += length;
  }
  return shorter;
}

}  // namespace

namespace detail {

std::string demangle(const char* symbol) {
  if (symbol == nullptr) return {};
  if (std::string_view(symbol).starts_with("_Z")) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(symbol, nullptr, nullptr, &status),
                                                      std::free);
    if (status == 0 && name) return name.get();
  }
  return symbol;
}

std::string tidy_path(std::string_view path) { return std::filesystem::path(path).lexically_normal().string(); }

}  // namespace detail

bool is_user_function(std::string_view function) {
  // A function of C has no brackets in its symbol: only those can be the run-time's.
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
  const std::string_view name = qualified_name(function.substr(0, longest_read));
  if (name == "RUN_ALL_TESTS") return false;
  return std::ranges::none_of(namespaces, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string abridge(std::string_view function) {
  std::string text = of_coroutine(without_clones(without_instantiation(function.substr(0, longest_read))));
  text = with_plain_lambdas(text);
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> shorter = {{
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
  for (const auto& [from, to] : shorter) replace_all(text, from, to);
  text.erase(0, name_parts(text).begin);
  if (text.size() > longest_with_parameters) text = without_parameters(text);
  if (text.size() > longest_name) {
    std::size_t cut = longest_name;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
    text.replace(cut, std::string::npos, "…");
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::track
