#include <doctest/doctest.h>

#include <leash/fmt.hpp>
#include <leash/net/address.hpp>
#include <set>
#include <sstream>
#include <string>
#include <unordered_set>

using leash::net::Address;
using leash::net::HostPort;
using leash::net::join_host_port;
using leash::net::split_host_port;

namespace {

std::string detail_of(std::string_view text) {
  const leash::Result<HostPort> parts = split_host_port(text);
  if (parts) return "it was accepted";
  CHECK(parts.error().operation() == "parse");
  CHECK(parts.error().subject() == text);
  CHECK(parts.error() == std::errc::invalid_argument);
  return std::string(parts.error().detail());
}

}  // namespace

TEST_CASE("Address: prints as host:port, an IPv6 address in brackets") {
  CHECK(to_string(Address{"tcp", "127.0.0.1", 8080}) == "127.0.0.1:8080");
  CHECK(to_string(Address{"tcp", "::1", 80}) == "[::1]:80");
  CHECK(fmt::format("{}", Address{"tcp", "fe80::1%eth0", 80}) == "[fe80::1%eth0]:80");
  std::ostringstream out;
  out << Address{"tcp", "host", 1};
  CHECK(out.str() == "host:1");
}

TEST_CASE("Address: has an Endpoint if it is one of TCP with a numeric host") {
  CHECK(to_string(Address{"tcp", "127.0.0.1", 8080}.endpoint().value()) == "127.0.0.1:8080");
  CHECK(to_string(Address{"tcp", "fe80::1%lo", 80}.endpoint().value()) == "[fe80::1%lo]:80");
  const auto reason = [](const Address& address) { return to_string(address.endpoint().error()); };
  CHECK(reason({"tcp", "server", 80}) == "parse server:80: Invalid argument (not an IP address)");
  CHECK(reason({"tcp", "", 80}) == "parse :80: Invalid argument (not an IP address)");
  CHECK(reason({"unix", "/run/socket", 0}) == "parse /run/socket: Invalid argument (not of TCP)");
  CHECK(reason({"unix", "", 0}) == "parse (unnamed): Invalid argument (not of TCP)");
  CHECK(Address{"tcp", "fe80::1%none", 80}.endpoint().error() == std::errc::no_such_device);
}

TEST_CASE("Address: equal ones have one hash, and those that differ in a part do not") {
  std::unordered_set<Address> addresses;
  std::set<std::size_t> hashes;
  for (const int twice : {1, 2}) {
    CAPTURE(twice);
    for (const Address& address : {Address{"tcp", "a", 1}, Address{"tcp", "a", 2}, Address{"tcp", "b", 1},
                                   Address{"unix", "a", 1}, Address{"a", "tcp", 1}}) {
      addresses.insert(address);
      hashes.insert(std::hash<Address>()(address));
    }
  }
  CHECK(addresses.size() == 5);
  CHECK(hashes.size() == 5);
}

TEST_CASE("split_host_port: takes names, IPv4, IPv6 in brackets, zones, and an empty host") {
  CHECK(split_host_port("localhost:8080") == HostPort{"localhost", 8080});
  CHECK(split_host_port("127.0.0.1:65535") == HostPort{"127.0.0.1", 65535});
  CHECK(split_host_port("[::1]:80") == HostPort{"::1", 80});
  CHECK(split_host_port("[fe80::1%lo]:80") == HostPort{"fe80::1%lo", 80});
  CHECK(split_host_port(":0") == HostPort{"", 0});
  CHECK(split_host_port("[]:7") == HostPort{"", 7});
  CHECK(split_host_port("host:00080") == HostPort{"host", 80});
}

TEST_CASE("split_host_port: says what is wrong") {
  CHECK(detail_of("") == "the address is empty");
  CHECK(detail_of("localhost") == "missing port in address");
  CHECK(detail_of("localhost:") == "missing port in address");
  CHECK(detail_of("[::1]") == "missing port in address");
  CHECK(detail_of("[::1]80:80") == "missing port in address");
  CHECK(detail_of("[::1") == "missing ']' in address");
  CHECK(detail_of("::1") == "too many colons in address; an IPv6 address needs brackets");
  CHECK(detail_of("a:b:80") == "too many colons in address; an IPv6 address needs brackets");
  CHECK(detail_of("[::1]:1:2") == "too many colons in address");
  CHECK(detail_of("ho[st:80") == "unexpected '[' in address");
  CHECK(detail_of("[a[b]:80") == "unexpected '[' in address");
  CHECK(detail_of("ho]st:80") == "unexpected ']' in address");
  CHECK(detail_of(std::string_view("a\0b:80", 6)) == "NUL in address");
  CHECK(detail_of("host:70000") == "port 70000 is above 65535");
  CHECK(detail_of("host:65536") == "port 65536 is above 65535");
  CHECK(detail_of("host:99999999999999999999") == "port 99999999999999999999 is above 65535");
  CHECK(detail_of("host:http") == "port \"http\" is not a number; names of services are not looked up");
  CHECK(detail_of("host:-1") == "port \"-1\" is not a number; names of services are not looked up");
  CHECK(detail_of("host:+1") == "port \"+1\" is not a number; names of services are not looked up");
  CHECK(detail_of("host: 1") == "port \" 1\" is not a number; names of services are not looked up");
}

TEST_CASE("join_host_port: is the reverse of split_host_port") {
  for (const char* const text : {"localhost:8080", "127.0.0.1:0", "[::1]:80", "[fe80::1%lo]:80", ":65535"}) {
    const HostPort parts = split_host_port(text).value();
    CHECK(join_host_port(parts.host, parts.port) == text);
  }
}
