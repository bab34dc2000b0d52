#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <leash/track/detail/symbol_names.hpp>
#include <leash/track/symbols.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

constexpr std::size_t longest_with_parameters = 64;
constexpr std::size_t longest_name = 160;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
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

/// Where the brackets open that hold the parameters of the (outermost) function, or npos.
std::size_t parameters_of(std::string_view name) {
  std::size_t at = 0;
  while (at < name.size()) {
    if (const std::size_t length = skipped(name, at); length != 0) {
      at += length;
    } else if (name.substr(at).starts_with("operator")) {
      at += std::string_view("operator").size();
      while (at < name.size() && std::string_view("<>=-!+*/%&|^~,[]").contains(name[at])) ++at;
    } else if (name[at] == '(') {
      const std::size_t end = closing(name, at);
      // `f(int)::{lambda()#1}::operator()() const`: the brackets in the middle belong to the scope.
      const bool scope = end != std::string_view::npos &&
                         (name.substr(end + 1).starts_with("::") || name.substr(end + 1).starts_with(" const::"));
      if (!scope) return at;
      at = end + 1;
    } else if (name[at] == '<' || name[at] == '{' || name[at] == '[') {
      const std::size_t end = closing(name, at);
      if (end == std::string_view::npos) return end;
      at = end + 1;
    } else {
      ++at;
    }
  }
  return std::string_view::npos;
}

/// The qualified name alone: a function template's name begins with what it returns.
std::string_view qualified_name(std::string_view function) {
  const std::size_t parameters = parameters_of(function);
  const std::string_view name = function.substr(0, std::min(parameters, function.size()));
  std::size_t begin = 0;
  for (std::size_t at = 0; at < name.size();) {
    if (const std::size_t length = skipped(name, at); length != 0 && !name.substr(at).starts_with("operator")) {
      at += length;
    } else if (name.substr(at).starts_with("operator")) {
      break;
    } else if (name[at] == '<' || name[at] == '(' || name[at] == '{' || name[at] == '[') {
      const std::size_t end = closing(name, at);
      if (end == std::string_view::npos) break;
      at = end + 1;
    } else {
      if (name[at] == ' ') begin = at + 1;
      ++at;
    }
  }
  return name.substr(begin);
}

/// Replaces what stands in the brackets of each function, a scope's included, by `…`.
std::string without_parameters(std::string_view text) {
  std::string shorter;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = std::max<std::size_t>(skipped(text, at), 1);
    const std::size_t end = length == 1 ? closing(text, at) : std::string_view::npos;
    const bool brackets = std::string_view("(<{[").contains(text[at]) && end != std::string_view::npos;
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
  // GCC names a function in its source_location by its whole signature, with what it returns and its attributes in
  // front.
  const std::string_view name = qualified_name(function);
  static constexpr std::array namespaces = {
      "leash::", "std::", "__gnu_cxx::", "__cxxabiv1::", "doctest::", "testing::", "Catch::", "asio::"};
  static constexpr std::array functions = {"_start",
                                           "__libc_start_main",
                                           "__libc_start_call_main",
                                           "start_thread",
                                           "clone",
                                           "__clone3",
                                           "clone3",
                                           "execute_native_thread_routine",
                                           "asan_thread_start"};
  return std::ranges::none_of(namespaces, [&](std::string_view prefix) { return name.starts_with(prefix); }) &&
         std::ranges::none_of(functions, [&](std::string_view plain) { return name == plain; }) &&
         !name.starts_with("__interceptor_") && !name.starts_with("__tsan") && !name.starts_with("__asan");
}

std::string abridge(std::string_view function) {
  // What a template was instantiated with, as GCC appends it to a signature.
  std::string text(function.substr(0, function.find(" [with ")));
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> shorter = {{
      {"leash::tracking_on::", "leash::"},
      {"leash::tracking_off::", "leash::"},
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
  text.erase(0, static_cast<std::size_t>(qualified_name(text).data() - text.data()));
  if (text.size() > longest_with_parameters) text = without_parameters(text);
  if (text.size() > longest_name) {
    std::size_t cut = longest_name;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
    text.replace(cut, std::string::npos, "…");
  }
  return text;
}

}  // namespace LEASH_NAMESPACE::track
