#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track {

namespace detail {
struct TagAccess;
}

/// Where a resource was asked for: the site, and the stack there as far as the tracker captures stacks. Made by
/// `Tracker::request` when an asynchronous operation begins, and used when it has opened the resource. A value of 32
/// bits; valid as long as the process.
class Request {
 public:
  /// Nothing is known.
  constexpr Request() noexcept = default;

 private:
  friend class Tracker;
  friend struct detail::TagAccess;
  explicit constexpr Request(std::uint32_t place) noexcept : place_(place) {}

  std::uint32_t place_ = 0;
};

}  // namespace LEASH_NAMESPACE::track
