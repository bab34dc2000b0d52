#include <algorithm>
#include <array>
#include <leash/track/report/user_frames.hpp>
#include <leash/track/report/wildcard.hpp>
#include <leash/track/symbol/own_code.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

std::string_view module_name(const Frame& frame) {
  return std::string_view(frame.module).substr(frame.module.rfind('/') + 1);
}

/// Whether `file` belongs to a library whose functions stand between the user's on a stack. The name of a function
/// alone does not always tell: debug information has only the bare names, without namespaces, of functions that were
/// inlined.
bool is_library_file(std::string_view file) {
  static constexpr std::array parts = {"/include/c++/", "/include/asio/", "/include/boost/asio/", "/include/gtest/",
                                       "/include/leash/"};
  static constexpr std::array ends = {"/doctest.h", "gtest_main.cc", "/catch.hpp", "catch_main.cpp"};
  return std::ranges::any_of(parts, [&](std::string_view part) { return file.contains(part); }) ||
         std::ranges::any_of(ends, [&](std::string_view end) { return file.ends_with(end); });
}

/// Whether `frame` is in the loop of Asio that calls handlers.
bool is_event_loop(const Frame& frame) {
  return frame.file.ends_with("/asio/detail/impl/scheduler.ipp") ||
         frame.function.starts_with("asio::detail::scheduler::") ||
         frame.function.starts_with("boost::asio::detail::scheduler::");
}

/// Whether `frame` may be in the user's code, plumbing or not.
bool is_user_code(const Frame& frame) {
  if (is_library_file(frame.file) || is_own_code(frame.address)) return false;
  if (frame.function.empty()) return !module_name(frame).starts_with("libleash_");
  return is_user_function(frame.function);
}

/// Whether `frame` lies in a library that starts threads or programs.
bool is_in_system_library(const Frame& frame) {
  const std::string_view module = module_name(frame);
  return module.starts_with("libc.so.") || module.starts_with("libstdc++.so.") || module.starts_with("libpthread.so.");
}

/// Whether a function, or its file, matches one of the patterns.
bool is_plumbing(std::string_view function, std::string_view file, const Plumbing& plumbing) {
  return std::ranges::any_of(plumbing, [&](const std::string& pattern) {
    return (!function.empty() && function_is_like(function, pattern)) || (!file.empty() && file_is_like(file, pattern));
  });
}

}  // namespace

bool is_user_code(const Site& site, const Plumbing& plumbing) {
  if (!site || !is_user_function(site.function_name())) return false;
  return plumbing.empty() || !is_plumbing(abridge(site.function_name()), site.file_name(), plumbing);
}

std::vector<Frame> user_frames(const Stack& stack, const Plumbing& plumbing) {
  std::vector<Frame> frames;
  for (const std::uintptr_t address : stack.addresses) {
    const std::vector<Frame> here = resolve(address);
    // Debug information has only the bare name of a local function that was inlined. If the outermost function at the
    // address is leash's, it is taken to be leash's too.
    const bool in_leash = here.back().function.starts_with("leash::");
    for (const Frame& frame : here) {
      const bool bare = !std::string_view(frame.function).substr(0, frame.function.find('<')).contains("::");
      const bool inlined_into_leash = in_leash && bare && !frame.function.empty();
      if (is_user_code(frame) && !inlined_into_leash) frames.push_back(frame);
    }
  }
  // Leave out the outermost frames without names: they call `main` or start threads, in libraries that seldom have
  // names. If no frame has a name, leave out only those that are known to be in such a library.
  const bool named = std::ranges::any_of(frames, [](const Frame& frame) { return !frame.function.empty(); });
  while (frames.size() > 1 && frames.back().function.empty() && (named || is_in_system_library(frames.back()))) {
    frames.pop_back();
  }
  if (!plumbing.empty() && !frames.empty()) {
    const Frame innermost = frames.front();
    std::erase_if(frames, [&](const Frame& frame) { return is_plumbing(frame.function, frame.file, plumbing); });
    if (frames.empty()) frames.push_back(innermost);
  }
  return frames;
}

Stack within_event_loop(const Stack& stack) {
  const auto loop = std::ranges::find_if(
      stack.addresses, [](std::uintptr_t address) { return std::ranges::any_of(resolve(address), is_event_loop); });
  return {.addresses = {stack.addresses.begin(), loop}};
}

std::string asio_operation_in(std::string_view file) {
  static constexpr std::string_view folder = "/asio/impl/";
  static constexpr std::array<std::string_view, 5> operations = {"read", "read_until", "read_at", "write", "write_at"};
  const std::size_t at = file.rfind(folder);
  if (at != std::string_view::npos) {
    std::string_view name = file.substr(at + folder.size());
    name = name.substr(0, name.rfind('.'));
    if (std::ranges::find(operations, name) != operations.end()) return "asio::async_" + std::string(name);
  }
  if (file.contains("/asio/ssl/")) return "asio::ssl::stream";
  return file.contains("/include/asio/") ? "Asio" : "";
}

FunctionAndFile function_and_file_of(const Event& event, const Plumbing& plumbing) {
  if (!is_user_code(event.site, plumbing)) {
    const std::vector<Frame> frames = user_frames(event.stack, plumbing);
    const auto named = std::ranges::find_if(frames, [](const Frame& frame) { return !frame.function.empty(); });
    if (named != frames.end()) return {named->function, named->file};
  }
  if (!event.site) return {};
  return {abridge(event.site.function_name()), event.site.file_name()};
}

}  // namespace LEASH_NAMESPACE::track::detail
