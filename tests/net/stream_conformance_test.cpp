#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <leash/net/stream_conformance.hpp>
#include <leash/net/tracked_async_binder.hpp>
#include <leash/net/tracked_async_dialer.hpp>
#include <leash/track/tracker.hpp>

#include "async_networks.hpp"
#include "full_listener.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

// What is checked here keeps its contract. stream_conformance_faults_test.cpp shows that each check can fail.

namespace {

using leash::Context;
using leash::net::AsyncNetwork;
using leash::net::check_stream;
using leash::net::ConformanceOptions;
using leash::net::MakeAsyncNetwork;

MakeAsyncNetwork tracked(const MakeAsyncNetwork& make) {
  return [make](const asio::any_io_executor& executor) -> AsyncNetwork {
    struct Both {
      explicit Both(AsyncNetwork network) : inner(std::move(network)) {}

      AsyncNetwork inner;
      leash::net::TrackedAsyncDialer dialer{*inner.dialer};
      leash::net::TrackedAsyncBinder binder{*inner.binder};
    };
    const auto both = std::make_shared<Both>(make(executor));
    return {{both, &both->dialer}, {both, &both->binder}};
  };
}

/// Checks a network bare, and then tracked.
void check_keeps_contract(const MakeAsyncNetwork& make, const ConformanceOptions& options) {
  for (const auto& failure : check_stream(make, options)) FAIL_CHECK(failure);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  ConformanceOptions with_tracker = options;
  with_tracker.context = context;
  for (const auto& failure : check_stream(tracked(make), with_tracker)) FAIL_CHECK("tracked: ", failure);
  CHECK(tracker.open_count() == 0);
}

/// A dial to it waits for ever.
struct FullTcp {
  explicit FullTcp(const std::string& address, std::string_view network = "tcp")
      : full(dialer, binder, address, network) {}

  leash::net::TcpDialer dialer;
  leash::net::TcpBinder binder{leash::net::TcpBinder::Options{.backlog = 0}};
  FullListener full;
};

}  // namespace

TEST_CASE("Stream conformance: without any options") {
  // snippet: test
  const auto make = [](const asio::any_io_executor& executor) -> leash::net::AsyncNetwork {
    return {std::make_shared<leash::net::TcpAsyncDialer>(executor),
            std::make_shared<leash::net::TcpAsyncBinder>(executor)};
  };
  for (const auto& failure : leash::net::check_stream(make)) FAIL_CHECK(failure);
  // end snippet
}

TEST_CASE("Stream conformance: TCP over IPv4") {
  const FullTcp tcp("127.0.0.1:0");
  check_keeps_contract(tcp_async, {.unanswered = tcp.full.address()});
}

TEST_CASE("Stream conformance: TCP over IPv6") {
  if (!leash::net::TcpBinder().bind(Context(), "tcp6", "[::1]:0")) {
    MESSAGE("skipped, there is no IPv6");
    return;
  }
  const FullTcp tcp("[::1]:0");
  check_keeps_contract(tcp_async, {.network = "tcp6", .address = "[::1]:0", .unanswered = tcp.full.address()});
}

TEST_CASE("Stream conformance: unix sockets") {
  const TempDir directory;
  const FullTcp at_path(directory / "full", "unix");
  // The system cannot reset such a connection.
  ConformanceOptions options{.skip = {"reset-by-peer"}, .network = "unix", .unanswered = at_path.full.address()};
  options.address = directory / "socket";
  check_keeps_contract(tcp_async, options);
  options.address = "@leash-stream-conformance-" + std::to_string(::getpid());
  check_keeps_contract(tcp_async, options);
}

TEST_CASE("Stream conformance: the network in memory") {
  leash::net::MemoryNetwork network;
  const FullListener full(network, network, "full:80");
  check_keeps_contract(memory_async(network), {.unanswered = full.address()});
}

TEST_CASE("Stream conformance: the network in memory, with next to no buffers") {
  leash::net::MemoryNetwork network(leash::net::MemoryNetwork::Options{.buffer = 1, .backlog = 4});
  check_keeps_contract(memory_async(network), {.more_than_buffers = 20'000});
}

TEST_CASE("Stream conformance: names of checks are different, and on their page") {
  auto names = leash::net::stream_checks();
  CHECK(names.size() > 40);
  std::ranges::copy(leash::net::conn_checks(), std::back_inserter(names));
  std::ranges::copy(leash::net::dialer_checks(), std::back_inserter(names));
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());

  std::ifstream file(CONFORMANCE_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const std::string_view name : names) CHECK_MESSAGE(page.contains("`" + std::string(name) + "`"), name);
}

TEST_CASE("Stream conformance: the options choose, and what cannot be checked is a failure") {
  leash::net::MemoryNetwork network;
  const auto make = memory_async(network);
  CHECK(check_stream(make, {.only = {"async-transfer"}}).empty());
  const auto unknown = check_stream(make, {.skip = {"no-such-check"}, .only = {"async-transfer"}});
  REQUIRE(unknown.size() == 1);
  CHECK(unknown[0].check == "no-such-check");
  const auto none = check_stream(nullptr, {.only = {"async-transfer"}});
  REQUIRE(none.size() == 1);
  CHECK(to_string(none[0]) == "async-transfer: expected a dialer and a binder, but there are none");
  auto [context, source] = Context::background().with_cancel();
  source.cancel();
  CHECK(check_stream(make, {.context = context}).size() == 1);
}
