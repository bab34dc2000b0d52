// 64 KiB after 64 KiB over loopback TCP, one way, beside Asio: by the clock and by the processor time of the thread.
#include <benchmark/benchmark.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <leash/context.hpp>
#include <leash/net/read_full.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <memory>
#include <net_common.hpp>
#include <paired.hpp>
#include <vector>

namespace {

using asio::ip::tcp;
using bench::must;

constexpr std::size_t piece = std::size_t{64} * 1024;
constexpr int pieces = 256;

/// Reads until the end.
void sink(int socket) {
  bench::set_options(socket);
  std::vector<char> buffer(piece);
  while (::recv(socket, buffer.data(), buffer.size(), 0) > 0) {
  }
}

/// Writes until nobody reads.
void source(int socket) {
  bench::set_options(socket);
  const std::vector<char> buffer(piece);
  while (::send(socket, buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0) {
  }
}

/// A connection of leash's and one of Asio's, each with a server of its own.
struct Ends {
  explicit Ends(void (*serve)(int)) : our_server(serve), their_server(serve) {
    leash::net::TcpDialer dialer({.socket = bench::options});
    conn = must(dialer.dial(leash::Context(), "tcp", our_server.text()));
    socket.open(tcp::v4());
    bench::set_options(socket.native_handle());
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), ntohs(their_server.address().sin_port)));
  }

  // The connections end first: each server serves until its own does.
  bench::Server our_server;
  bench::Server their_server;
  asio::io_context io{1};
  tcp::socket socket{io};
  std::unique_ptr<leash::net::Conn> conn;
};

double by_clock(void (*run)(Ends&, std::vector<std::byte>&), Ends& ends, std::vector<std::byte>& buffer) {
  return bench::seconds([&] { run(ends, buffer); });
}

double by_processor(void (*run)(Ends&, std::vector<std::byte>&), Ends& ends, std::vector<std::byte>& buffer) {
  return bench::processor_seconds([&] { run(ends, buffer); });
}

void our_writes(Ends& ends, std::vector<std::byte>& buffer) {
  for (int i = 0; i < pieces; ++i) must(ends.conn->write(buffer));
}

void their_writes(Ends& ends, std::vector<std::byte>& buffer) {
  for (int i = 0; i < pieces; ++i) asio::write(ends.socket, asio::buffer(buffer));
}

void our_reads(Ends& ends, std::vector<std::byte>& buffer) {
  for (int i = 0; i < pieces; ++i) must(leash::net::read_full(*ends.conn, buffer) == piece);
}

void their_reads(Ends& ends, std::vector<std::byte>& buffer) {
  for (int i = 0; i < pieces; ++i) asio::read(ends.socket, asio::buffer(buffer));
}

template <auto measure>
void net_write_64k(benchmark::State& state) {
  Ends ends(sink);
  std::vector<std::byte> buffer(piece);
  bench::pairs(
      state, pieces, [&] { return measure(our_writes, ends, buffer); },
      [&] { return measure(their_writes, ends, buffer); });
}
BENCHMARK(net_write_64k<by_clock>)->Name("net_write_64k_by_clock")->UseManualTime();
BENCHMARK(net_write_64k<by_processor>)->Name("net_write_64k_by_processor")->UseManualTime();

template <auto measure>
void net_read_64k(benchmark::State& state) {
  Ends ends(source);
  std::vector<std::byte> buffer(piece);
  bench::pairs(
      state, pieces, [&] { return measure(our_reads, ends, buffer); },
      [&] { return measure(their_reads, ends, buffer); });
}
BENCHMARK(net_read_64k<by_clock>)->Name("net_read_64k_by_clock")->UseManualTime();
BENCHMARK(net_read_64k<by_processor>)->Name("net_read_64k_by_processor")->UseManualTime();

}  // namespace
