#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <optional>

namespace LEASH_NAMESPACE::track {

/// What `Tracker::on_threshold` waits for: any of these limits that is set.
struct Threshold {
  /// So many resources are open. At least 1.
  std::optional<std::uint64_t> open = std::nullopt;

  /// The process has this share of the descriptors open that it may have (the soft limit RLIMIT_NOFILE), whoever opened
  /// them. Above 0, and at most 1. Never reached where there is no /proc.
  std::optional<double> descriptors = std::nullopt;

  /// A resource has been open for so long, and was not open at `set_baseline`. Above 0. The records of all open
  /// resources are read when the oldest may have come to it, and while one has, about ten times in such a time.
  std::optional<Clock::duration> age = std::nullopt;

  /// A limit that was reached is told again only after its value was below this share of it. From 0, which is never, to
  /// 1.
  double rearm = 0.8;
};

/// A limit was reached. A plain value.
struct ThresholdReached {
  enum class Limit : unsigned char { open, descriptors, age };

  Limit limit = Limit::open;
  std::uint64_t open = 0;         ///< `Limit::open`: how many resources are open.
  std::uint64_t descriptors = 0;  ///< `Limit::descriptors`: how many descriptors the process has open.
  Clock::duration age{};          ///< `Limit::age`: how long the oldest resource has been open.
};

}  // namespace LEASH_NAMESPACE::track
