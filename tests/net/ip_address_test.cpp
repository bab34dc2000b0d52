#include <array>
#include <leash/net/endpoint.hpp>
#include <leash/net/ip_address.hpp>
#include <set>
#include <unordered_set>

#include "support.hpp"

using leash::net::Endpoint;
using leash::net::IpAddress;

TEST_CASE("IpAddress: reads what it prints, in the canonical form") {
  const std::vector<std::pair<std::string, std::string>> texts{
      {"127.0.0.1", "127.0.0.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8::0001:0:0:0", "2001:db8:0:0:1::"},
      {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
      {"fe80::1%lo", "fe80::1%lo"},
      {"fe80::1%1", "fe80::1%lo"},
      {"fe80::1%4000000000", "fe80::1%4000000000"},
  };
  for (const auto& [text, printed] : texts) {
    CAPTURE(text);
    CHECK(to_string(must(IpAddress::parse(text))) == printed);
    CHECK(must(IpAddress::parse(printed)) == must(IpAddress::parse(text)));
  }
}

TEST_CASE("IpAddress: refuses what is none") {
  const std::vector<std::string> texts{"",
                                       " ",
                                       "1",
                                       "1.2.3",
                                       "1.2.3.4.5",
                                       "256.0.0.1",
                                       "01.2.3.4",
                                       "1.2.3.4%lo",
                                       "::1%",
                                       "[::1]",
                                       ":::",
                                       "1::2::3",
                                       "::1 ",
                                       "localhost",
                                       std::string("::1\0", 4),
                                       std::string("1.2.3.4\0x", 9),
                                       std::string(5000, ':'),
                                       "::%" + std::string(500, 'e')};
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(error_of(IpAddress::parse(text)) == std::errc::invalid_argument);
  }
  CHECK(error_of(IpAddress::parse("fe80::1%nosuchzone")) == std::errc::no_such_device);
}

TEST_CASE("IpAddress: knows what it stands for") {
  const IpAddress mapped = must(IpAddress::parse("::ffff:10.0.0.1"));
  CHECK(mapped.is_v4_mapped());
  CHECK(mapped.is_v6());
  CHECK(to_string(mapped.unmapped()) == "10.0.0.1");
  CHECK(mapped.unmapped() == IpAddress(IpAddress::V4{10, 0, 0, 1}));
  CHECK(mapped != mapped.unmapped());
  CHECK_FALSE(IpAddress::loopback_v6().is_v4_mapped());
  CHECK(IpAddress::loopback_v6().unmapped() == IpAddress::loopback_v6());
  CHECK_FALSE(must(IpAddress::parse("0.0.255.255")).is_v4_mapped());
  CHECK(IpAddress().is_unspecified());
  CHECK(must(IpAddress::parse("::")).is_unspecified());
  CHECK(must(IpAddress::parse("::")) != IpAddress());
}

TEST_CASE("Endpoint: reads what it prints, and says what is wrong") {
  for (const std::string text : {"127.0.0.1:8080", "[::1]:80", "[fe80::1%lo]:0"}) {
    CHECK(to_string(must(Endpoint::parse(text))) == text);
  }
  CHECK(to_string(error_of(Endpoint::parse("127.0.0.1"))) ==
        "parse 127.0.0.1: Invalid argument (missing port in address)");
  CHECK(to_string(error_of(Endpoint::parse("localhost:80"))) ==
        "parse localhost:80: Invalid argument (not an IP address)");
  CHECK(error_of(Endpoint::parse("[::1%none]:80")) == std::errc::no_such_device);
}

TEST_CASE("IpAddress, Endpoint: equal ones have one hash, and those that differ in a part do not") {
  std::unordered_set<IpAddress> addresses;
  std::unordered_set<Endpoint> endpoints;
  std::set<std::size_t> hashes;
  // The same bytes in either family, another zone, another byte: eight addresses.
  for (const std::string text :
       {"0.0.0.0", "::", "fe80::1", "fe80::1%1", "fe80::1%2", "fe80::2", "10.0.0.1", "a00:1::"}) {
    const IpAddress address = must(IpAddress::parse(text));
    for (const IpAddress& each : {address, must(IpAddress::parse(text))}) {
      addresses.insert(each);
      hashes.insert(std::hash<IpAddress>()(each));
      for (const std::uint16_t port : std::to_array<std::uint16_t>({0, 1, 80})) {
        endpoints.insert({each, port});
        hashes.insert(std::hash<Endpoint>()({each, port}));
      }
    }
  }
  CHECK(addresses.size() == 8);
  CHECK(endpoints.size() == 24);
  CHECK(hashes.size() == 32);
}
