#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/symbols.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// The user's own patterns of what a report hides: see `Options::plumbing`.
using Plumbing = std::vector<std::string>;

/// Whether a reader wants to see what is at `site`: neither leash nor the standard library, where the site is that of a
/// forwarding template (`std::make_unique<Client>(ctx)`), nor plumbing.
bool is_users(const Site& site, const Plumbing& plumbing);

/// The frames that a reader has use for: none of leash, of what invokes functions in Asio and the standard library, of
/// a test runner, or of the run-time that starts programs and threads; none of the plumbing, unless there is nothing
/// else: then the innermost one.
std::vector<Frame> user_frames(const Stack& stack, const Plumbing& plumbing);

/// The function, abridged, and the file in which the reader's code caused `event`; empty where they are not known.
struct FunctionAndFile {
  std::string function;
  std::string file;
};
FunctionAndFile place_of(const Event& event, const Plumbing& plumbing);

}  // namespace LEASH_NAMESPACE::track::detail
