#pragma once

#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/track/level.hpp>
#include <leash/track/rule.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/suppressions.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track {

struct Report;

/// Which resources must be closed by a call of `close`, so that to leave it to the destructor is a finding (`dropped`).
enum class RequireClose : unsigned char {
  by_resource,  ///< Those that say so by their `OnDrop`.
  all,          ///< All, as in languages without destructors.
};

/// How a `Tracker` works. The defaults are meant for tests and for production alike.
struct Options {
  /// How much to keep of each resource; `default_level()` if not set.
  std::optional<Level> level = std::nullopt;

  /// How many return addresses to keep of the stack that opens a resource, at most `max_depth`; `default_depth()` if
  /// not set. With 0 only the site is kept.
  std::optional<std::size_t> depth = std::nullopt;

  /// How stacks are captured.
  Unwinder unwinder = Unwinder::tables;

  /// Whether to keep the stack of each close too. A report on a second close or a use after close then shows both
  /// stacks.
  bool close_stack = false;

  /// Which resources must be closed by a call of `close`.
  RequireClose require_close = RequireClose::by_resource;

  /// How much the findings of each rule weigh.
  Rules rules = {};

  /// Findings that are known and left out of reports.
  Suppressions suppressions = {};

  /// The user's own code that reports do not show, such as wrappers that every open goes through. A frame is left out
  /// if its function or its file matches one of these patterns (written as in `Suppressions`: `mylib::env::*`,
  /// `lib/env/*`); the headline of a finding then names the first frame above it. If all frames of a stack match, the
  /// innermost one stays.
  std::vector<std::string> plumbing = {};

  /// How many groups the text of a report shows, the largest first; `default_max_groups()` if not set.
  std::optional<std::size_t> max_groups = std::nullopt;

  /// Called with each finding that comes after the verdict, as a Report of its own, in the thread that caused it: a
  /// resource that was reported as leaked is closed, one is closed twice or used after its close, or one was to be
  /// opened. Several threads may call it at once. What it throws is ignored. If it is empty, the first such finding of
  /// the tracker is printed to standard error, and no other.
  Function<void(const Report&)> on_late = nullptr;

  /// The clock for ages in reports, and for the time that `Tracker::close` waits. Null: the clock of the Context that
  /// `with_tracker` is given, or the machine's.
  std::shared_ptr<Clock> clock = nullptr;
};

}  // namespace LEASH_NAMESPACE::track
