#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/report.hpp>
#include <leash/track/store/places.hpp>
#include <vector>

namespace LEASH_NAMESPACE::interpose {

/// Where a descriptor was opened, and closed.
struct Life {
  track::detail::Place opened;
  track::detail::Place closed;
};

/// Closes that have failed with EBADF, of numbers that were closed before: a second close, or one of a number that
/// another owner has closed. Thread-safe; nothing throws but `groups`.
///
/// Programs close all numbers there may be in a loop, and most of these closes fail: so those do not count that belong
/// to three or more in a row that one place makes, of numbers that only rise, or only fall.
class FailedCloses {
 public:
  /// The calling thread closes `number`, at `caller`, which is null if that is not known: of each close, before it.
  static void begin(int number, const void* caller) noexcept;

  /// That close has failed, at `again`. `last` is the life of the descriptor that had the number last, and `before`
  /// that of the one before it.
  static void add(int number, const track::Kind& kind, const Life& last, const Life& before,
                  track::detail::Place again) noexcept;

  /// What they are for a report: findings `double-close` and `closed-by-other`. Throws `std::bad_alloc`.
  static std::vector<track::Group> groups();

  /// Forgets them all: this is a child, and they were its parent's.
  static void forget() noexcept;

  /// How many there was no room for.
  static std::uint64_t left_out() noexcept;
};

}  // namespace LEASH_NAMESPACE::interpose
