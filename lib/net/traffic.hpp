#pragma once

#include <concepts>
#include <cstdint>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// Which traffic a rule of a MemoryNetwork is for: that of a host, of a listener, or between two of these. Where the
/// comments here say a place, it is written
///
///     "db"          all connections from and to the host
///     "db:5432"     those to the listener at that port
///     "/run/socket" those to the socket of the network "unix"
///
/// Hosts are compared as the network compares them: "localhost" is "127.0.0.1", and "DB" is "db".
class Traffic {
 public:
  /// Of one place: both directions of its connections. Throws `std::logic_error` for a port that is no number.
  template <std::convertible_to<std::string_view> Text>
  // NOLINTNEXTLINE(google-explicit-constructor): a place is written where traffic is meant
  Traffic(const Text& place) : Traffic(std::string_view(place), {}, false) {}

  /// Of all connections.
  static Traffic all();

  /// Between two places, in both directions. Throws as the constructor.
  static Traffic between(std::string_view place, std::string_view other);

  /// What one place sends to another; an empty text is any place. Throws as the constructor.
  static Traffic from_to(std::string_view from, std::string_view to);

  /// A place: any if the host is empty; at any port if that is 0.
  struct Place {
    std::string host;
    std::uint16_t port = 0;
  };

  const Place& from() const noexcept { return from_; }
  const Place& to() const noexcept { return to_; }

  /// Whether it is only what `from` sends to `to`, and not also the other direction.
  bool one_way() const noexcept { return one_way_; }

 private:
  Traffic(std::string_view from, std::string_view to, bool one_way);

  Place from_;
  Place to_;
  bool one_way_;
};

}  // namespace LEASH_NAMESPACE::net
