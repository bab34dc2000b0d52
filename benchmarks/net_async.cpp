// The asynchronous face beside Asio's own: dials, 64 bytes to and fro, 64 KiB after 64 KiB, and what tracking adds to
// an accept. Everything runs in one thread, but for the peers of dials and of 64 KiB.
#include <benchmark/benchmark.h>

#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <call_chain.hpp>
#include <create_close.hpp>
#include <cstddef>
#include <leash/context.hpp>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <net_common.hpp>
#include <optional>
#include <paired.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

using asio::use_awaitable;
using asio::ip::tcp;
using bench::must;
using leash::Context;
using leash::net::Stream;

/// Runs `coroutine` to its end, and returns how long the processor worked for that.
double run(asio::io_context& io, asio::awaitable<void> coroutine) {
  asio::co_spawn(io, std::move(coroutine), asio::detached);
  return bench::processor_seconds([&] {
    io.run();
    io.restart();
  });
}

double run_by_clock(asio::io_context& io, asio::awaitable<void> coroutine) {
  asio::co_spawn(io, std::move(coroutine), asio::detached);
  return bench::seconds([&] {
    io.run();
    io.restart();
  });
}

constexpr int dials = 50;

asio::awaitable<void> dial_by_leash(leash::net::AsyncDialer& dialer, const std::string& address) {
  for (int i = 0; i < dials; ++i) {
    const Context ctx = Context().with_timeout(bench::timeout);
    must(must(co_await dialer.async_dial(ctx, "tcp", address, use_awaitable)).close());
  }
}

asio::awaitable<void> dial_by_asio(asio::io_context& io, tcp::endpoint endpoint) {
  for (int i = 0; i < dials; ++i) {
    tcp::socket socket(io);
    socket.open(tcp::v4());
    bench::set_options(socket.native_handle());
    asio::steady_timer timer(io, bench::timeout);
    timer.async_wait([&](const asio::error_code& code) {
      if (!code) socket.close();
    });
    co_await socket.async_connect(endpoint, use_awaitable);
    timer.cancel();
    socket.close();
  }
}

void net_async_dial(benchmark::State& state) {
  const bench::Server server([](int) {});
  asio::io_context io(1);
  leash::net::TcpAsyncDialer dialer(io.get_executor(), {.socket = bench::options});
  const std::string address = server.text();
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), ntohs(server.address().sin_port));
  bench::pairs(
      state, dials, [&] { return run(io, dial_by_leash(dialer, address)); },
      [&] { return run(io, dial_by_asio(io, endpoint)); });
}
BENCHMARK(net_async_dial)->UseManualTime();

/// A connection of Streams and one of Asio's sockets, both ends of each in this thread.
struct Pairs {
  Pairs() {
    leash::net::TcpAsyncDialer dialer(io.get_executor(), {.socket = bench::options});
    leash::net::TcpAsyncBinder binder(io.get_executor(), {.socket = bench::options});
    run(io, open(dialer, binder));
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    their_near.open(tcp::v4());
    bench::set_options(their_near.native_handle());
    their_near.connect(acceptor.local_endpoint());
    their_far = acceptor.accept();
    bench::set_options(their_far.native_handle());
  }

  asio::awaitable<void> open(leash::net::AsyncDialer& dialer, leash::net::AsyncBinder& binder) {
    const auto listener = must(co_await binder.async_bind(Context(), "tcp", "127.0.0.1:0", use_awaitable));
    near = must(co_await dialer.async_dial(Context(), "tcp", to_string(listener->address()), use_awaitable));
    far = must(co_await listener->async_accept(Context(), use_awaitable));
  }

  asio::io_context io{1};
  Stream near;
  Stream far;
  tcp::socket their_near{io};
  tcp::socket their_far{io};
};

constexpr int round_trips = 200;

template <class AnyStream>
asio::awaitable<void> echo(AnyStream& stream) {
  std::array<char, 64> buffer{};
  for (int i = 0; i < round_trips; ++i) {
    co_await asio::async_read(stream, asio::buffer(buffer), use_awaitable);
    co_await asio::async_write(stream, asio::buffer(buffer), use_awaitable);
  }
}

