#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`. Takes connections of leash out as sockets of
/// Asio, and those in.

#include <unistd.h>

#include <asio/basic_stream_socket.hpp>
#include <asio/ip/tcp.hpp>
#include <leash/call.hpp>
#include <leash/net/adopt.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/result.hpp>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net {

inline asio::ip::tcp::endpoint to_asio(const Endpoint& endpoint) {
  const IpAddress& address = endpoint.address;
  if (address.is_v4()) return {asio::ip::address_v4(address.v4()), endpoint.port};
  return {asio::ip::address_v6(address.v6(), address.zone()), endpoint.port};
}

inline Endpoint from_asio(const asio::ip::tcp::endpoint& endpoint) {
  const asio::ip::address address = endpoint.address();
  if (address.is_v4()) return {IpAddress(address.to_v4().to_bytes()), endpoint.port()};
  const asio::ip::address_v6 v6 = address.to_v6();
  return {IpAddress(v6.to_bytes(), static_cast<std::uint32_t>(v6.scope_id())), endpoint.port()};
}

namespace detail {

/// A descriptor that is closed unless it is taken out.
struct HeldDescriptor {
  explicit HeldDescriptor(int number_) noexcept : number(number_) {}
  HeldDescriptor(const HeldDescriptor&) = delete;
  HeldDescriptor& operator=(const HeldDescriptor&) = delete;
  ~HeldDescriptor() {
    if (number != -1) ::close(number);
  }

  void taken() noexcept { number = -1; }

  int number;
};

}  // namespace detail

/// Takes the socket out of a TCP connection, which ends with that as by `Conn::release`: a socket of Asio that uses
/// `executor`. Errors: those of `Conn::release`, after which the connection is as before; `invalid_argument` for one
/// that is not of TCP; those of `assign`, after which the socket is closed. Throws what the constructor of Asio's
/// socket throws, such as `asio::system_error` where there is no descriptor for the `io_context`; the connection is
/// then as before. If `assign` throws `std::bad_alloc`, the socket is closed.
template <class Executor>
[[nodiscard]] Result<asio::basic_stream_socket<asio::ip::tcp, Executor>> to_asio(
    Conn& conn, const Executor& executor, std::source_location site = std::source_location::current()) {
  const Address local = conn.local_address();
  const std::string name = to_string(local) + " -> " + to_string(conn.remote_address());
  if (local.network != "tcp") return fail("to_asio", name, std::errc::invalid_argument, "no TCP connection");
  asio::basic_stream_socket<asio::ip::tcp, Executor> socket(executor);
  const Result<int> descriptor = conn.release(site);
  if (!descriptor) return std::unexpected(descriptor.error());
  detail::HeldDescriptor held(*descriptor);
  // The text of a mapped address does not tell the family of the socket.
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(*descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  asio::error_code code;
  socket.assign(address.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), *descriptor, code);
  if (code) return fail("to_asio", name, std::error_code(code.value(), std::generic_category()));
  held.taken();
  return socket;
}

/// Takes a connected socket of Asio in: as `adopt` of its descriptor. Operations that are under way on it end with
/// `asio::error::operation_aborted`. After an error, and if it throws, the socket is closed.
template <class Executor>
[[nodiscard]] Result<std::unique_ptr<Conn>> adopt(Call call,
                                                  asio::basic_stream_socket<asio::ip::tcp, Executor>&& socket) {
  asio::error_code code;
  detail::HeldDescriptor held(std::move(socket).release(code));
  if (code) {
    socket.close(code);
    return fail("adopt", "asio socket", std::error_code(code.value(), std::generic_category()));
  }
  Result<std::unique_ptr<Conn>> conn = adopt(call, held.number);
  if (conn) held.taken();
  return conn;
}

}  // namespace LEASH_NAMESPACE::net
