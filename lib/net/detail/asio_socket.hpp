#pragma once

#include <sys/socket.h>

#include <asio/any_io_executor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/system_error.hpp>
#include <cerrno>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/asio_error.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// A stream socket of TCP or of the network "unix".
using AsioSocket = asio::generic::stream_protocol::socket;

/// Makes a stream socket one of `executor`.
inline std::expected<AsioSocket, std::error_code> to_asio(os::Descriptor descriptor,
                                                          const asio::any_io_executor& executor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return std::unexpected(std::error_code(errno, std::generic_category()));
  try {
    // The first of an execution context needs descriptors of its own.
    AsioSocket socket(executor);
    socket.assign(asio::generic::stream_protocol(address.ss_family, 0), descriptor.get());
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
