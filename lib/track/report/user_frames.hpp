#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/symbols.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Patterns for functions and files of the user's own code that reports do not show: see `Options::plumbing`.
using Plumbing = std::vector<std::string>;

/// Whether `site` is in code of the user that a report shows. False for plumbing, and for code of leash or of the
/// standard library: a call through a forwarding template, such as `std::make_unique<Client>(ctx)`, has its site in the
/// latter.
bool is_user_code(const Site& site, const Plumbing& plumbing);

/// The frames of `stack` that a report shows, the innermost first. Leaves out those of leash, of the functions in Asio
/// and the standard library that call the user's, of test runners, and of the run-time that starts programs and
/// threads; also those of the plumbing, but if there are no others, the innermost one of these stays. Looks up names
/// (`resolve`).
std::vector<Frame> user_frames(const Stack& stack, const Plumbing& plumbing);

/// The part of `stack` that lies within the innermost function which an event loop of Asio has called; all of it if
/// there is no such loop. Looks up names.
Stack within_event_loop(const Stack& stack);

/// The operation of Asio that is implemented in `file`: `asio::async_read_until`, or `Asio` for another of its headers.
/// Empty if it is none of these.
std::string asio_operation_in(std::string_view file);

struct FunctionAndFile {
  std::string function;  ///< Abridged; empty if unknown.
  std::string file;      ///< Empty if unknown.
};
/// The function and the file of the user's code that caused `event`: those of its site if that is in the user's code,
/// else of the innermost user frame that has a name, else of the site all the same.
FunctionAndFile function_and_file_of(const Event& event, const Plumbing& plumbing);

}  // namespace LEASH_NAMESPACE::track::detail
