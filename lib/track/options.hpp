#pragma once

#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <memory>

namespace LEASH_NAMESPACE::track {

/// Which resources must be closed explicitly, and not by their destructor.
enum class RequireClose : unsigned char {
  by_resource,  ///< Those that lose something otherwise: see `OnDrop`.
  all,          ///< All. Every drop is a finding, as in languages without destructors.
};

/// How a `Tracker` works. The default is meant for tests and for production alike.
struct Options {
  /// How many return addresses to keep of the stack that opens a resource, those of leash itself included. At most 256;
  /// with 0 only the site is known.
  std::size_t depth = 16;

  RequireClose require_close = RequireClose::by_resource;

  /// What ages go by. Null means the clock of the Context (`with_tracker`), or the machine's.
  std::shared_ptr<Clock> clock = nullptr;
};

}  // namespace LEASH_NAMESPACE::track
