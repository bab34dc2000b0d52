#pragma once

#include <leash/config.hpp>
#include <optional>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::track::detail {

class TrackerState;

// A running program writes reports of what is open, all trackers together, if the environment asks for that:
//
// - `LEASH_DUMP_AT=500`: when a tracker has so many resources open, and again each time that it was below 80 % of that;
// - `LEASH_DUMP_SIGNAL=USR2`: whenever that signal comes. A handler that the program had for it is called too;
// - with either of them: when an operation on a tracked file system or network first fails with EMFILE.
//
// They go to standard error as text, or, as `LEASH_DUMP_TO` says, to files (see `ReportWriter`). A thread of its own
// writes them, ten a second at most.

/// The number of a signal that `LEASH_DUMP_SIGNAL` may name: `USR2`, `SIGUSR2`, `12`, or that of a real-time signal.
std::optional<int> dump_signal_of(std::string_view text) noexcept;

/// A tracker begins: its reports are among these. Nothing fails: what there is no memory for is not written.
void begin_dumps(TrackerState& tracker) noexcept;

/// Its last handle is gone.
void end_dumps(TrackerState& tracker) noexcept;

/// More is open than before: a forked child gets a thread of its own to write reports.
void go_on_with_dumps() noexcept;

/// An operation that opens something failed for want of descriptors. Waits until the report is written, a second at
/// most.
void note_out_of_descriptors() noexcept;

/// An operation that opens something failed.
inline void note_failed_opening(const std::error_code& code) noexcept {
  if (code == std::errc::too_many_files_open) [[unlikely]]
    note_out_of_descriptors();
}

}  // namespace LEASH_NAMESPACE::track::detail
