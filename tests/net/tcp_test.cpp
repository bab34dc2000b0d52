#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <leash/net/detail/socket.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/scripted_resolver.hpp>

#include "black_hole.hpp"
#include "support.hpp"

// What only real sockets have: names, several addresses, descriptors and their options.

using leash::Call;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::net::Conn;
using leash::net::IpAddress;
using leash::net::Listener;
using leash::net::Resolver;
using leash::net::ScriptedResolver;
using leash::net::TcpBinder;
using leash::net::TcpDialer;
using leash::net::detail::SocketAddress;
using leash::os::Descriptor;

namespace {

/// Answers with what it was made with.
class FakeResolver final : public Resolver {
 public:
  explicit FakeResolver(std::vector<std::string> addresses) : addresses_(std::move(addresses)) {}

  int questions() const { return questions_; }

 private:
  Result<std::vector<std::string>> do_resolve(Call, std::string_view, std::string_view) override {
    ++questions_;
    return addresses_;
  }

  std::vector<std::string> addresses_;
  std::atomic<int> questions_ = 0;
};

TcpDialer::Options resolving_to(std::vector<std::string> addresses) {
  return {.resolver = std::make_shared<FakeResolver>(std::move(addresses))};
}

int option(int descriptor, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(descriptor, level, name, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("TcpDialer: a name that no one knows") {
  const Watchdog watchdog;
  TcpDialer dialer(resolving_to({}));
  const Error error = error_of(dialer.dial(Context(), "tcp", "nowhere.test:80"));
  CHECK(error == leash::net::errc::host_not_found);
  CHECK(to_string(error) == "dial nowhere.test:80: Host not found (no address)");
}

TEST_CASE("TcpDialer: a numeric address asks no resolver, nor does an empty host") {
  const Watchdog watchdog;
  const auto resolver = std::make_shared<FakeResolver>(std::vector<std::string>{"127.0.0.9"});
  TcpDialer dialer(TcpDialer::Options{.resolver = resolver});
  TcpBinder binder(TcpBinder::Options{.resolver = resolver});
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  must(dialer.dial(Context(), "tcp", to_string(listener->address())));
  must(dialer.dial(Context(), "tcp", ":" + std::to_string(listener->address().port)));
  CHECK(resolver->questions() == 0);
}

TEST_CASE("TcpDialer: several addresses are tried in order, until one answers") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.3:0"));
  TcpDialer dialer(resolving_to({"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}));
  const std::string port = std::to_string(listener->address().port);
  const auto conn = must(dialer.dial(Context(), "tcp", "three.test:" + port));
  CHECK(conn->remote_address() == listener->address());
}

TEST_CASE("TcpDialer: when none answers, the first failure is reported, and all are causes") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string port = std::to_string(listener->address().port);
  must(listener->close());
  TcpDialer dialer(resolving_to({"127.0.0.1", "255.255.255.255", "127.0.0.2"}));
  const Error error = error_of(dialer.dial(Context(), "tcp", "three.test:" + port));
  CHECK(error == std::errc::connection_refused);
  CHECK(error.operation() == "dial");
  CHECK(error.subject() == "three.test:" + port);
  REQUIRE(error.causes().size() == 3);
  CHECK(to_string(error.causes()[0]) == "connect 127.0.0.1:" + port + ": Connection refused");
  CHECK(error.causes()[1].subject() == "255.255.255.255:" + port);
  CHECK(error.causes()[1].code());
  CHECK(to_string(error.causes()[2]) == "connect 127.0.0.2:" + port + ": Connection refused");
}

TEST_CASE("TcpDialer: of a resolver's addresses only those of the network's family count") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp4", "127.0.0.1:0"));
  const std::string port = std::to_string(listener->address().port);
  TcpDialer both(resolving_to({"::1", "127.0.0.1"}));
  CHECK(must(both.dial(Context(), "tcp4", "both.test:" + port))->remote_address().host == "127.0.0.1");
  TcpDialer only_six(resolving_to({"::1"}));
  const Error error = error_of(only_six.dial(Context(), "tcp4", "six.test:" + port));
  CHECK(error == std::errc::address_family_not_supported);
  CHECK(error.detail() == "the host has no address for tcp4");
}

TEST_CASE("TcpDialer: a resolver's answer that is no address") {
  TcpDialer dialer(resolving_to({"nonsense"}));
  const Error error = error_of(dialer.dial(Context(), "tcp", "bad.test:80"));
  CHECK(error == std::errc::invalid_argument);
  CHECK(error.subject() == "bad.test:80");
  CHECK(error.detail() == "\"nonsense\" is no numeric address");
}

TEST_CASE("TcpDialer: a zone that does not exist") {
  TcpDialer dialer;
  const Error error = error_of(dialer.dial(Context(), "tcp", "[fe80::1%nosuchzone]:80"));
  CHECK(error == std::errc::no_such_device);
  CHECK(error.subject() == "[fe80::1%nosuchzone]:80");
}

TEST_CASE("TcpDialer: a zone is part of the address") {
  const SocketAddress address(must(leash::net::Endpoint::parse("[fe80::1%lo]:80")));
  CHECK(to_string(address.endpoint()) == "[fe80::1%lo]:80");
}

TEST_CASE("TcpDialer: cancellation ends a hanging resolver's dial, and so does a deadline") {
  const Watchdog watchdog;
  TcpDialer dialer(TcpDialer::Options{.resolver = std::make_shared<ScriptedResolver>()});
  const auto before = open_descriptors();
  auto [context, source] = Context::background().with_cancel();
  auto dial = in_thread([&] { return dialer.dial(context, "tcp", "hangs.test:80"); });
  dial.wait_until_blocked();
  source.cancel(Error("stop", "client", std::errc::interrupted));
  const Error error = error_of(dial.get());
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.operation() == "dial");
  CHECK(error.subject() == "hangs.test:80");
  REQUIRE(error.causes().size() == 1);
  CHECK(error.causes()[0].operation() == "stop");

  const auto clock = std::make_shared<FakeClock>();
  const Context limited = Context::background().with_clock(clock).with_timeout(30s);
  dial = in_thread([&] { return dialer.dial(limited, "tcp", "hangs.test:80"); });
  clock->advance(29s);
  CHECK(dial.is_blocked());
  clock->advance(1s);
  CHECK(error_of(dial.get()).timeout());
  CHECK(open_descriptors() == before);
}

TEST_CASE("TcpDialer: cancellation ends a connect that no one answers, and so does a deadline") {
  const Watchdog watchdog;
  const BlackHole hole;
  TcpDialer dialer;
  const auto before = open_descriptors();
  auto [context, source] = Context::background().with_cancel();
  auto dial = in_thread([&] { return dialer.dial(context, "tcp", hole.address()); });
  CHECK(dial.is_blocked());
  source.cancel();
  const Error error = error_of(dial.get());
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.operation() == "dial");
  CHECK(error.subject() == hole.address());

  const auto clock = std::make_shared<FakeClock>();
  const Context limited = Context::background().with_clock(clock).with_timeout(30s);
  dial = in_thread([&] { return dialer.dial(limited, "tcp", hole.address()); });
  clock->advance(29s);
  CHECK(dial.is_blocked());
  clock->advance(1s);
  CHECK(error_of(dial.get()).timeout());
  CHECK(open_descriptors() == before);
}

TEST_CASE("TcpDialer: a cancellation that races the connect leaves either a connection or nothing") {
  const Watchdog watchdog;
  TcpDialer dialer;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  const auto before = open_descriptors();
  for (int round = 0; round < 200; ++round) {
    auto [context, source] = Context::background().with_cancel();
    auto dial = in_thread([&] { return dialer.dial(context, "tcp", address); });
    // From not begun to done.
    for (std::atomic<int> moment = 0; moment < round * 500; ++moment) {
    }
    source.cancel();
    const auto conn = dial.get();
    if (conn) {
      CHECK((*conn)->write("stands").has_value());
    } else {
      CHECK(conn.error() == std::errc::operation_canceled);
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE(
    "TcpDialer: an address that does not answer delays the next by a quarter of a second, whatever the deadline") {
  const Watchdog watchdog;
  const BlackHole hole;
  TcpBinder binder;
  const std::string port = std::to_string(hole.port());
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.2:" + port));
  TcpDialer dialer(resolving_to({"127.0.0.1", "127.0.0.2"}));
  const auto before = open_descriptors();

  const auto time_to_dial = [&](std::chrono::milliseconds timeout) {
    const auto clock = std::make_shared<FakeClock>();
    const auto start = clock->now();
    const Context context = Context::background().with_clock(clock).with_timeout(timeout);
    auto dial = in_thread([&] { return dialer.dial(context, "tcp", "two.test:" + port); });
    dial.wait_until_blocked();
    clock->advance(250ms);
    const auto conn = must(dial.get());
    CHECK(conn->remote_address() == listener->address());
    return clock->now() - start;
  };
  CHECK(time_to_dial(30s) == 250ms);
  CHECK(time_to_dial(1s) == 250ms);
  CHECK(time_to_dial(251ms) == 250ms);
  CHECK(open_descriptors() == before);
}

TEST_CASE("TcpDialer: when an attempt has used up its share, the next begins at once") {
  const Watchdog watchdog;
  const BlackHole hole;
  TcpBinder binder;
  const std::string port = std::to_string(hole.port());
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.2:" + port));
  std::vector<std::string> addresses(9, "127.0.0.1");
  addresses.emplace_back("127.0.0.2");
  TcpDialer dialer(resolving_to(addresses));
  const auto clock = std::make_shared<FakeClock>();
  const auto start = clock->now();
  const Context context = Context::background().with_clock(clock).with_timeout(21s);
  auto dial = in_thread([&] { return dialer.dial(context, "tcp", "ten.test:" + port); });
  // The ninth begins at 2 s, and the share of the first ends at 2.1 s.
  for (int i = 0; i < 8; ++i) {
    CHECK(dial.is_blocked());
    clock->advance(250ms);
  }
  CHECK(dial.is_blocked());
  clock->advance(100ms);
  must(dial.get());
  CHECK(clock->now() - start == 2100ms);
}

TEST_CASE("TcpDialer: a local address to dial from") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto listener_v6 = must(binder.bind(Context(), "tcp", "[::1]:0"));
  for (const std::string host : {"127.0.0.5", "::1"}) {
    const bool v4 = host != "::1";
    TcpDialer dialer(TcpDialer::Options{.local_address = leash::net::join_host_port(host, 0)});
    const auto conn = must(dialer.dial(Context(), "tcp", to_string((v4 ? listener : listener_v6)->address())));
    CHECK(conn->local_address().host == host);
    CHECK(conn->local_address().port != 0);
    // Two connections of one local address that go elsewhere may have one port.
    CHECK(option(conn->native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == 1);
  }

  TcpDialer elsewhere(TcpDialer::Options{.local_address = "192.0.2.1:0"});
  const Error error = error_of(elsewhere.dial(Context(), "tcp", to_string(listener->address())));
  CHECK(error == std::errc::address_not_available);
  TcpDialer nonsense(TcpDialer::Options{.local_address = "nonsense"});
  CHECK(error_of(nonsense.dial(Context(), "tcp", to_string(listener->address()))).subject() == "nonsense");
}

TEST_CASE("TcpDialer: a local address and mapped IPv4 addresses") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string port = std::to_string(listener->address().port);
  const auto resolver = std::make_shared<FakeResolver>(std::vector<std::string>{"::ffff:127.0.0.1"});
  for (const char* const local : {"127.0.0.5:0", "[::ffff:127.0.0.5]:0"}) {
    TcpDialer dialer(TcpDialer::Options{.resolver = resolver, .local_address = local});
    for (const char* const host : {"127.0.0.1:", "[::ffff:127.0.0.1]:", "mapped.test:"}) {
      for (const char* const network : {"tcp", "tcp4"}) {
        CAPTURE(local);
        CAPTURE(host);
        CHECK(must(dialer.dial(Context(), network, host + port))->local_address().host == "127.0.0.5");
      }
      CHECK(error_of(dialer.dial(Context(), "tcp6", host + port)) == std::errc::address_family_not_supported);
    }
  }
  TcpDialer v6(TcpDialer::Options{.resolver = resolver, .local_address = "[::1]:0"});
  for (const char* const host : {"[::ffff:127.0.0.1]:", "mapped.test:"}) {
    CHECK(to_string(error_of(v6.dial(Context(), "tcp", host + port))) ==
          "dial " + (host + port) +
              ": Address family not supported by protocol (no suitable address for the local address [::1]:0)");
  }
}

TEST_CASE("TcpDialer: does not take its own port for the one it dials") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  must(listener->close());
  TcpDialer dialer(TcpDialer::Options{.local_address = address});
  CHECK(error_of(dialer.dial(Context(), "tcp", address)) == std::errc::connection_refused);
}

TEST_CASE("TcpDialer and TcpBinder: sockets close on exec, send at once and are kept alive") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  const Pair pair = make_pair(network);
  CHECK((::fcntl(pair.listener->native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  for (const Conn* const conn : {pair.near.get(), pair.far.get()}) {
    const int descriptor = conn->native_handle();
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option(descriptor, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE) == 15);
    CHECK(option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
  }
}

TEST_CASE("TcpDialer and TcpBinder: keep-alive and no-delay can be turned off") {
  const Watchdog watchdog;
  TcpDialer dialer(TcpDialer::Options{.socket = {.keep_alive = 0s, .no_delay = false}});
  TcpBinder binder(TcpBinder::Options{.socket = {.keep_alive = 0s, .no_delay = false}});
  const Pair pair = make_pair(dialer, binder);
  for (const Conn* const conn : {pair.near.get(), pair.far.get()}) {
    CHECK(option(conn->native_handle(), IPPROTO_TCP, TCP_NODELAY) == 0);
    CHECK(option(conn->native_handle(), SOL_SOCKET, SO_KEEPALIVE) == 0);
  }
}

TEST_CASE("TcpBinder: what it accepts has the options of its own, those of the listening socket") {
  const Watchdog watchdog;
  TcpDialer dialer;
  for (const char* const address : {"127.0.0.1:0", "[::1]:0", ":0"}) {
    CAPTURE(address);
    TcpBinder binder(TcpBinder::Options{
        .socket = {
            .keep_alive = 40s, .keep_alive_interval = 7s, .keep_alive_count = 3, .no_delay = true, .linger = 5s}});
    const auto listener = must(binder.bind(Context(), "tcp", address));
    const auto near = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
    const auto far = must(listener->accept(Context()));
    for (const int descriptor : {listener->native_handle(), far->native_handle()}) {
      CHECK(option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1);
      CHECK(option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE) == 40);
      CHECK(option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL) == 7);
      CHECK(option(descriptor, IPPROTO_TCP, TCP_KEEPCNT) == 3);
      CHECK(option(descriptor, IPPROTO_TCP, TCP_NODELAY) == 1);
      linger value{};
      socklen_t size = sizeof value;
      REQUIRE(::getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, &size) == 0);
      CHECK(value.l_onoff == 1);
      CHECK(value.l_linger == 5);
    }
    CHECK(far->local_address() == near->remote_address());
    const SocketAddress local = SocketAddress::local_of(far->native_handle()).value();
    CHECK(far->local_address() == address_of(local));
  }
}

TEST_CASE("TcpConn: release gives up the descriptor, ends what waits, and leaves the connection standing") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  const Pair pair = make_pair(network);
  const int number = pair.near->native_handle();
  auto reader = in_thread([&] { return read_some(*pair.near); });
  reader.wait_until_blocked();
  const Descriptor released(must(pair.near->release()));
  CHECK(released.get() == number);
  CHECK(error_of(reader.get()) == std::errc::bad_file_descriptor);
  CHECK(error_of(pair.near->close()) == std::errc::bad_file_descriptor);
  CHECK(pair.near->native_handle() == -1);
  CHECK(::send(released.get(), "raw", 3, MSG_NOSIGNAL) == 3);
  CHECK(must(read_up_to(*pair.far, 3)) == "raw");
}

