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

  /// What a tracker finds after its verdict comes here, one finding a Report, in the thread that caused it: what was
  /// reported is closed after all, or closed twice, or something is to be opened. What it throws is dropped. If empty,
  /// the first such finding of the tracker is printed to standard error.
  Function<void(const Report&)> on_late = nullptr;

  /// What ages go by. Null means the clock of the Context (`with_tracker`), or the machine's.
  std::shared_ptr<Clock> clock = nullptr;
};

}  // namespace LEASH_NAMESPACE::track
