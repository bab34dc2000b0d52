#include <algorithm>
#include <array>
#include <leash/net/counting_hook.hpp>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <leash/net/logging_hook.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <map>
#include <set>
#include <stdexcept>

#include "recorder.hpp"
#include "support.hpp"

using leash::Call;
using leash::Clock;
using leash::Context;
using leash::Result;
using leash::net::Address;
using leash::net::Binder;
using leash::net::Conn;
using leash::net::Dialer;
using leash::net::Listener;

namespace {

/// Calls every member of a connection, and checks that all of it arrives, with this line as its site.
void check_conn(Conn& conn, Log& log) {
  const auto here = std::source_location::current();
  const std::string line = " " + std::to_string(here.line());
  const auto now = Clock::real()->now();
  std::byte buffer[3];
  log.clear();
  CHECK(must(conn.read(buffer, here)) == 3);
  must(conn.write("text", here));
  must(conn.write(std::span<const std::byte>(buffer), here));
  const std::array<std::span<std::byte>, 2> buffers{};
  CHECK(must(conn.readv(buffers, here)) == 5);
  const std::array<std::span<const std::byte>, 3> pieces{};
  must(conn.writev(pieces, here));
  conn.note("why", here);
  must(conn.close_write(here));
  must(conn.set_deadline(now, here));
  must(conn.set_read_deadline(now, here));
  must(conn.set_write_deadline(std::nullopt, here));
  CHECK(conn.local_address() == Address{"tcp", "local", 1});
  CHECK(conn.remote_address() == Address{"tcp", "remote", 2});
  CHECK(must(conn.peer_credentials()) == leash::net::PeerCredentials{.pid = 7, .uid = 8, .gid = 9});
  CHECK(conn.native_handle() == 42);
  CHECK(must(conn.release(here)) == 43);
  must(conn.close(here));
  must(conn.reset(here));
  CHECK(log == Log{"read" + line, "write 4" + line, "write 3" + line, "readv 2" + line, "writev 3" + line,
                   "note why" + line, "close_write" + line, "set_deadline 2 some" + line, "set_deadline 0 some" + line,
                   "set_deadline 1 none" + line, "local_address", "remote_address", "peer_credentials", "native_handle",
                   "release" + line, "close" + line, "reset" + line});
}

/// Checks that each call of a dialer, a binder and what they hand out arrives at the recorder with its site.
void check_network(const Context& context, Dialer& dialer, Binder& binder, Log& log) {
  const auto here = std::source_location::current();
  const std::string line = " " + std::to_string(here.line());
  log.clear();
  const auto dialled = must(dialer.dial(Call(context, here), "kind", "there"));
  REQUIRE_FALSE(log.empty());
  CHECK(log.front() == "dial kind there" + line);
  check_conn(*dialled, log);

  log.clear();
  const auto listener = must(binder.bind(Call(context, here), "kind", "here"));
  REQUIRE_FALSE(log.empty());
  CHECK(log.front() == "bind kind here" + line);
  CHECK(listener->address() == Address{"tcp", "here", 3});
  CHECK(listener->native_handle() == 44);
  log.clear();
  const auto accepted = must(listener->accept(Call(context, here)));
  CHECK(std::ranges::count(log, "accept" + line) == 1);
  check_conn(*accepted, log);
  CHECK(must(listener->release(here)) == 45);
  CHECK(log.back() == "release" + line);
  must(listener->close(here));
  CHECK(log.back() == "close" + line);
}

class PlainProxyBinder final : public leash::net::ProxyBinder {
 public:
  using ProxyBinder::ProxyBinder;

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;
};

class PlainProxyListener final : public leash::net::ProxyListener {
 public:
  using ProxyListener::ProxyListener;

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override {
    return std::make_unique<leash::net::ProxyConn>(must(ProxyListener::do_accept(call)));
  }
};

Result<std::unique_ptr<Listener>> PlainProxyBinder::do_bind(Call call, std::string_view network,
                                                            std::string_view address) {
  return std::make_unique<PlainProxyListener>(must(ProxyBinder::do_bind(call, network, address)));
}

class PlainProxyDialer final : public leash::net::ProxyDialer {
 public:
  using ProxyDialer::ProxyDialer;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override {
    return std::make_unique<leash::net::ProxyConn>(must(ProxyDialer::do_dial(call, network, address)));
  }
};

}  // namespace