TEST_CASE("TcpConn: a connection that never waits has one descriptor") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  const auto before = open_descriptors();
  const Pair pair = make_pair(network);
  must(pair.near->write("x"));
  CHECK(open_descriptors().size() == before.size() + 3);
}

TEST_CASE("TcpConn: closed while it waits, its descriptor is gone when close returns") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  const auto before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    const Pair pair = make_pair(network);
    const int descriptor = pair.near->native_handle();
    auto reader = in_thread([&] { return read_some(*pair.near); });
    auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
    if (round % 2 == 0) {
      reader.wait_until_blocked();
      writer.wait_until_blocked();
    }
    must(pair.near->close());
    CHECK(::fcntl(descriptor, F_GETFD) == -1);
    CHECK(error_of(reader.get()) == std::errc::bad_file_descriptor);
    CHECK(error_of(writer.get()) == std::errc::bad_file_descriptor);
  }
  // The threads have ended, and with them what they waited by.
  CHECK(open_descriptors() == before);
}

TEST_CASE("Tcp: whatever fails leaves no descriptor") {
  const Watchdog watchdog;
  const BlackHole hole;
  TcpBinder binder;
  TcpDialer dialer;
  TcpDialer unknown(resolving_to({}));
  TcpDialer refused_twice(resolving_to({"127.0.0.2", "127.0.0.3"}));
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string taken = to_string(listener->address());
  const auto before = open_descriptors();
  const Context brief = Context::background().with_timeout(20ms);

  must_fail(unknown.dial(Context(), "tcp", "nowhere.test:80"));
  must_fail(refused_twice.dial(Context(), "tcp", "two.test:" + std::to_string(hole.port())));
  must_fail(dialer.dial(Context(), "tcp", "255.255.255.255:9"));
  must_fail(dialer.dial(Context(), "tcp", "no port"));
  must_fail(dialer.dial(brief, "tcp", hole.address()));
  must_fail(binder.bind(Context(), "tcp", taken));
  must_fail(binder.bind(Context(), "tcp", "192.0.2.1:0"));
  must_fail(listener->accept(Context::background().with_timeout(20ms)));
  CHECK(open_descriptors() == before);
}

TEST_CASE(
    "TcpBinder: the Error of a bind tells the address that was chosen, where it is not the one that was written") {
  const Watchdog watchdog;
  TcpBinder binder(TcpBinder::Options{
      .resolver = std::make_shared<FakeResolver>(std::vector<std::string>{"::1", "127.0.0.1", "127.0.0.2"})});
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string port = std::to_string(listener->address().port);
  const auto reason = [&](const std::string& address) {
    return to_string(error_of(binder.bind(Context(), "tcp", address)));
  };
  CHECK(reason("db:" + port) == "bind db:" + port + ": Address already in use (at 127.0.0.1:" + port + ")");
  CHECK(reason("127.0.0.1:" + port) == "bind 127.0.0.1:" + port + ": Address already in use");
  CHECK(reason(":" + port).starts_with("bind :" + port + ": Address already in use (at "));
}

TEST_CASE("TcpBinder: an accept fails where another socket has the listener's number by now") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  {
    const Descriptor datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::dup2(datagrams.get(), listener->native_handle()) != -1);
  }
  CHECK(error_of(listener->accept(Context())) == std::errc::operation_not_supported);
}
