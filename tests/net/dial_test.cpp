#include "recorder.hpp"
#include "support.hpp"

// What dialling and binding refuse, over every network.

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::net::Endpoint;
using leash::net::IpAddress;

namespace {

/// Dials and binds what both must refuse in the same words.
void check_refused(Network& network, const Context& context, std::string_view kind, std::string_view address,
                   std::errc code, std::string_view detail) {
  CAPTURE(kind);
  CAPTURE(address);
  const auto check = [&](const Error& error, std::string_view operation) {
    CHECK_MESSAGE(error == code, to_string(error));
    CHECK(error.operation() == operation);
    CHECK(error.subject() == address);
    CHECK(error.detail() == detail);
  };
  check(error_of(network.dialer.dial(context, kind, address)), "dial");
  check(error_of(network.binder.bind(context, kind, address)), "bind");
}

}  // namespace

NETWORK_TEST("Dialer and Binder: refuse addresses that are none") {
  Network network(over);
  const Context context;
  const auto invalid = std::errc::invalid_argument;
  check_refused(network, context, "tcp", "", invalid, "the address is empty");
  check_refused(network, context, "tcp", "localhost", invalid, "missing port in address");
  check_refused(network, context, "tcp", "localhost:70000", invalid, "port 70000 is above 65535");
  check_refused(network, context, "tcp", "localhost:http", invalid,
                "port \"http\" is not a number; names of services are not looked up");
  check_refused(network, context, "tcp", "::1:80", invalid,
                "too many colons in address; an IPv6 address needs brackets");
  check_refused(network, context, "tcp", "[::1:80", invalid, "missing ']' in address");
  for (const char* const address : {"0x7f.1:80", "2130706433:80", "127.1:80", "0177.0.0.1:80", "[127.1]:80"}) {
    check_refused(network, context, "tcp", address, invalid, "the host is made of numbers, but is no IPv4 address");
  }
}

NETWORK_TEST("Dialer and Binder: take an Endpoint, which addresses give") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  for (const IpAddress& ip : {IpAddress::loopback_v4(), IpAddress::loopback_v6()}) {
    const auto listener = must(network.binder.bind(context, {ip, 0}));
    const Endpoint there = must(listener->address().endpoint());
    CHECK(there.address == ip);
    CHECK(there.port != 0);
    const auto near = must(network.dialer.dial(context, there));
    const auto far = must(listener->accept(context));
    CHECK(must(near->remote_address().endpoint()) == there);
    CHECK(must(far->remote_address().endpoint()) == must(near->local_address().endpoint()));
    must(listener->close());
    const Error error = error_of(network.dialer.dial(context, there));
    CHECK(to_string(error) == "dial " + to_string(there) + ": Connection refused");
  }
}

TEST_CASE("Dialer and Binder: an Endpoint is one of tcp, and the site is the caller's") {
  RecordingNetwork network;
  const Endpoint endpoint{IpAddress::loopback_v6(), 80};
  const auto here = std::source_location::current();
  must(network.dial(leash::Call(Context(), here), endpoint));
  must(network.bind(leash::Call(Context(), here), endpoint));
  const std::string line = " " + std::to_string(here.line());
  CHECK(network.log == Log{"dial tcp [::1]:80" + line, "bind tcp [::1]:80" + line});
}

NETWORK_TEST("Dialer and Binder: refuse networks that they do not know") {
  Network network(over);
  const Context context;
  check_refused(network, context, "foo", "localhost:80", std::errc::invalid_argument,
                "unknown network \"foo\"; known are tcp, tcp4, tcp6, unix");
  check_refused(network, context, "", "localhost:80", std::errc::invalid_argument,
                "unknown network \"\"; known are tcp, tcp4, tcp6, unix");
  check_refused(network, context, "unix", "", std::errc::invalid_argument, "empty path");
  check_refused(network, context, "unix", std::string(200, 'a'), std::errc::invalid_argument,
                "the path is longer than that of a socket may be");
  check_refused(network, context, "unix", std::string_view("a\0b", 3), std::errc::invalid_argument, "NUL in path");
}