TEST_CASE("Proxy: forwards every member with its arguments and its site") {
  RecordingNetwork network;
  PlainProxyDialer dialer(network);
  PlainProxyBinder binder(network);
  check_network(Context(), dialer, binder, network.log);
}

TEST_CASE("Proxy: two of them, one over the other") {
  RecordingNetwork network;
  PlainProxyDialer first_dialer(network);
  PlainProxyBinder first_binder(network);
  // As references to the interface: a proxy made from one of its own type would be a copy, which there is none of.
  Dialer& inner_dialer = first_dialer;
  Binder& inner_binder = first_binder;
  PlainProxyDialer dialer(inner_dialer);
  PlainProxyBinder binder(inner_binder);
  check_network(Context(), dialer, binder, network.log);
  CHECK(&dialer.inner() == &inner_dialer);
  CHECK(&binder.inner() == &inner_binder);
}

TEST_CASE("Proxy: what it wraps must not be null") {
  CHECK_THROWS_AS(leash::net::ProxyConn(nullptr), std::logic_error);
  CHECK_THROWS_AS(leash::net::ProxyListener(nullptr), std::logic_error);
}

TEST_CASE("TrackedDialer and TrackedBinder: forward every member with its arguments and its site") {
  RecordingNetwork network;
  leash::net::TrackedDialer dialer(network);
  leash::net::TrackedBinder binder(network);
  auto [tracker, context] = leash::track::with_tracker(
      Context::background(),
      {.rules = {.double_close = leash::track::Severity::off, .use_after_close = leash::track::Severity::off}});
  check_network(context, dialer, binder, network.log);
  check_network(Context(), dialer, binder, network.log);
  CHECK(tracker.close().ok());
}

TEST_CASE("HookedDialer and HookedBinder: forward every member, and every operation through the hook, with its site") {
  /// What passed through the hook, from which lines.
  struct Seeing final : leash::net::NetworkHook {
    Result<void> around(leash::net::Operation& operation, Next next) override {
      ++counts[operation.kind];
      lines.insert(operation.site.line());
      return next();
    }
    std::map<leash::net::OperationKind, int> counts;
    std::set<unsigned> lines;
  };
  RecordingNetwork network;
  Seeing hook;
  leash::net::HookedDialer dialer(network, hook);
  leash::net::HookedBinder binder(network, hook);
  check_network(Context(), dialer, binder, network.log);
  for (std::size_t kind = 0; kind != leash::net::operation_kinds; ++kind) {
    const std::string name(to_string(static_cast<leash::net::OperationKind>(kind)));
    CAPTURE(name);
    // What check_conn does once, it does with the connection that was dialled and with the one that was accepted.
    int calls = name.starts_with("Conn::") ? 2 : 1;
    if (name == "Conn::write") calls *= 2;
    if (name == "Conn::set_deadline") calls *= 3;
    CHECK(hook.counts[static_cast<leash::net::OperationKind>(kind)] == calls);
  }
  CHECK(hook.lines.size() == 2);
}

TEST_CASE("CountingHook and LoggingHook: forward every member with its arguments and its site") {
  RecordingNetwork network;
  leash::net::CountingHook counting;
  leash::net::LoggingHook logging([](std::string_view) {});
  leash::net::HookedDialer counting_dialer(network, counting);
  leash::net::HookedBinder counting_binder(network, counting);
  Dialer& inner_dialer = counting_dialer;
  Binder& inner_binder = counting_binder;
  leash::net::HookedDialer dialer(inner_dialer, logging);
  leash::net::HookedBinder binder(inner_binder, logging);
  check_network(Context(), dialer, binder, network.log);
}