template <class AnyStream>
asio::awaitable<void> ask(AnyStream& stream) {
  std::array<char, 64> buffer{};
  for (int i = 0; i < round_trips; ++i) {
    co_await asio::async_write(stream, asio::buffer(buffer), use_awaitable);
    co_await asio::async_read(stream, asio::buffer(buffer), use_awaitable);
  }
}

void net_stream_pingpong(benchmark::State& state) {
  Pairs pairs;
  const auto measure = [&](auto& near, auto& far) {
    asio::co_spawn(pairs.io, echo(far), asio::detached);
    return run(pairs.io, ask(near));
  };
  bench::pairs(
      state, round_trips, [&] { return measure(pairs.near, pairs.far); },
      [&] { return measure(pairs.their_near, pairs.their_far); });
}
BENCHMARK(net_stream_pingpong)->UseManualTime();

constexpr std::size_t piece = std::size_t{64} * 1024;
constexpr int pieces = 256;

template <class AnyStream>
asio::awaitable<void> write_pieces(AnyStream& stream, std::vector<std::byte>& buffer) {
  for (int i = 0; i < pieces; ++i) co_await asio::async_write(stream, asio::buffer(buffer), use_awaitable);
}

template <class AnyStream>
asio::awaitable<void> read_pieces(AnyStream& stream, std::vector<std::byte>& buffer) {
  for (int i = 0; i < pieces; ++i) co_await asio::async_read(stream, asio::buffer(buffer), use_awaitable);
}

/// 64 KiB after 64 KiB from one end to the other, both in this thread.
template <auto measure>
void net_stream_throughput(benchmark::State& state) {
  Pairs pairs;
  std::vector<std::byte> sent(piece);
  std::vector<std::byte> received(piece);
  const auto transfer = [&](auto& near, auto& far) {
    asio::co_spawn(pairs.io, read_pieces(far, received), asio::detached);
    return measure(pairs.io, write_pieces(near, sent));
  };
  bench::pairs(
      state, pieces, [&] { return transfer(pairs.near, pairs.far); },
      [&] { return transfer(pairs.their_near, pairs.their_far); });
}
BENCHMARK(net_stream_throughput<run_by_clock>)->Name("net_stream_64k_by_clock")->UseManualTime();
BENCHMARK(net_stream_throughput<run>)->Name("net_stream_64k_by_processor")->UseManualTime();

/// What tracking adds to an accept and a close, on a stack of more frames than a tag keeps.
void net_tracked_accept(benchmark::State& state) {
  constexpr int times = 64;
  leash::net::MemoryNetwork network;
  asio::io_context io(1);
  leash::net::MemoryAsyncNetwork memory(io.get_executor(), network);
  leash::net::TrackedAsyncBinder tracked(memory);
  const auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  const auto bind = [&](leash::net::AsyncBinder& binder, const char* address) {
    std::unique_ptr<leash::net::AsyncListener> listener;
    binder.async_bind(Context(), "tcp", address, [&](auto bound) { listener = must(std::move(bound)); });
    io.run();
    io.restart();
    return listener;
  };
  const auto ours = bind(tracked, "tracked:80");
  const auto theirs = bind(memory, "plain:80");
  const auto accepts = [&, &ctx = ctx](leash::net::AsyncListener& listener, const char* address) {
    auto run_times = [&] {
      for (int i = 0; i < times; ++i) {
        const auto near = must(network.dial(Context(), "tcp", address));
        listener.async_accept(ctx, [](leash::Result<Stream> accepted) { must(must(std::move(accepted)).close()); });
        io.run();
        io.restart();
        must(near->close());
      }
    };
    return bench::processor_seconds([&] { bench::call_in_chain(bench::chain, 0, run_times); });
  };
  bench::pairs(
      state, times, [&] { return accepts(*ours, "tracked:80"); }, [&] { return accepts(*theirs, "plain:80"); });
}
BENCHMARK(net_tracked_accept)->UseManualTime();

}  // namespace