NETWORK_TEST("Dialer and Binder: refuse an address of the other family") {
  Network network(over);
  const Context context;
  check_refused(network, context, "tcp4", "[::1]:80", std::errc::address_family_not_supported,
                "tcp4 cannot reach an IPv6 address");
  check_refused(network, context, "tcp6", "127.0.0.1:80", std::errc::address_family_not_supported,
                "tcp6 cannot reach an IPv4 address");
  check_refused(network, context, "tcp6", "[::ffff:127.0.0.1]:80", std::errc::address_family_not_supported,
                "tcp6 cannot reach an IPv4 address");
}

NETWORK_TEST("Dialer and Binder: an IPv6 address that stands for an IPv4 address is one of IPv4") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  for (const char* const kind : {"tcp", "tcp4"}) {
    CAPTURE(kind);
    const auto listener = must(network.binder.bind(context, kind, "[::ffff:127.0.0.1]:0"));
    CHECK(listener->address().host == "127.0.0.1");
    const std::string port = std::to_string(listener->address().port);
    const auto near = must(network.dialer.dial(context, kind, "[::ffff:127.0.0.1]:" + port));
    CHECK(near->remote_address() == listener->address());
    CHECK(must(listener->accept(context))->remote_address() == near->local_address());
    CHECK(must(network.dialer.dial(context, kind, "[::ffff:0.0.0.0]:" + port))->remote_address().host == "127.0.0.1");
  }
}

NETWORK_TEST("Dialer and Binder: refuse to begin when the Context is done") {
  Network network(over);
  auto [cancelled, source] = Context::background().with_cancel();
  source.cancel();
  check_refused(network, cancelled, "tcp", "127.0.0.1:0", std::errc::operation_canceled, "");
  const Context expired = Context::background().with_timeout(-1s);
  check_refused(network, expired, "tcp", "127.0.0.1:0", std::errc::timed_out, "");
}

NETWORK_TEST("Dialer: a port where no one listens refuses") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto listener = must(network.binder.bind(context, "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  must(listener->close());
  const Error error = error_of(network.dialer.dial(context, "tcp", address));
  CHECK(to_string(error) == "dial " + address + ": Connection refused");
  CHECK(error == std::errc::connection_refused);
}

NETWORK_TEST("Dialer: names of networks choose the family") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto listener = must(network.binder.bind(context, "tcp4", ":0"));
  CHECK(listener->address().host == "0.0.0.0");
  const std::string port = std::to_string(listener->address().port);
  const auto conn = must(network.dialer.dial(context, "tcp4", ":" + port));
  CHECK(conn->remote_address().host == "127.0.0.1");
  must(listener->accept(context));
}

NETWORK_TEST("Dialer and Binder: IPv6, where the loopback has it") {
  const Watchdog watchdog;
  Network network(over);
  const Context context;
  const auto bound = network.binder.bind(context, "tcp6", "[::1]:0");
  if (!bound) {
    MESSAGE("skipped, there is no IPv6: ", to_string(bound.error()));
    return;
  }
  const auto& listener = *bound;
  CHECK(listener->address().host == "::1");
  const auto near = must(network.dialer.dial(context, "tcp6", to_string(listener->address())));
  const auto far = must(listener->accept(context));
  CHECK(name_of(*near) ==
        "[::1]:" + std::to_string(near->local_address().port) + " -> " + to_string(listener->address()));
  CHECK(near->local_address() == far->remote_address());
  must(near->write("six"));
  CHECK(must(read_up_to(*far, 3)) == "six");
  const auto loopback = must(network.dialer.dial(context, "tcp6", ":" + std::to_string(listener->address().port)));
  CHECK(loopback->remote_address().host == "::1");
}
