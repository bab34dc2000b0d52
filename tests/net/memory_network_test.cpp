#include <array>
#include <set>
#include <stdexcept>

#include "support.hpp"

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::net::Conn;
using leash::net::Listener;
using leash::net::MemoryNetwork;

namespace {

std::unique_ptr<Listener> listen(MemoryNetwork& network, std::string_view address, std::string_view kind = "tcp") {
  return must(network.bind(Context(), kind, address));
}

bool reaches(MemoryNetwork& network, std::string_view address, const std::unique_ptr<Listener>& listener) {
  const auto conn = network.dial(Context(), "tcp", address);
  if (!conn) {
    CHECK(conn.error() == std::errc::connection_refused);
    return false;
  }
  return must(listener->accept(Context()))->remote_address() == (*conn)->local_address();
}

}  // namespace

TEST_CASE("MemoryNetwork: any name is a host, in any case") {
  const Watchdog watchdog;
  MemoryNetwork network;
  const auto listener = listen(network, "Server.Example:80");
  CHECK(to_string(listener->address()) == "server.example:80");
  CHECK(reaches(network, "server.example:80", listener));
  CHECK(reaches(network, "SERVER.example:80", listener));
  CHECK_FALSE(reaches(network, "other.example:80", listener));
  CHECK_FALSE(reaches(network, "server.example:81", listener));
  const auto conn = must(network.dial(Context(), "tcp", "server.example:80"));
  CHECK(to_string(conn->remote_address()) == "server.example:80");
}

TEST_CASE("MemoryNetwork: localhost is 127.0.0.1, and an address has one spelling") {
  const Watchdog watchdog;
  MemoryNetwork network;
  const auto v4 = listen(network, "localhost:80");
  CHECK(to_string(v4->address()) == "127.0.0.1:80");
  CHECK(reaches(network, "127.0.0.1:80", v4));
  CHECK(reaches(network, ":80", v4));
  const auto v6 = listen(network, "[0:0::1]:81");
  CHECK(reaches(network, "[::1]:81", v6));
  CHECK_FALSE(reaches(network, "localhost:81", v6));
}

TEST_CASE("MemoryNetwork: an empty host binds every name") {
  const Watchdog watchdog;
  MemoryNetwork network;
  const auto listener = listen(network, ":80");
  CHECK(reaches(network, "server:80", listener));
  CHECK(reaches(network, "127.0.0.1:80", listener));
  CHECK(reaches(network, "[::1]:80", listener));
  CHECK(error_of(network.bind(Context(), "tcp", "server:80")) == std::errc::address_in_use);
  CHECK(error_of(network.bind(Context(), "tcp", "0.0.0.0:80")) == std::errc::address_in_use);
  const auto named = listen(network, "server:81");
  CHECK(error_of(network.bind(Context(), "tcp", ":81")) == std::errc::address_in_use);
  const auto neighbour = listen(network, "neighbour:81");
  CHECK(reaches(network, "neighbour:81", neighbour));
}

TEST_CASE("MemoryNetwork: ports are chosen from 49152 up, and those in use are passed over") {
  const Watchdog watchdog;
  MemoryNetwork network;
  const auto taken = listen(network, "server:49153");
  CHECK(listen(network, "server:0")->address().port == 49152);
  CHECK(listen(network, "server:0")->address().port == 49154);
  CHECK(listen(network, "server:0")->address().port == 49155);
}

TEST_CASE("MemoryNetwork: a host and a path of one name are two addresses") {
  const Watchdog watchdog;
  MemoryNetwork network;
  const auto listener = must(network.bind(Context(), "unix", "name"));
  CHECK(error_of(network.dial(Context(), "tcp", "name:0")) == std::errc::connection_refused);
  must(network.dial(Context(), "unix", "name"));
}

TEST_CASE("MemoryNetwork: two networks do not see each other") {
  const Watchdog watchdog;
  MemoryNetwork one;
  MemoryNetwork two;
  const auto listener = listen(one, "server:80");
  CHECK(reaches(one, "server:80", listener));
  CHECK(error_of(two.dial(Context(), "tcp", "server:80")) == std::errc::connection_refused);
}

TEST_CASE("MemoryNetwork: a dial is complete when it is queued, and data may be sent before the accept") {
  const Watchdog watchdog;
  MemoryNetwork network;
  const auto listener = listen(network, "server:80");
  const auto near = must(network.dial(Context(), "tcp", "server:80"));
  must(near->write("early"));
  must(near->close());
  CHECK(must(read_all(*must(listener->accept(Context())))) == "early");
}

