// Streams and tracked sockets beside Asio's own: dials, 64 bytes to and fro, 64 KiB after 64 KiB, and what tracking
// adds to an accept. Everything runs in one thread, but for the peers of dials.
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
using leash::net::TrackedSocket;

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

/// Connections of Streams, of tracked sockets and of Asio's sockets, both ends of each in this thread.
struct Conns {
  Conns() {
    leash::net::TcpAsyncDialer dialer(io.get_executor(), {.socket = bench::options});
    leash::net::TcpAsyncBinder binder(io.get_executor(), {.socket = bench::options});
    run(io, open(dialer, binder));
    const auto connect = [&](tcp::socket& near, tcp::socket& far) {
      tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
      near.open(tcp::v4());
      bench::set_options(near.native_handle());
      near.connect(acceptor.local_endpoint());
      far = acceptor.accept();
      bench::set_options(far.native_handle());
    };
    connect(socket_near, socket_far);
    connect(tracked_near, tracked_far);
  }

  asio::awaitable<void> open(leash::net::AsyncDialer& dialer, leash::net::AsyncBinder& binder) {
    const auto listener = must(co_await binder.async_bind(Context(), "tcp", "127.0.0.1:0", use_awaitable));
    stream_near = must(co_await dialer.async_dial(Context(), "tcp", to_string(listener->address()), use_awaitable));
    stream_far = must(co_await listener->async_accept(Context(), use_awaitable));
  }

  asio::io_context io{1};
  leash::track::TrackedContext tracking = leash::track::with_tracker(Context::background());
  Stream stream_near;
  Stream stream_far;
  TrackedSocket tracked_near{tracking.context, io};
  TrackedSocket tracked_far{tracking.context, io};
  tcp::socket socket_near{io};
  tcp::socket socket_far{io};
};

/// Compares the Streams with the sockets of Asio in what `measure` does with the ends of a connection.
template <class Measure>
void compare_streams(benchmark::State& state, Conns& conns, double count, Measure measure) {
  bench::pairs(
      state, count, [&] { return measure(conns.stream_near, conns.stream_far); },
      [&] { return measure(conns.socket_near, conns.socket_far); });
}

/// The same for tracked sockets.
template <class Measure>
void compare_tracked_sockets(benchmark::State& state, Conns& conns, double count, Measure measure) {
  bench::pairs(
      state, count, [&] { return measure(conns.tracked_near, conns.tracked_far); },
      [&] { return measure(conns.socket_near, conns.socket_far); });
}

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

auto ping_pong(asio::io_context& io) {
  return [&io](auto& near, auto& far) {
    asio::co_spawn(io, echo(far), asio::detached);
    return run(io, ask(near));
  };
}

void net_stream_pingpong(benchmark::State& state) {
  Conns conns;
  compare_streams(state, conns, round_trips, ping_pong(conns.io));
}
BENCHMARK(net_stream_pingpong)->UseManualTime();

void net_tracked_socket_pingpong(benchmark::State& state) {
  Conns conns;
  compare_tracked_sockets(state, conns, round_trips, ping_pong(conns.io));
}
BENCHMARK(net_tracked_socket_pingpong)->UseManualTime();

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

/// Sends 64 KiB after 64 KiB from one end to the other.
class Transfer {
 public:
  Transfer(asio::io_context& io, double (*measure)(asio::io_context&, asio::awaitable<void>))
      : io_(io), measure_(measure), sent_(piece), received_(piece) {}

  template <class AnyStream>
  double operator()(AnyStream& near, AnyStream& far) {
    asio::co_spawn(io_, read_pieces(far, received_), asio::detached);
    return measure_(io_, write_pieces(near, sent_));
  }

 private:
  asio::io_context& io_;
  double (*measure_)(asio::io_context&, asio::awaitable<void>);
  std::vector<std::byte> sent_;
  std::vector<std::byte> received_;
};

template <auto measure>
void net_stream_throughput(benchmark::State& state) {
  Conns conns;
  compare_streams(state, conns, pieces, Transfer(conns.io, measure));
}
BENCHMARK(net_stream_throughput<run_by_clock>)->Name("net_stream_64k_by_clock")->UseManualTime();
BENCHMARK(net_stream_throughput<run>)->Name("net_stream_64k_by_processor")->UseManualTime();

template <auto measure>
void net_tracked_socket_throughput(benchmark::State& state) {
  Conns conns;
  compare_tracked_sockets(state, conns, pieces, Transfer(conns.io, measure));
}
BENCHMARK(net_tracked_socket_throughput<run_by_clock>)->Name("net_tracked_socket_64k_by_clock")->UseManualTime();
BENCHMARK(net_tracked_socket_throughput<run>)->Name("net_tracked_socket_64k_by_processor")->UseManualTime();

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

/// What a TrackedAcceptor adds to an accept and a close, beside asking for the addresses of both ends.
void net_tracked_socket_accept(benchmark::State& state) {
  constexpr int times = 64;
  asio::io_context io(1);
  const auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
  leash::net::TrackedAcceptor ours(ctx, io, any);
  tcp::acceptor theirs(io, any);
  const auto accepts = [&](auto& acceptor, auto use) {
    std::vector<tcp::socket> clients;
    for (int i = 0; i < times; ++i) {
      clients.emplace_back(io, tcp::v4());
      bench::set_options(clients.back().native_handle());
      clients.back().connect(acceptor.local_endpoint());
    }
    auto run_times = [&] {
      for (int i = 0; i < times; ++i) {
        auto accepted = acceptor.accept();
        use(accepted);
        accepted.close();
      }
    };
    return bench::processor_seconds([&] { bench::call_in_chain(bench::chain, 0, run_times); });
  };
  bench::pairs(
      state, times, [&] { return accepts(ours, [](const auto&) {}); },
      [&] {
        return accepts(theirs, [](const tcp::socket& accepted) {
          benchmark::DoNotOptimize(accepted.local_endpoint());
          benchmark::DoNotOptimize(accepted.remote_endpoint());
        });
      });
}
BENCHMARK(net_tracked_socket_accept)->UseManualTime();

}  // namespace
