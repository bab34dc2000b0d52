#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <leash/net/conformance.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <sstream>
#include <stdexcept>

#include "full_listener.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

// What is checked here keeps its contract. conformance_faults_test.cpp shows that each check can fail.

using leash::Context;
using leash::Result;
using leash::net::check_conn;
using leash::net::check_dialer;
using leash::net::ConformanceFailure;
using leash::net::ConformanceOptions;
using leash::net::ConnPair;
using leash::net::dialled_pairs;

namespace {

/// Checks that do not apply to sockets of the network "unix": docs/conformance.md says why.
const std::vector<std::string> not_of_unix{
    "malformed-address",  "empty-host",           "port-zero",
    "many-binds-at-once", "reset-fails-the-peer", "reset-fails-waiting-write-of-peer",
    "reset-discards"};

void check_keeps_contract(leash::net::Dialer& dialer, leash::net::Binder& binder, ConformanceOptions options) {
  for (const ConformanceFailure& failure : check_dialer(dialer, binder, options)) FAIL_CHECK(failure);
  const auto make_pair = dialled_pairs(dialer, binder, options);
  for (const ConformanceFailure& failure : check_conn(make_pair, options)) FAIL_CHECK(failure);
}

/// Checks a network bare, and then tracked.
void check_keeps_contract(Network& network, const ConformanceOptions& options) {
  check_keeps_contract(network.dialer, network.binder, options);

  leash::net::TrackedDialer dialer(network.dialer);
  leash::net::TrackedBinder binder(network.binder);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  ConformanceOptions tracked = options;
  tracked.context = context;
  check_keeps_contract(dialer, binder, tracked);
  CHECK(tracker.open_count() == 0);
}

}  // namespace

TEST_CASE("Conformance: TCP over IPv4") {
  Network network(Over::tcp);
  leash::net::TcpBinder small(leash::net::TcpBinder::Options{.backlog = 0});
  const FullListener full(network.dialer, small, "127.0.0.1:0");
  check_keeps_contract(network, {.unanswered = full.address()});
}

TEST_CASE("Conformance: TCP over IPv6") {
  Network network(Over::tcp);
  if (!network.binder.bind(Context(), "tcp6", "[::1]:0")) {
    MESSAGE("skipped, there is no IPv6");
    return;
  }
  leash::net::TcpBinder small(leash::net::TcpBinder::Options{.backlog = 0});
  const FullListener full(network.dialer, small, "[::1]:0");
  check_keeps_contract(network, {.network = "tcp6", .address = "[::1]:0", .unanswered = full.address()});
}

TEST_CASE("Conformance: the network in memory") {
  Network network(Over::memory);
  const FullListener full(network.dialer, network.binder, "full:80");
  check_keeps_contract(network, {.unanswered = full.address()});
}

TEST_CASE("Conformance: the network in memory, with next to no buffers") {
  leash::net::MemoryNetwork network(leash::net::MemoryNetwork::Options{.buffer = 1, .backlog = 1});
  check_keeps_contract(network, network, {.more_than_buffers = 20'000});
}

namespace {

/// Checks "unix" at an address, and with one at which the queue is full.
void check_unix(Network& network, leash::net::Binder& small, const std::string& address,
                const std::string& full_address) {
  const FullListener full(network.dialer, small, full_address, "unix");
  check_keeps_contract(network,
                       {.skip = not_of_unix, .network = "unix", .address = address, .unanswered = full.address()});
}

}  // namespace

TEST_CASE("Conformance: unix sockets at a path") {
  const TempDir directory;
  Network network(Over::tcp);
  leash::net::TcpBinder small(leash::net::TcpBinder::Options{.backlog = 0});
  check_unix(network, small, directory / "socket", directory / "full");
}

TEST_CASE("Conformance: unix sockets with an abstract name") {
  const std::string name = "@leash-conformance-" + std::to_string(::getpid());
  Network network(Over::tcp);
  leash::net::TcpBinder small(leash::net::TcpBinder::Options{.backlog = 0});
  check_unix(network, small, name, name + "-full");
}

TEST_CASE("Conformance: unix in memory") {
  Network network(Over::memory);
  check_unix(network, network.binder, "/run/socket", "/run/full");
}

TEST_CASE("Conformance: a failure says what was expected and what happened") {
  const ConformanceFailure failure{"double-close", "a second close to fail", "it succeeded"};
  CHECK(to_string(failure) == "double-close: expected a second close to fail, but it succeeded");
  std::ostringstream out;
  out << failure;
  CHECK(out.str() == to_string(failure));
}

TEST_CASE("Conformance: names of checks are different, and on their page, and a name that no check has is a failure") {
  auto names = leash::net::conn_checks();
  std::ranges::copy(leash::net::dialer_checks(), std::back_inserter(names));
  CHECK(names.size() > 80);
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());

  std::ifstream file(CONFORMANCE_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const std::string_view name : names) CHECK_MESSAGE(page.contains("`" + std::string(name) + "`"), name);

  leash::net::MemoryNetwork network;
  const auto failures =
      check_conn(dialled_pairs(network, network), {.skip = {"no-such-check"}, .only = {"ping-pong", "ends-agree"}});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].check == "no-such-check");
  CHECK(check_conn(dialled_pairs(network, network), {.only = {"ends-agree"}}).size() == 1);
}

