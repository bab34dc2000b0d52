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

/// Connects to the first of `addresses` (at least one) that answers, from `local` if given. The Error is that of "dial"
/// on `subject`.
[[nodiscard]] Result<Connected> connect_first(Call call, std::string_view subject,
                                              std::span<const SocketAddress> addresses,
                                              const std::optional<SocketAddress>& local);

}  // namespace LEASH_NAMESPACE::net::detail
