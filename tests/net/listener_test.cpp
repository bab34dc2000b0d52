#include <algorithm>

#include "support.hpp"

// Listeners, over every network.

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::net::Conn;
using leash::net::Listener;

namespace {

using Accepted = Result<std::unique_ptr<Conn>>;

std::unique_ptr<Listener> listen(Network& network, std::string_view address = "127.0.0.1:0") {
  return must(network.binder.bind(Context::background(), "tcp", address));
}

}  // namespace

NETWORK_TEST("Listener: port 0 chooses a free one, which the address tells") {
  const Watchdog watchdog;
  Network network(over);
  const auto first = listen(network);
  const auto second = listen(network);
  CHECK(first->address().network == "tcp");
  CHECK(first->address().host == "127.0.0.1");
  CHECK(first->address().port != 0);
  CHECK(first->address().port != second->address().port);
  CHECK((first->native_handle() == -1) == network.in_memory);
}

NETWORK_TEST("Listener: an empty host is reached as localhost, and so is its own address") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto listener = listen(network, ":0");
  const std::string port = std::to_string(listener->address().port);
  for (const std::string& address : {"127.0.0.1:" + port, ":" + port, to_string(listener->address())}) {
    CAPTURE(address);
    const auto near = must(network.dialer.dial(context, "tcp", address));
    const auto far = must(listener->accept(context));
    CHECK(near->local_address() == far->remote_address());
    CHECK(near->remote_address() == far->local_address());
  }
}

NETWORK_TEST("Listener: accepts in the order of dialling") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto listener = listen(network);
  std::vector<std::unique_ptr<Conn>> dialled;
  for (int i = 0; i < 5; ++i) {
    dialled.push_back(must(network.dialer.dial(context, "tcp", to_string(listener->address()))));
  }
  for (const auto& near : dialled) CHECK(must(listener->accept(context))->remote_address() == near->local_address());
}

NETWORK_TEST("Listener: an address in use is refused, and free again after close") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto listener = listen(network);
  const std::string address = to_string(listener->address());
  const Error error = error_of(network.binder.bind(context, "tcp", address));
  CHECK(error == std::errc::address_in_use);
  CHECK(error.operation() == "bind");
  CHECK(error.subject() == address);
  must(listener->close());
  CHECK(must(network.binder.bind(context, "tcp", address))->address() == listener->address());
}

NETWORK_TEST("Listener: every operation after close fails") {
  const Watchdog watchdog;
  Network network(over);
  const auto listener = listen(network);
  const std::string address = to_string(listener->address());
  must(listener->close());
  const Error accept_error = error_of(listener->accept(Context()));
  CHECK(accept_error == std::errc::bad_file_descriptor);
  CHECK(accept_error.operation() == "accept");
  CHECK(accept_error.subject() == address);
  const Error close_error = error_of(listener->close());
  CHECK(close_error == std::errc::bad_file_descriptor);
  CHECK(close_error.operation() == "close");
  CHECK(close_error.subject() == address);
  CHECK(listener->native_handle() == -1);
  CHECK(error_of(network.dialer.dial(Context(), "tcp", address)) == std::errc::connection_refused);
}

NETWORK_TEST("Listener: a close from another thread ends every accept") {
  const Watchdog watchdog;
  Network network(over);
  for (int round = 0; round < 10; ++round) {
    const auto listener = listen(network);
    std::vector<InThread<Accepted>> accepts;
    for (int i = 0; i < 3; ++i) accepts.push_back(in_thread([&] { return listener->accept(Context()); }));
    if (round % 2 == 0) std::ranges::for_each(accepts, &InThread<Accepted>::wait_until_blocked);
    must(listener->close());
    for (auto& accept : accepts) CHECK(error_of(accept.get()) == std::errc::bad_file_descriptor);
  }
}

NETWORK_TEST("Listener: several threads accept, each connection once") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto listener = listen(network);
  std::vector<InThread<void>> servers;
  for (int i = 0; i < 3; ++i) {
    servers.push_back(in_thread([&] {
      for (;;) {
        const Accepted conn = listener->accept(Context());
        if (!conn) return;
        must((*conn)->write(to_string((*conn)->remote_address())));
      }
    }));
  }
  std::vector<InThread<void>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(in_thread([&] {
      for (int j = 0; j < 20; ++j) {
        const auto conn = must(network.dialer.dial(Context(), "tcp", to_string(listener->address())));
        CHECK(must(read_all(*conn)) == to_string(conn->local_address()));
      }
    }));
  }
  for (auto& client : clients) client.get();
  must(listener->close());
  for (auto& server : servers) server.get();
}

NETWORK_TEST("Listener: cancellation ends an accept at once, and the listener works on") {
  const Watchdog watchdog;
  Network network(over);
  const auto listener = listen(network);
  auto [context, source] = Context::background().with_cancel();
  auto accept = in_thread([&] { return listener->accept(context); });
  accept.wait_until_blocked();
  source.cancel(Error("stop", "server", std::errc::interrupted));
  const Error error = error_of(accept.get());
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.operation() == "accept");
  CHECK(error.subject() == to_string(listener->address()));
  REQUIRE(error.causes().size() == 1);
  CHECK(error.causes()[0].operation() == "stop");
  CHECK(error_of(listener->accept(context)) == std::errc::operation_canceled);

  const auto near = must(network.dialer.dial(Context(), "tcp", to_string(listener->address())));
  must(listener->accept(Context()));
}

NETWORK_TEST("Listener: the deadline of the Context's clock ends an accept") {
  const Watchdog watchdog;
  Network network(over);
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context::background().with_clock(clock).with_timeout(30s);
  const auto listener = listen(network);
  auto accept = in_thread([&] { return listener->accept(context); });
  clock->advance(29s);
  CHECK(accept.is_blocked());
  clock->advance(1s);
  const Error error = error_of(accept.get());
  CHECK(error.timeout());
  CHECK(error.operation() == "accept");
}

NETWORK_TEST("Listener: closing it resets the connections that were not accepted") {
  const Watchdog watchdog;
  Network network(over);
  auto listener = listen(network);
  const std::string address = to_string(listener->address());
  const auto first = must(network.dialer.dial(Context(), "tcp", address));
  must(listener->close());
  CHECK(error_of(read_some(*first)) == std::errc::connection_reset);

  listener = listen(network);
  const auto second = must(network.dialer.dial(Context(), "tcp", to_string(listener->address())));
  listener.reset();
  CHECK(error_of(read_some(*second)) == std::errc::connection_reset);
}

NETWORK_TEST("Listener: what it accepted outlives it") {
  const Watchdog watchdog;
  Network network(over);
  Pair pair = make_pair(network);
  must(pair.listener->close());
  must(pair.near->write("hello"));
  CHECK(must(read_up_to(*pair.far, 5)) == "hello");
}

NETWORK_TEST("Listener: outlives its network") {
  const Watchdog watchdog;
  std::unique_ptr<Listener> listener;
  {
    Network network(over);
    listener = listen(network);
  }
  auto [context, source] = Context::background().with_cancel();
  source.cancel();
  CHECK(error_of(listener->accept(context)) == std::errc::operation_canceled);
  must(listener->close());
}
