#pragma once

#include <cstddef>
#include <functional>
#include <leash/clock.hpp>
#include <leash/config.hpp>
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

/// Which resources must be closed explicitly, and not by their destructor.
enum class RequireClose : unsigned char {
  by_resource,  ///< Those that lose something otherwise: see `OnDrop`.
  all,          ///< All. Every drop is a finding, as in languages without destructors.
};

/// How a `Tracker` works. The default is meant for tests and for production alike.
struct Options {
  /// How much to keep of each resource; `default_level()` if not set.
  std::optional<Level> level = std::nullopt;

  /// How many return addresses to keep of the stack that opens a resource; `default_depth()` if not set. At most
  /// `max_depth`; with 0 only the site is known.
  std::optional<std::size_t> depth = std::nullopt;

  /// How stacks are captured.
  Unwinder unwinder = Unwinder::tables;

  /// Whether to keep the stack also of each close: what was closed twice, or used after, then shows both stacks.
  bool close_stack = false;

  RequireClose require_close = RequireClose::by_resource;

  /// How much the findings of each rule weigh.
  Rules rules = {};

  /// Findings that are known, and no failure.
  Suppressions suppressions = {};

  /// The user's own code that reports shall not show: wrappers that every open goes through. A frame is left out if its
  /// function or its file is like one of these patterns (as in `Suppressions`: `mylib::env::*`, `lib/env/*`), and the
  /// headline of a finding is then the first frame above. Where all frames are plumbing, the innermost one stays.
  std::vector<std::string> plumbing = {};

  /// How many groups the text of a report tells, the largest first; `default_max_groups()` if not set.
  std::optional<std::size_t> max_groups = std::nullopt;

  /// What a tracker finds after its verdict comes here, one finding a Report, in the thread that caused it: what was
  /// reported is closed after all, or closed twice, or something is to be opened. What it throws is dropped. If empty,
  /// the first such finding of the tracker is printed to standard error.
  std::function<void(const Report&)> on_late = nullptr;

  /// What ages go by. Null means the clock of the Context (`with_tracker`), or the machine's.
  std::shared_ptr<Clock> clock = nullptr;
};

}  // namespace LEASH_NAMESPACE::track
