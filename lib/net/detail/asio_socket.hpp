#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/system_error.hpp>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// A stream socket of TCP or of the network "unix".
using AsioSocket = asio::generic::stream_protocol::socket;

/// Makes a stream socket of that address family one of `executor`.
inline std::expected<AsioSocket, std::error_code> to_asio(os::Descriptor descriptor, int family,
                                                          const asio::any_io_executor& executor) {
  try {
    // The first of an execution context needs descriptors of its own.
    AsioSocket socket(executor);
    socket.assign(asio::generic::stream_protocol(family, 0), descriptor.get());
    static_cast<void>(descriptor.release());
    return socket;
  } catch (const asio::system_error& thrown) {
    return std::unexpected(error_code_of(thrown.code()));
  }
}

/// Closes a socket of Asio that has a descriptor of leash's.
inline void close(AsioSocket& socket) noexcept {
  if (!socket.is_open()) return;
  const os::Closing closing(socket.native_handle());
  asio::error_code ignored;
  socket.close(ignored);
}

}  // namespace LEASH_NAMESPACE::net::detail