TEST_CASE("MemoryNetwork: a full queue makes a dial wait, until there is room") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.backlog = 2});
  const auto listener = listen(network, "server:80");
  const auto first = must(network.dial(Context(), "tcp", "server:80"));
  const auto second = must(network.dial(Context(), "tcp", "server:80"));
  auto third = in_thread([&] { return network.dial(Context(), "tcp", "server:80"); });
  CHECK(third.is_blocked());
  must(listener->accept(Context()));
  must(third.get());
}

TEST_CASE("MemoryNetwork: a dial that waits ends with its Context, or with the listener") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.backlog = 1});
  const auto listener = listen(network, "server:80");
  const auto first = must(network.dial(Context(), "tcp", "server:80"));
  const auto dial = [&](const Context& context) {
    return in_thread([&network, context] { return network.dial(context, "tcp", "server:80"); });
  };

  auto [context, source] = Context::background().with_cancel();
  auto waiting = dial(context);
  CHECK(waiting.is_blocked());
  source.cancel();
  const Error error = error_of(waiting.get());
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.operation() == "dial");
  CHECK(error.subject() == "server:80");

  const auto clock = std::make_shared<FakeClock>();
  waiting = dial(Context::background().with_clock(clock).with_timeout(30s));
  clock->advance(29s);
  CHECK(waiting.is_blocked());
  clock->advance(1s);
  CHECK(error_of(waiting.get()).timeout());

  waiting = dial(Context());
  CHECK(waiting.is_blocked());
  must(listener->close());
  CHECK(error_of(waiting.get()) == std::errc::connection_refused);
}

TEST_CASE("MemoryNetwork: a direction holds as much as its buffer, then a write waits") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 10});
  const auto clock = std::make_shared<FakeClock>();
  const Pair pair = make_pair(network, network, Context::background().with_clock(clock));
  must(pair.near->write("0123456789"));
  auto writer = in_thread([&] { return pair.near->write("abcdef"); });
  CHECK(writer.is_blocked());
  CHECK(must(read_up_to(*pair.far, 4)) == "0123");
  CHECK(writer.is_blocked());
  must(pair.near->set_write_deadline(clock->now()));
  const Error error = error_of(writer.get());
  CHECK(error.detail() == "4 of 6 bytes written");
  CHECK(error.transferred() == 4);
  CHECK(must(read_up_to(*pair.far, 10)) == "456789abcd");
}

TEST_CASE("MemoryNetwork: a reset throws away what was not read") {
  const Watchdog watchdog;
  Network network(Over::memory);
  const Pair pair = make_pair(network);
  must(pair.near->write("lost"));
  must(pair.near->reset());
  CHECK(error_of(read_some(*pair.far)) == std::errc::connection_reset);
}

TEST_CASE("MemoryNetwork: exactly the first write after the peer has closed succeeds") {
  const Watchdog watchdog;
  Network network(Over::memory);
  const Pair pair = make_pair(network);
  must(pair.far->close());
  must(pair.near->write("x"));
  CHECK(error_of(pair.near->write("x")) == std::errc::broken_pipe);
}

TEST_CASE("MemoryNetwork: of a first write after the peer has closed as much succeeds as the buffer holds") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 10});
  const Pair pair = make_pair(network, network);
  must(pair.far->close());
  const Error error = error_of(pair.near->write("0123456789abc"));
  CHECK(error == std::errc::broken_pipe);
  CHECK(error.detail() == "10 of 13 bytes written");
}

TEST_CASE("MemoryNetwork: bytes go round in the buffer") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 10});
  const Pair pair = make_pair(network, network);
  must(pair.near->write("0123456"));
  for (int i = 0; i < 30; ++i) {
    CHECK(must(read_up_to(*pair.far, 4)) == "0123");
    must(pair.near->write("0"));
    CHECK(must(read_up_to(*pair.far, 4)) == "4560");
    must(pair.near->write("0123456"));
  }
}

TEST_CASE("MemoryNetwork: readv fills several buffers, and writev sends several pieces, also past a full buffer") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 10});
  const Pair pair = make_pair(network, network);
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  const std::array pieces{bytes("01"), bytes(""), bytes("2345678"), bytes("9abcdef")};
  auto writer = in_thread([&] { return pair.near->writev(pieces); });
  CHECK(writer.is_blocked());

  std::string first(3, '.');
  std::string second(100, '.');
  const std::array buffers{std::as_writable_bytes(std::span(first)), std::span<std::byte>(),
                           std::as_writable_bytes(std::span(second))};
  CHECK(must(pair.far->readv(buffers)) == 10);
  CHECK(first == "012");
  CHECK(second.starts_with("3456789."));
  must(writer.get());
  CHECK(must(pair.far->readv(buffers)) == 6);
  CHECK(first == "abc");
  CHECK(must(pair.far->readv({})) == 0);
  must(pair.near->writev({}));
}

