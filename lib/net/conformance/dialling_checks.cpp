#include <leash/clock.hpp>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/dialled.hpp>
#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <leash/net/ip_address.hpp>
#include <memory>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

using std::chrono::seconds;

/// What dial and bind must both refuse.
void expect_refused(Trial& t, std::string_view network, std::string_view address, std::errc code) {
  const std::string what = " over \"" + std::string(network) + "\" to \"" + std::string(address) + "\"";
  const Error dial_error = t.error_of(t.dialer().dial(t.context(), network, address), code, "a dial" + what);
  t.expect_names(dial_error, "dial", address);
  const Error bind_error = t.error_of(t.binder().bind(t.context(), network, address), code, "a bind" + what);
  t.expect_names(bind_error, "bind", address);
}

void malformed_address(Trial& t) {
  for (const char* const address :
       {"", "localhost", "localhost:70000", "localhost:http", "localhost:-1", "localhost: 80", "::1:80", "[::1:80",
        "[::1]", "127.1:80", "2130706433:80", "0x7f.1:80"}) {
    expect_refused(t, t.options().network, address, std::errc::invalid_argument);
  }
}

void unknown_network(Trial& t) {
  for (const char* const network : {"", "foo", "tcp5", "TCP"}) {
    expect_refused(t, network, "127.0.0.1:80", std::errc::invalid_argument);
  }
}

void address_of_other_family(Trial& t) {
  expect_refused(t, "tcp4", "[::1]:80", std::errc::address_family_not_supported);
  expect_refused(t, "tcp6", "127.0.0.1:80", std::errc::address_family_not_supported);
  expect_refused(t, "tcp6", "[::ffff:127.0.0.1]:80", std::errc::address_family_not_supported);
}

/// An IPv6 address that stands for an IPv4 address is one of IPv4, to bind and to dial.
void mapped_address(Trial& t) {
  const Address usual = listen(t).address();
  const Result<IpAddress> ip = IpAddress::parse(usual.host);
  if (!ip || !ip->is_v4()) return;
  const std::string mapped = "::ffff:" + usual.host;
  Listener& listener = t.keep(t.must(try_bind(t, join_host_port(mapped, 0)), "a bind to a mapped IPv4 address"));
  const Address bound = listener.address();
  t.expect(bound.host == usual.host, "a bind to " + mapped + " to listen at " + usual.host, "it is " + bound.host);
  Conn& here =
      t.keep(t.must(try_dial(t, t.context(), join_host_port(mapped, bound.port)), "a dial to a mapped IPv4 address"));
  t.expect(here.remote_address() == bound, "a dial to " + mapped + " to reach " + to_string(bound),
           "it reached " + to_string(here.remote_address()));
}

/// An address at which no one listens any more.
std::string free_address(Trial& t) {
  Listener& listener = listen(t);
  const std::string address = to_string(listener.address());
  t.must(listener.close(), "close of the listener");
  return address;
}

void refused_dial(Trial& t) {
  const std::string address = free_address(t);
  const auto dialled = try_dial(t, t.context(), address);
  const Error error = t.error_of(dialled, nobody_listens(t), "a dial to where no one listens");
  t.expect_names(error, "dial", address);
}

void ends_agree(Trial& t) {
  Listener& listener = listen(t);
  const auto [here, there] = connect(t, listener);
  t.expect(here.local_address() == there.remote_address() && here.remote_address() == there.local_address(),
           "both ends to have the same two addresses", "they have " + name_of(here) + " and " + name_of(there));
  t.expect(here.remote_address() == listener.address(),
           "the dialled end to have the listener's address, " + to_string(listener.address()) + ", as remote one",
           "it has " + to_string(here.remote_address()));
  t.expect(here.local_address() != here.remote_address(), "the two addresses to differ", "both are " + name_of(here));
}

void dial_outlives_its_context(Trial& t) {
  Listener& listener = listen(t);
  const auto clock = std::make_shared<FakeClock>();
  auto [dialling, dial_source] = t.context().with_clock(clock).with_timeout(seconds(30)).with_cancel();
  auto [accepting, accept_source] = t.context().with_clock(clock).with_timeout(seconds(30)).with_cancel();
  Conn& here = dial(t, listener, dialling);
  Conn& there = accept(t, listener, accepting);
  clock->advance(seconds(60));
  expect_works(t, {here, there}, "after the Context has expired");
  dial_source.cancel();
  accept_source.cancel();
  expect_works(t, {here, there}, "after the Context was cancelled");
}

