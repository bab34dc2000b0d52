#pragma once

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <optional>

namespace LEASH_NAMESPACE::net {

/// The options of a TCP connection that was dialled or accepted (tcp(7), socket(7)). They do not apply to the network
/// "unix".
struct SocketOptions {
  /// How long a connection may be idle before it is probed (TCP_KEEPIDLE). Zero: no probes.
  std::chrono::seconds keep_alive{15};

  /// The time between two probes (TCP_KEEPINTVL); zero: that of `keep_alive`.
  std::chrono::seconds keep_alive_interval{};

  /// How many probes without an answer end the connection (TCP_KEEPCNT); zero: the system's choice.
  int keep_alive_count = 0;

  /// Whether small writes are sent at once (TCP_NODELAY).
  bool no_delay = true;

  /// How long what was written may still be delivered after `close` (SO_LINGER), which waits for that; zero discards
  /// it, as `Conn::reset` does. None: the system delivers it in the background.
  std::optional<std::chrono::seconds> linger = std::nullopt;
};

}  // namespace LEASH_NAMESPACE::net