TEST_CASE("MemoryNetwork: a writer that waits lets no other between its bytes") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 4});
  const Pair pair = make_pair(network, network);
  for (int round = 0; round < 20; ++round) {
    auto first = in_thread([&] { return pair.near->write("aaaaaaaaaaaaaaaa"); });
    first.wait_until_blocked();
    auto second = in_thread([&] { return pair.near->write("b"); });
    second.wait_until_blocked();
    CHECK(must(read_up_to(*pair.far, 17)) == "aaaaaaaaaaaaaaaab");
    must(first.get());
    must(second.get());
  }
}

TEST_CASE("MemoryNetwork: release is refused, and the connection stays open") {
  const Watchdog watchdog;
  Network network(Over::memory);
  const Pair pair = make_pair(network);
  CHECK(pair.near->native_handle() == -1);
  const Error error = error_of(pair.near->release());
  CHECK(error == std::errc::operation_not_supported);
  CHECK(error.operation() == "release");
  CHECK(error.subject() == name_of(*pair.near));
  must(pair.near->write("x"));
  CHECK(must(read_some(*pair.far)) == "x");
}

TEST_CASE("MemoryNetwork: a buffer or a queue of nothing is a mistake") {
  CHECK_THROWS_AS(MemoryNetwork(MemoryNetwork::Options{.buffer = 0}), std::logic_error);
  CHECK_THROWS_AS(MemoryNetwork(MemoryNetwork::Options{.backlog = 0}), std::logic_error);
}

TEST_CASE("MemoryNetwork: many threads at once") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 100, .backlog = 2});
  std::vector<InThread<void>> threads;
  for (int i = 0; i < 4; ++i) {
    threads.push_back(in_thread([&, i] {
      const std::string address = "server" + std::to_string(i) + ":80";
      for (int j = 0; j < 20; ++j) {
        const auto listener = listen(network, address);
        auto server = in_thread([&] {
          const auto conn = must(listener->accept(Context()));
          must(conn->write(must(read_up_to(*conn, 500))));
        });
        const auto conn = must(network.dial(Context(), "tcp", address));
        must(conn->write(std::string(500, 'x')));
        CHECK(must(read_up_to(*conn, 500)) == std::string(500, 'x'));
        server.get();
      }
    }));
  }
  for (auto& thread : threads) thread.get();
}

TEST_CASE("MemoryNetwork: no two open connections of a host have one port, and when all are taken a dial fails") {
  const Watchdog watchdog;
  constexpr std::size_t ports = 65536 - 49152;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 1, .backlog = 2 * ports});
  auto web = network.host("web");
  const auto listener = listen(network, "server:80");
  // One port is that of a listener of the host, one that of a listener of every host.
  const auto own = must(web.bind(Context(), "tcp", ":0"));
  const auto every = listen(network, ":0");
  std::vector<std::unique_ptr<Conn>> conns;
  std::set<std::uint16_t> taken{own->address().port, every->address().port};
  for (std::size_t at = taken.size(); at != ports; ++at) {
    conns.push_back(must(web.dial(Context(), "tcp", "server:80")));
    taken.insert(conns.back()->local_address().port);
  }
  CHECK(taken.size() == ports);
  CHECK(*taken.begin() == 49152);
  const Error error = error_of(web.dial(Context(), "tcp", "server:80"));
  CHECK(to_string(error) == "dial server:80: Cannot assign requested address (no port is free at web)");
  CHECK(error_of(web.bind(Context(), "tcp", ":0")) == std::errc::address_in_use);
  // Other hosts have ports of their own.
  must(network.dial(Context(), "tcp", "server:80"));

  // A connection has its port until both ends are closed.
  const std::uint16_t port = conns[700]->local_address().port;
  must(conns[700]->close());
  must_fail(web.dial(Context(), "tcp", "server:80"));
  for (std::size_t at = 0; at <= 700; ++at) must(must(listener->accept(Context()))->close());
  const auto next = must(web.dial(Context(), "tcp", "server:80"));
  CHECK(next->local_address().port == port);
  must_fail(web.dial(Context(), "tcp", "server:80"));
  // Or until it is gone, and so does one that was not accepted.
  conns.clear();
  must(listener->close());
  const auto other = listen(network, "server:81");
  for (std::size_t at = 0; at != ports; ++at) {
    const auto conn = must(web.dial(Context(), "tcp", "server:81"));
    CHECK(conn->local_address().port != port);
    must(other->accept(Context()));
  }
}
