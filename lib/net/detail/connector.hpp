#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/result.hpp>
#include <optional>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// A connected socket and the one of several addresses that it is connected to.
struct Connected {
  os::Descriptor socket;
  SocketAddress remote;
};

/// Connects to `addresses` (at least one), one after the other, until one answers; from the address `local` if it is
/// given. The operation of the Error is "dial", its subject is `subject`.
[[nodiscard]] Result<Connected> connect_first(Call call, std::string_view subject,
                                              std::span<const SocketAddress> addresses,
                                              const std::optional<SocketAddress>& local);

}  // namespace LEASH_NAMESPACE::net::detail