TEST_CASE("Conformance: a check that is skipped is not run, and of those that are asked for only they are") {
  int made = 0;
  const auto make_pair = [&](const Context&) -> Result<ConnPair> {
    ++made;
    return leash::fail("make", "a pair", std::errc::not_supported);
  };
  const auto failures = check_conn(make_pair, {.skip = {"transfer"}, .only = {"transfer", "ping-pong"}});
  REQUIRE(failures.size() == 1);
  CHECK(to_string(failures[0]) ==
        "ping-pong: expected a connection to be made to succeed, but it failed: make a pair: Operation not supported");
  CHECK(made == 1);
}

TEST_CASE("Conformance: what throws, is null or is empty is a failure") {
  const ConformanceOptions options{.only = {"ping-pong"}};
  const auto throwing = [](const Context&) -> Result<ConnPair> { throw std::runtime_error("thrown"); };
  const auto thrown = check_conn(throwing, options);
  REQUIRE(thrown.size() == 1);
  CHECK(thrown[0].happened == "there is one: thrown");
  CHECK(check_conn([](const Context&) -> Result<ConnPair> { return ConnPair(); }, options).size() == 1);
  CHECK(check_conn(nullptr, options).size() == 1);
}

TEST_CASE("Conformance: when the Context is done, the check that runs is ended, and no other begins") {
  const Watchdog watchdog;
  leash::net::MemoryNetwork network;
  auto [context, source] = Context::background().with_cancel();
  std::atomic<int> made = 0;
  const auto pairs = dialled_pairs(network, network);
  const auto make_pair = [&](const Context& given) -> Result<ConnPair> {
    if (++made == 3) source.cancel();
    return pairs(given);
  };
  const auto failures = check_conn(make_pair, {.context = context});
  REQUIRE(!failures.empty());
  CHECK(failures.back().check == "ping-pong");
  CHECK(failures.back().happened.contains("the Context was done"));
  CHECK(made == 3);
}

namespace {

/// Whose reads hear nothing of the end of the connection until `let_go`.
class DeafConn final : public leash::net::ProxyConn {
 public:
  DeafConn(std::unique_ptr<Conn> inner, std::shared_future<void> let_go, std::shared_ptr<void> alive)
      : ProxyConn(std::move(inner)), let_go_(std::move(let_go)), alive_(std::move(alive)) {}

 private:
  Result<std::size_t> do_read(std::span<std::byte>, std::source_location) override {
    let_go_.wait();
    return leash::fail("read", "a deaf connection", std::errc::io_error);
  }

  std::shared_future<void> let_go_;
  std::shared_ptr<void> alive_;
};

}  // namespace

TEST_CASE("Conformance: a thread that does not come back is left behind, and named") {
  const Watchdog watchdog;
  leash::net::MemoryNetwork network;
  std::promise<void> let_go;
  const std::shared_future<void> future = let_go.get_future().share();
  std::promise<void> all_gone;
  std::shared_ptr<void> alive(nullptr, [&](std::nullptr_t) { all_gone.set_value(); });
  {
    const auto pairs = dialled_pairs(network, network);
    const auto make_pair = [pairs, future, alive](const Context& context) -> Result<ConnPair> {
      Result<ConnPair> made = pairs(context);
      if (made) made->near = std::make_unique<DeafConn>(std::move(made->near), future, alive);
      return made;
    };
    const auto failures = check_conn(make_pair, {.only = {"read-waits"}, .limit = 200ms});
    REQUIRE(failures.size() >= 2);
    CHECK(failures[0].happened.contains("it hangs after 200 ms; under way is read of the near end"));
    CHECK(failures[1].happened.contains("they were left behind"));
  }
  alive = nullptr;
  let_go.set_value();
  all_gone.get_future().wait();
}
