#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <leash/net/binder.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/fault_binder.hpp>
#include <leash/net/fault_dialer.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/read_full.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <memory>
#include <span>
#include <string_view>

#include "plans.hpp"

using leash::Context;
using leash::net::Conn;
using leash::net::FaultBinder;
using leash::net::FaultDialer;
using leash::net::Listener;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A listener, and pairs of connections to it, of which each end has a Context of its own.
class Pairs {
 public:
  Pairs(leash::net::Dialer& dialer, leash::net::Binder& binder)
      : dialer_(dialer), listener_(binder.bind(Context(), "tcp", "127.0.0.1:0").value()) {}

  std::pair<std::unique_ptr<Conn>, std::unique_ptr<Conn>> make(std::string_view rules) {
    auto client = dialer_.dial(with_plan(Context(), plan_of(rules)), "tcp", address()).value();
    return {std::move(client), listener_->accept(Context()).value()};
  }

  std::string address() const { return to_string(listener_->address()); }

 private:
  leash::net::Dialer& dialer_;
  std::unique_ptr<Listener> listener_;
};

void check_effects(leash::net::Dialer& inner, leash::net::Binder& binder) {
  FaultDialer dialer(inner);
  Pairs pairs(dialer, binder);
  std::array<std::byte, 8> buffer{};

  const auto refused =
      dialer.dial(with_plan(Context(), plan_of("fail dial with ECONNREFUSED")), "tcp", pairs.address());
  REQUIRE_FALSE(refused);
  CHECK(to_string(refused.error()) == "dial " + pairs.address() + ": Connection refused (injected)");

  {
    auto [client, server] = pairs.make("short write 1 always; short read 2");
    CHECK(client->write(bytes_of("hello")));
    CHECK(leash::net::read_full(*server, std::span(buffer).first(5)));
    CHECK(server->write(bytes_of("hello")));
    CHECK(client->read(buffer).value() == 2);
    CHECK(leash::net::read_full(*client, std::span(buffer).first(3)));
  }
  {
    auto [client, server] = pairs.make("end read");
    CHECK(server->write(bytes_of("hello")));
    CHECK(client->read(buffer).value() == 0);
    CHECK(client->read(buffer).value() == 0);
    CHECK(client->write(bytes_of("x")).error() == std::errc::broken_pipe);
    CHECK(client->close());
    CHECK(server->read(buffer).value_or(0) == 0);
  }
  {
    auto [client, server] = pairs.make("reset write #2");
    CHECK(client->write(bytes_of("x")));
    CHECK(client->write(bytes_of("y")).error() == std::errc::connection_reset);
    CHECK(client->read(buffer).error() == std::errc::connection_reset);
    CHECK(client->close());
  }
}

}  // namespace

TEST_CASE("a plan's faults strike connections in memory") {
  leash::net::MemoryNetwork network;
  check_effects(network, network);
}

TEST_CASE("a plan's faults strike connections over TCP") {
  leash::net::TcpDialer dialer;
  leash::net::TcpBinder binder;
  check_effects(dialer, binder);
}

TEST_CASE("a connection that a fault has reset does not break the next one to the same address") {
  leash::net::MemoryNetwork network;
  FaultDialer dialer(network);
  auto listener = network.bind(Context(), "tcp", "server:80").value();
  const Context context = with_plan(Context(), plan_of("reset write"));
  for (int round = 0; round < 3; ++round) {
    auto client = dialer.dial(context, "tcp", "server:80").value();
    CHECK(client->write(bytes_of("x")).has_value() == (round > 0));
  }
}

TEST_CASE("bind and accept are struck too, and what they open goes by the Context of its own opening") {
  leash::net::MemoryNetwork network;
  FaultBinder binder(network);
  const Context context =
      with_plan(Context(), plan_of("fail bind with EADDRINUSE; fail Listener::accept with EMFILE; fail Conn::read"));
  CHECK(binder.bind(context, "tcp", "server:80").error() == std::errc::address_in_use);
  auto listener = binder.bind(context, "tcp", "server:80").value();
  auto client = network.dial(Context(), "tcp", "server:80").value();
  CHECK(listener->accept(context).error() == std::errc::too_many_files_open);
  auto server = listener->accept(context).value();
  CHECK(client->write(bytes_of("x")));
  std::array<std::byte, 1> buffer{};
  CHECK(server->read(buffer).error() == std::errc::io_error);
  CHECK(server->read(buffer).value() == 1);
}

TEST_CASE("without a plan the inner connection and listener are returned") {
  leash::net::MemoryNetwork network;
  FaultBinder binder(network);
  FaultDialer dialer(network);
  auto listener = binder.bind(Context(), "tcp", "server:80").value();
  auto inner_listener = network.bind(Context(), "tcp", "server:81").value();
  CHECK(dynamic_type(*listener) == dynamic_type(*inner_listener));
  auto conn = dialer.dial(Context(), "tcp", "server:80").value();
  auto inner = network.dial(Context(), "tcp", "server:80").value();
  CHECK(dynamic_type(*conn) == dynamic_type(*inner));
}
