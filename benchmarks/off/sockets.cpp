// A program for callgrind: what writing to and reading from a TrackedSocket takes, where tracking is compiled out, and
// the same with a socket of Asio. `bench_off_sockets TIMES`; one function for each operation and type.
#include <array>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdlib>
#include <leash/context.hpp>
#include <leash/net/tracked_socket.hpp>

static_assert(!leash::tracking_enabled);
static_assert(sizeof(leash::net::TrackedSocket) == sizeof(asio::ip::tcp::socket));

using asio::ip::tcp;
using leash::net::TrackedSocket;

using Bytes = std::array<std::byte, 16>;

namespace {

template <class Socket>
bool write(Socket& socket, Bytes& bytes) {
  asio::error_code code;
  return socket.write_some(asio::buffer(bytes), code) == bytes.size();
}

template <class Socket>
bool read(Socket& socket, Bytes& bytes) {
  asio::error_code code;
  return socket.read_some(asio::buffer(bytes), code) == bytes.size();
}

}  // namespace

extern "C" {

[[gnu::noinline]] bool bench_write_direct(tcp::socket& socket, Bytes& bytes) { return write(socket, bytes); }
[[gnu::noinline]] bool bench_write_tracked(TrackedSocket& socket, Bytes& bytes) { return write(socket, bytes); }
[[gnu::noinline]] bool bench_read_direct(tcp::socket& socket, Bytes& bytes) { return read(socket, bytes); }
[[gnu::noinline]] bool bench_read_tracked(TrackedSocket& socket, Bytes& bytes) { return read(socket, bytes); }
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket direct(io);
  direct.connect(acceptor.local_endpoint());
  TrackedSocket tracked(leash::Context(), acceptor.accept());
  Bytes bytes{};
  for (long left = std::strtol(arguments[1], nullptr, 10); left > 0; --left) {
    if (!bench_write_direct(direct, bytes) || !bench_read_tracked(tracked, bytes)) return 1;
    if (!bench_write_tracked(tracked, bytes) || !bench_read_direct(direct, bytes)) return 1;
  }
}
