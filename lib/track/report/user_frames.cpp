#include <algorithm>
#include <leash/track/report/user_frames.hpp>
#include <leash/track/symbol/own_code.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

std::string_view name_of_module(const Frame& frame) {
  return std::string_view(frame.module).substr(frame.module.rfind('/') + 1);
}

bool is_users(const Frame& frame) {
  if (frame.function.empty()) return !is_own_code(frame.address) && !name_of_module(frame).starts_with("libleash_");
  const std::string_view file = frame.file;
  const bool library =
      file.contains("/include/c++/") || file.ends_with("/doctest.h") || file.ends_with("gtest_main.cc");
  return !library && is_user_function(frame.function);
}

/// Whether `frame` lies in a library that starts threads and programs.
bool is_of_system(const Frame& frame) {
  const std::string_view module = name_of_module(frame);
  return module.starts_with("libc.so.") || module.starts_with("libstdc++.so.") || module.starts_with("libpthread.so.");
}

}  // namespace

bool is_users(const Site& site) { return site && is_user_function(site.function_name()); }

std::vector<Frame> user_frames(const Stack& stack) {
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
  return frames;
}

FunctionAndFile place_of(const Event& event) {
  if (!is_users(event.site)) {
    const std::vector<Frame> frames = user_frames(event.stack);
    const auto named = std::ranges::find_if(frames, [](const Frame& frame) { return !frame.function.empty(); });
    if (named != frames.end()) return {named->function, named->file};
  }
  if (!event.site) return {};
  return {abridge(event.site.function_name()), event.site.file_name()};
}

}  // namespace LEASH_NAMESPACE::track::detail
