// What a MemoryNetwork takes, beside loopback TCP and the least that could do the same.
#include <benchmark/benchmark.h>

#include <create_close.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <leash/context.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <must.hpp>
#include <mutex>
#include <paired.hpp>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bench::must;
using leash::Context;
using leash::net::Conn;
using leash::net::MemoryNetwork;

/// Both ends of a connection.
struct Ends {
  Ends(leash::net::Dialer& dialer, leash::net::Binder& binder) {
    const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
    near = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
    far = must(listener->accept(Context()));
  }

  std::unique_ptr<Conn> near;
  std::unique_ptr<Conn> far;
};

/// `bytes` go over the connection.
void pass(Conn& from, Conn& to, std::span<std::byte> bytes) {
  if (!from.write(bytes)) std::abort();
  for (std::size_t done = 0; done < bytes.size();) {
    const auto count = to.read(bytes.subspan(done));
    if (!count || *count == 0) std::abort();
    done += *count;
  }
}

/// So many times to and fro, in one thread.
double round_trips(Ends& ends, std::span<std::byte> bytes, std::size_t times) {
  return bench::processor_seconds([&] {
    for (std::size_t i = 0; i < times; ++i) {
      pass(*ends.near, *ends.far, bytes);
      pass(*ends.far, *ends.near, bytes);
    }
  });
}

void net_round_trip_64_vs_tcp(benchmark::State& state) {
  constexpr std::size_t times = 256;
  MemoryNetwork network;
  leash::net::TcpDialer dialer;  // Sets TCP_NODELAY.
  leash::net::TcpBinder binder;
  Ends memory(network, network);
  Ends tcp(dialer, binder);
  std::vector<std::byte> bytes(64);
  bench::pairs(
      state, times, [&] { return round_trips(memory, bytes, times); }, [&] { return round_trips(tcp, bytes, times); });
}
BENCHMARK(net_round_trip_64_vs_tcp)->UseManualTime();

void net_round_trip_32k_vs_memcpy(benchmark::State& state) {
  constexpr std::size_t times = 64;
  MemoryNetwork network;
  Ends memory(network, network);
  std::vector<std::byte> bytes(std::size_t{32} * 1024);
  std::vector<std::byte> there(bytes.size());
  std::vector<std::byte> back(bytes.size());
  std::mutex mutex;
  const auto copy_in_and_out = [&](std::vector<std::byte>& buffer) {
    const std::lock_guard lock(mutex);
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
    std::memcpy(bytes.data(), buffer.data(), bytes.size());
    benchmark::ClobberMemory();
  };
  bench::pairs(
      state, times, [&] { return round_trips(memory, bytes, times); },
      [&] {
        return bench::processor_seconds([&] {
          for (std::size_t i = 0; i < times; ++i) {
            copy_in_and_out(there);
            copy_in_and_out(back);
          }
        });
      });
}
BENCHMARK(net_round_trip_32k_vs_memcpy)->UseManualTime();

/// Two threads, each of which waits for the other.
double echoes(Ends& ends, std::span<std::byte> bytes, std::size_t times) {
  std::jthread peer([&] {
    std::vector<std::byte> own(bytes.size());
    for (std::size_t i = 0; i < times; ++i) {
      if (must(ends.far->read(own)) == 0 || !ends.far->write(own)) std::abort();
    }
  });
  return bench::seconds([&] {
    for (std::size_t i = 0; i < times; ++i) {
      if (!ends.near->write(bytes) || must(ends.near->read(bytes)) == 0) std::abort();
    }
  });
}

void net_echo_64_vs_tcp(benchmark::State& state) {
  constexpr std::size_t times = 1024;
  MemoryNetwork network;
  leash::net::TcpDialer dialer;
  leash::net::TcpBinder binder;
  Ends memory(network, network);
  Ends tcp(dialer, binder);
  std::vector<std::byte> bytes(64);
  bench::pairs(state, times, [&] { return echoes(memory, bytes, times); }, [&] { return echoes(tcp, bytes, times); });
}
BENCHMARK(net_echo_64_vs_tcp)->UseManualTime();

/// A rule for other traffic costs nothing.
void net_round_trip_64_beside_a_rule(benchmark::State& state) {
  constexpr std::size_t times = 4096;
  MemoryNetwork plain;
  MemoryNetwork ruled;
  const auto rule = ruled.latency("elsewhere", std::chrono::milliseconds(50));
  Ends beside(ruled, ruled);
  Ends without(plain, plain);
  std::vector<std::byte> bytes(64);
  bench::pairs(
      state, times, [&] { return round_trips(beside, bytes, times); },
      [&] { return round_trips(without, bytes, times); });
}
BENCHMARK(net_round_trip_64_beside_a_rule)->UseManualTime();

void net_dial_accept_close(benchmark::State& state) {
  MemoryNetwork network;
  const auto listener = must(network.bind(Context(), "tcp", "server:80"));
  for (auto _ : state) {
    const auto near = network.dial(Context(), "tcp", "server:80");
    const auto far = listener->accept(Context());
    if (!near || !far || !(*near)->close() || !(*far)->close()) std::abort();
  }
}
BENCHMARK(net_dial_accept_close);

/// What tracking adds to a dial and a close, on a stack of more frames than a tag keeps.
void net_tracked_dial(benchmark::State& state) {
  constexpr int times = 64;
  MemoryNetwork network;
  leash::net::TrackedDialer tracked(network);
  const auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  const auto listener = must(network.bind(Context(), "tcp", "server:80"));
  const auto dials = [&, &ctx = ctx](leash::net::Dialer& dialer) {
    auto run = [&] {
      for (int i = 0; i < times; ++i) {
        const auto near = must(dialer.dial(ctx, "tcp", "server:80"));
        must(must(listener->accept(Context()))->close());
        must(near->close());
      }
    };
    return bench::processor_seconds([&] { bench::call_in_chain(bench::chain, 0, run); });
  };
  bench::pairs(state, times, [&] { return dials(tracked); }, [&] { return dials(network); });
}
BENCHMARK(net_tracked_dial)->UseManualTime();

}  // namespace
