#include <leash/net/detail/memory_listener.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <stdexcept>

#include "support.hpp"

// A MemoryNetwork as its hosts see it, and its paths.

using leash::Context;
using leash::net::Address;
using leash::net::MemoryHost;
using leash::net::MemoryNetwork;

TEST_CASE("MemoryHost: dials as the host, and is dialled by its name") {
  const Watchdog watchdog;
  MemoryNetwork network;
  MemoryHost web = network.host("Web");
  MemoryHost db = network.host("db");
  CHECK(web.name() == "web");
  const auto listener = must(db.bind(Context(), "tcp", ":5432"));
  CHECK(to_string(listener->address()) == "db:5432");
  const auto near = must(web.dial(Context(), "tcp", "db:5432"));
  const auto far = must(listener->accept(Context()));
  CHECK(near->local_address().host == "web");
  CHECK(to_string(near->remote_address()) == "db:5432");
  CHECK(far->remote_address() == near->local_address());

  const auto outside = must(network.dial(Context(), "tcp", "db:5432"));
  CHECK(outside->local_address().host == "127.0.0.1");
}

TEST_CASE("MemoryHost: its localhost is itself, and no other's") {
  const Watchdog watchdog;
  MemoryNetwork network;
  MemoryHost web = network.host("web");
  for (const std::string host : {"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "web"}) {
    CAPTURE(host);
    const auto listener = must(web.bind(Context(), "tcp", host + ":80"));
    CHECK(to_string(listener->address()) == "web:80");
    CHECK(to_string(must(web.dial(Context(), "tcp", host == "0.0.0.0" ? ":80" : host + ":80"))->remote_address()) ==
          "web:80");
    CHECK(error_of(network.dial(Context(), "tcp", "localhost:80")) == std::errc::connection_refused);
  }
}

TEST_CASE("MemoryHost: what is bound at every host of the network is bound there too") {
  const Watchdog watchdog;
  MemoryNetwork network;
  MemoryHost web = network.host("web");
  const auto listener = must(network.bind(Context(), "tcp", ":80"));
  must(web.dial(Context(), "tcp", "localhost:80"));
  CHECK(error_of(web.bind(Context(), "tcp", ":80")) == std::errc::address_in_use);
}

TEST_CASE("MemoryHost: a bind to another host is not available") {
  MemoryNetwork network;
  MemoryHost web = network.host("web");
  const auto error = error_of(web.bind(Context(), "tcp", "db:80"));
  CHECK(error == std::errc::address_not_available);
  CHECK(error.detail() == "the host is web");
}

TEST_CASE("MemoryHost: outlives the network, and has a name") {
  auto network = std::make_unique<MemoryNetwork>();
  MemoryHost web = network->host("web");
  CHECK_THROWS_AS(network->host(""), std::logic_error);
  CHECK_THROWS_AS(network->host("0.0.0.0"), std::logic_error);
  network.reset();
  const auto listener = must(web.bind(Context(), "tcp", ":0"));
  must(web.dial(Context(), "tcp", to_string(listener->address())));
}

TEST_CASE("MemoryHost: has a name that can be dialled") {
  MemoryNetwork network;
  for (const std::string name : {"1", "127.1", "0x7f.1", "1.2.3.4.5", "[", "a]", "fe80::1%none"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(network.host(name), std::logic_error);
  }
  CHECK_THROWS_AS(network.host(std::string_view("a\0b", 3)), std::logic_error);
  for (const std::string name : {"1.2.3.4", "::1", "1a", "web", "db.internal.", "fe80::1"}) {
    CAPTURE(name);
    auto host = network.host(name);
    const auto listener = must(host.bind(Context(), "tcp", ":0"));
    must(network.dial(Context(), "tcp", to_string(listener->address())));
  }
}

TEST_CASE("MemoryHost: all hosts share the paths of unix") {
  const Watchdog watchdog;
  MemoryNetwork network;
  MemoryHost web = network.host("web");
  MemoryHost db = network.host("db");
  const auto listener = must(db.bind(Context(), "unix", "/run/db"));
  must(web.dial(Context(), "unix", "/run/db"));
  must(network.dial(Context(), "unix", "/run/db"));
  CHECK(error_of(web.bind(Context(), "unix", "/run/db")) == std::errc::address_in_use);
}

TEST_CASE("Switchboard: a path is an address") {
  const Watchdog watchdog;
  const auto board = std::make_shared<leash::net::detail::Switchboard>(64, 4);
  const Address path{"unix", "/run/db.sock", 0};
  const auto dial = [&](const std::string& host) {
    return leash::net::detail::MemoryDial(board, Context(), "/run/db.sock", host, path).wait();
  };
  CHECK(error_of(dial({})) == std::errc::no_such_file_or_directory);
  auto listener = must(board->bind("/run/db.sock", path, path.host));
  CHECK(listener->address() == path);
  CHECK(error_of(board->bind("/run/db.sock", path, path.host)) == std::errc::address_in_use);
  const auto other = must(board->bind("other", Address{"unix", "other", 0}, "other"));

  const auto near = must(dial("web"));
  const auto far = must(listener->accept(Context()));
  CHECK(near->remote_address() == path);
  CHECK(near->local_address() == Address{"unix", "", 0});
  must(near->write("hello"));
  CHECK(must(read_up_to(*far, 5)) == "hello");

  must(far->close());
  CHECK(error_of(near->write("x")) == std::errc::broken_pipe);
  must(listener->close());
  listener = must(board->bind("/run/db.sock", path, path.host));
}
