#include <algorithm>
#include <array>
#include <leash/track/report/user_frames.hpp>
#include <leash/track/report/wildcard.hpp>
#include <leash/track/symbol/own_code.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

std::string_view name_of_module(const Frame& frame) {
  return std::string_view(frame.module).substr(frame.module.rfind('/') + 1);
}

/// Whether `file` is one of the libraries whose functions stand between the user's: debug information has only the bare
/// names of those that were inlined.
bool is_of_library(std::string_view file) {
  static constexpr std::array parts = {"/include/c++/", "/include/asio/", "/include/boost/asio/", "/include/gtest/"};
  static constexpr std::array ends = {"/doctest.h", "gtest_main.cc", "/catch.hpp", "catch_main.cpp"};
  return std::ranges::any_of(parts, [&](std::string_view part) { return file.contains(part); }) ||
         std::ranges::any_of(ends, [&](std::string_view end) { return file.ends_with(end); });
}

bool is_users(const Frame& frame) {
  if (frame.function.empty()) return !is_own_code(frame.address) && !name_of_module(frame).starts_with("libleash_");
  return !is_of_library(frame.file) && is_user_function(frame.function);
}

/// Whether `frame` lies in a library that starts threads and programs.
bool is_of_system(const Frame& frame) {
  const std::string_view module = name_of_module(frame);
  return module.starts_with("libc.so.") || module.starts_with("libstdc++.so.") || module.starts_with("libpthread.so.");
}

bool is_plumbing(std::string_view function, std::string_view file, const Plumbing& plumbing) {
  return std::ranges::any_of(plumbing, [&](const std::string& pattern) {
    return (!function.empty() && function_is_like(function, pattern)) || (!file.empty() && file_is_like(file, pattern));
  });
}

}  // namespace

bool is_users(const Site& site, const Plumbing& plumbing) {
  if (!site || !is_user_function(site.function_name())) return false;
  return plumbing.empty() || !is_plumbing(abridge(site.function_name()), site.file_name(), plumbing);
}

std::vector<Frame> user_frames(const Stack& stack, const Plumbing& plumbing) {
  std::vector<Frame> frames;
  for (const std::uintptr_t address : stack.addresses) {
    const std::vector<Frame> here = resolve(address);
    // Debug information has only the bare names of local functions that were inlined: whose they are, the function
    // around them tells.
    const bool in_leash = here.back().function.starts_with("leash::");
    for (const Frame& frame : here) {
      const bool bare = !std::string_view(frame.function).substr(0, frame.function.find('<')).contains("::");
      const bool local_to_leash = in_leash && bare && !frame.function.empty();
      if (is_users(frame) && !local_to_leash) frames.push_back(frame);
    }
  }
  // What calls `main` and starts threads lies in libraries that seldom have names.
  const bool named = std::ranges::any_of(frames, [](const Frame& frame) { return !frame.function.empty(); });
  while (frames.size() > 1 && frames.back().function.empty() && (named || is_of_system(frames.back()))) {
    frames.pop_back();
  }
  if (!plumbing.empty() && !frames.empty()) {
    const Frame innermost = frames.front();
    std::erase_if(frames, [&](const Frame& frame) { return is_plumbing(frame.function, frame.file, plumbing); });
    if (frames.empty()) frames.push_back(innermost);
  }
  return frames;
}

FunctionAndFile place_of(const Event& event, const Plumbing& plumbing) {
  if (!is_users(event.site, plumbing)) {
    const std::vector<Frame> frames = user_frames(event.stack, plumbing);
    const auto named = std::ranges::find_if(frames, [](const Frame& frame) { return !frame.function.empty(); });
    if (named != frames.end()) return {named->function, named->file};
  }
  if (!event.site) return {};
  return {abridge(event.site.function_name()), event.site.file_name()};
}

}  // namespace LEASH_NAMESPACE::track::detail