/// Shows that the deadlines of a connection go by a clock that stands still until it is moved.
void expect_goes_by(Trial& t, FakeClock& clock, Conn& conn) {
  t.must(conn.set_read_deadline(clock.now() + seconds(30)), "set_read_deadline");
  auto reader = t.start([&conn] { return read_some(conn); });
  clock.advance(seconds(29));
  reader.must_wait("a read, 1 s before its deadline by the Context's clock,");
  clock.advance(seconds(1));
  t.must_fail(reader.get(), timed_out, "a read at its deadline by the Context's clock");
}

void dialled_by_the_contexts_clock(Trial& t) {
  Listener& listener = listen(t);
  const auto clock = std::make_shared<FakeClock>();
  Conn& here = dial(t, listener, t.context().with_clock(clock));
  accept(t, listener, t.context());
  expect_goes_by(t, *clock, here);
}

void cancel_ends_dial(Trial& t) {
  const std::string& address = t.options().unanswered;
  if (address.empty()) return;
  auto [context, source] = t.context().with_cancel();
  auto dialling = t.start([&t, &context, &address] { return try_dial(t, context, address); });
  dialling.must_wait("a dial that nobody answers");
  source.cancel(Error("stop", "the check", std::errc::interrupted));
  const Error error = t.error_of(dialling.get(), canceled, "a dial that waits when its Context is cancelled");
  t.expect_names(error, "dial", address);
}

void expiry_ends_dial(Trial& t) {
  const std::string& address = t.options().unanswered;
  if (address.empty()) return;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = t.context().with_clock(clock).with_timeout(seconds(30));
  auto dialling = t.start([&] { return try_dial(t, context, address); });
  clock->advance(seconds(29));
  dialling.must_wait("a dial that nobody answers, 1 s before the deadline of its Context,");
  clock->advance(seconds(1));
  const Error error = t.error_of(dialling.get(), timed_out, "a dial at the deadline of its Context");
  t.expect_names(error, "dial", address);
}

/// Accepts whatever comes, and keeps it, until the listener is closed.
Task<void> serve(Trial& t, Listener& listener) {
  return t.start([&t, &listener] {
    for (;;) {
      auto conn = listener.accept(t.context());
      if (!conn) return;
      t.keep(*std::move(conn));
    }
  });
}

void cancel_races_dial(Trial& t) {
  Listener& listener = listen(t);
  const std::string address = to_string(listener.address());
  auto server = serve(t, listener);
  constexpr int rounds = 30;
  for (int round = 0; round < rounds; ++round) {
    auto [context, source] = t.context().with_cancel();
    auto dialling = t.start([&t, &context, &address] { return try_dial(t, context, address); });
    // From not begun to done.
    for (std::atomic<int> moment = 0; moment < round * 1000; ++moment) {
    }
    if (round == rounds - 1) dialling.wait();
    source.cancel();
    auto conn = dialling.get();
    if (conn) {
      t.must(t.keep(*std::move(conn)).close(), "close of what was dialled before its Context was cancelled");
    } else {
      t.must_fail(conn, canceled, "a dial whose Context is cancelled");
    }
  }
  t.must(listener.close(), "close of the listener");
  server.get();
}

void many_dials_at_once(Trial& t) {
  Listener& listener = listen(t);
  std::vector<Task<void>> servers;
  for (int i = 0; i < 2; ++i) {
    servers.push_back(t.start([&t, &listener] {
      for (;;) {
        auto accepted = listener.accept(t.context());
        if (!accepted) return;
        Conn& conn = t.keep(*std::move(accepted));
        t.must(conn.write(to_string(conn.remote_address())), "a write to one of many that dialled");
        t.must(conn.close(), "close of one of many that dialled");
      }
    }));
  }
  std::vector<Task<void>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(t.start([&t, &listener] {
      for (int j = 0; j < 10; ++j) {
        Conn& conn = dial(t, listener, t.context());
        t.expect_text(t.must(read_all(conn), "a read from one of many dials"), to_string(conn.local_address()),
                      "what the server wrote to one of many dials");
      }
    }));
  }
  for (auto& client : clients) client.get();
  t.must(listener.close(), "close of the listener");
  for (auto& server : servers) server.get();
}

}  // namespace

std::vector<Check> dialling_checks() {
  return {
      {"malformed-address", malformed_address},
      {"unknown-network", unknown_network},
      {"address-of-other-family", address_of_other_family},
      {"mapped-address", mapped_address},
      {"refused-dial", refused_dial},
      {"ends-agree", ends_agree},
      {"dial-outlives-its-context", dial_outlives_its_context},
      {"dialled-by-the-contexts-clock", dialled_by_the_contexts_clock},
      {"cancel-ends-dial", cancel_ends_dial},
      {"expiry-ends-dial", expiry_ends_dial},
      {"cancel-races-dial", cancel_races_dial},
      {"many-dials-at-once", many_dials_at_once},
  };
}

}  // namespace LEASH_NAMESPACE::net::conformance
