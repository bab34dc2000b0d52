#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/function_ref.hpp>
#include <optional>
#include <string>

namespace LEASH_NAMESPACE::fault::detail {

/// How a child has ended that did not come back.
struct Death {
  std::string how;    ///< `killed by SIGABRT`, with the line of its output that tells most.
  bool hung = false;  ///< It was killed, since it did not end.
};

/// Calls `run` in a forked child, of which nothing is seen that it prints. Returns nothing if `run` has returned there
/// within `limit`, else how the child has ended. Throws `std::system_error` if there can be no child.
std::optional<Death> die_in_child(FunctionRef<void()> run, Clock::duration limit);

}  // namespace LEASH_NAMESPACE::fault::detail
