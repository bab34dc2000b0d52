// What a TcpDialer and its connections take, beside system calls and Asio.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <leash/context.hpp>
#include <leash/net/static_resolver.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <memory>
#include <must.hpp>
#include <net_common.hpp>
#include <paired.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using asio::ip::tcp;
using bench::must;
using bench::options;
using bench::Server;
using bench::set_options;
using bench::timeout;
using leash::Context;
using leash::net::TcpDialer;
using namespace std::chrono_literals;

constexpr int dials = 200;

double dial_by_leash(TcpDialer& dialer, const std::string& address) {
  return bench::processor_seconds([&] {
    for (int i = 0; i < dials; ++i) {
      const auto conn = must(dialer.dial(Context::background().with_timeout(timeout), "tcp", address));
      must(conn->close());
    }
  });
}

double dial_by_system_calls(const sockaddr_in& address) {
  return bench::processor_seconds([&] {
    for (int i = 0; i < dials; ++i) {
      const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      set_options(socket);
      if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        pollfd polled{socket, POLLOUT, 0};
        int error = 0;
        socklen_t size = sizeof error;
        must(::poll(&polled, 1, 5000) == 1);
        must(::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0);
      }
      ::close(socket);
    }
  });
}

double dial_by_asio(const tcp::endpoint& address) {
  asio::io_context io(1);
  return bench::processor_seconds([&] {
    for (int i = 0; i < dials; ++i) {
      tcp::socket socket(io, tcp::v4());
      set_options(socket.native_handle());
      asio::steady_timer timer(io, timeout);
      timer.async_wait([&](const asio::error_code& code) {
        if (!code) socket.close();
      });
      asio::error_code connected;
      socket.async_connect(address, [&](const asio::error_code& code) {
        connected = code;
        timer.cancel();
      });
      io.run();
      io.restart();
      must(!connected);
      socket.close();
    }
  });
}

void net_dial_close_raw(benchmark::State& state) {
  const Server server([](int) {});
  TcpDialer dialer({.socket = options});
  const std::string address = server.text();
  bench::pairs(
      state, dials, [&] { return dial_by_leash(dialer, address); },
      [&] { return dial_by_system_calls(server.address()); });
}
BENCHMARK(net_dial_close_raw)->UseManualTime();

void net_dial_close_asio(benchmark::State& state) {
  const Server server([](int) {});
  TcpDialer dialer({.socket = options});
  const std::string address = server.text();
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), ntohs(server.address().sin_port));
  bench::pairs(state, dials, [&] { return dial_by_leash(dialer, address); }, [&] { return dial_by_asio(endpoint); });
}
BENCHMARK(net_dial_close_asio)->UseManualTime();

/// Until connected, if the first of two addresses lets nothing through.
void net_dead_first_address(benchmark::State& state) {
  const Server live([](int) {});
  // A listener whose backlog is full drops what comes.
  sockaddr_in dead = bench::loopback(ntohs(live.address().sin_port), 2);
  const int listener = bench::listen_at(dead, 0);
  std::vector<int> backlog(8);
  for (int& socket : backlog) {
    socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ::connect(socket, reinterpret_cast<const sockaddr*>(&dead), sizeof dead);
  }
  TcpDialer dialer({.resolver = std::make_shared<leash::net::StaticResolver>(
                        leash::net::StaticResolver::Table{{"service", {"127.0.0.2", "127.0.0.1"}}}),
                    .socket = options});
  const std::string address = "service:" + std::to_string(ntohs(dead.sin_port));
  for (auto _ : state) {
    const auto conn = must(dialer.dial(Context::background().with_timeout(timeout), "tcp", address));
    must(to_string(conn->remote_address()) == live.text());
  }
  for (const int socket : backlog) ::close(socket);
  ::close(listener);
}
BENCHMARK(net_dead_first_address)->UseRealTime()->Iterations(1);

void echo(int socket) {
  set_options(socket);
  std::array<char, 64> buffer{};
  for (ssize_t count = 0; (count = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0;) {
    if (::send(socket, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) return;
  }
}

/// 64 bytes there and back, each read with a deadline of its own.
void net_pingpong(benchmark::State& state) {
  constexpr int times = 500;
  std::array<std::byte, 64> buffer{};
  // One server for each connection: it serves one at a time.
  const Server our_server(echo);
  const Server their_server(echo);
  TcpDialer dialer({.socket = options});
  const auto conn = must(dialer.dial(Context(), "tcp", our_server.text()));
  asio::io_context io(1);
  tcp::socket socket(io, tcp::v4());
  set_options(socket.native_handle());
  socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), ntohs(their_server.address().sin_port)));
  bench::pairs(
      state, times,
      [&] {
        return bench::processor_seconds([&] {
          for (int i = 0; i < times; ++i) {
            must(conn->set_read_deadline(std::chrono::steady_clock::now() + timeout));
            must(conn->write(buffer));
            for (std::size_t done = 0; done < buffer.size();) done += must(conn->read(std::span(buffer).subspan(done)));
          }
        });
      },
      [&] {
        return bench::processor_seconds([&] {
          for (int i = 0; i < times; ++i) {
            asio::write(socket, asio::buffer(buffer));
            asio::read(socket, asio::buffer(buffer));
          }
        });
      });
}
BENCHMARK(net_pingpong)->UseManualTime();

/// How often threads of the process give up the processor for each `set_read_deadline`, beyond the pause's own.
void net_deadline_wakeups(benchmark::State& state) {
  const Server server(echo);
  TcpDialer dialer({.socket = options});
  const auto conn = must(dialer.dial(Context(), "tcp", server.text()));
  const auto switches = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
  };
  constexpr int times = 200;
  double beyond = 0;
  for (auto _ : state) {
    const auto before = switches();
    for (int i = 0; i < times; ++i) {
      must(conn->set_read_deadline(std::chrono::steady_clock::now() + timeout));
      std::this_thread::sleep_for(500us);
    }
    beyond = static_cast<double>(switches() - before - times) / times;
  }
  state.counters["wakeups"] = beyond;
}
BENCHMARK(net_deadline_wakeups)->Iterations(3);

/// The same with a Context with a timeout for each pause.
void net_timeout_wakeups(benchmark::State& state) {
  const auto switches = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
  };
  constexpr int times = 200;
  double beyond = 0;
  for (auto _ : state) {
    const auto before = switches();
    for (int i = 0; i < times; ++i) {
      const Context context = Context::background().with_timeout(timeout);
      std::this_thread::sleep_for(500us);
    }
    beyond = static_cast<double>(switches() - before - times) / times;
  }
  state.counters["wakeups"] = beyond;
}
BENCHMARK(net_timeout_wakeups)->Iterations(3);

}  // namespace
