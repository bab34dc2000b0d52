#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <leash/fault/sweep.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/fault_binder.hpp>
#include <leash/net/fault_dialer.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/read_full.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/try.hpp>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

using leash::Context;
using leash::Result;
using leash::fault::SweepGroup;
using leash::fault::SweepResult;
using leash::fault::Trouble;

namespace {

/// Both ends of a conversation, one after the other.
Result<void> converse(const Context& context, leash::net::Dialer& dialer, leash::net::Binder& binder) {
  auto listener = binder.bind(context, "tcp", "127.0.0.1:0");
  if (!listener) return std::unexpected(listener.error());
  auto client = dialer.dial(context, "tcp", to_string((*listener)->address()));
  if (!client) return std::unexpected(client.error());
  auto server = (*listener)->accept(context);
  if (!server) return std::unexpected(server.error());
  const auto question = std::as_bytes(std::span(std::string_view("question")));
  LEASH_TRY((*client)->write(question));
  LEASH_TRY((*client)->close_write());
  std::array<std::byte, 8> buffer{};
  const auto read = leash::net::read_full(**server, buffer);
  if (!read) return std::unexpected(read.error());
  const std::array<std::span<const std::byte>, 2> answer = {question.first(4), question.subspan(4)};
  LEASH_TRY((*server)->writev(answer));
  LEASH_TRY((*server)->close());
  const auto got = leash::net::read_full(**client, buffer);
  if (!got) return std::unexpected(got.error());
  return (*client)->close();
}

template <class Dialer, class Binder>
Result<void> converse_with_faults(const Context& context, Dialer& inner_dialer, Binder& inner_binder) {
  leash::net::FaultDialer faulty_dialer(inner_dialer);
  leash::net::FaultBinder faulty_binder(inner_binder);
  leash::net::TrackedDialer dialer(faulty_dialer);
  leash::net::TrackedBinder binder(faulty_binder);
  return converse(context, dialer, binder);
}

void check_clean(const SweepResult& result) {
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.remarks.size() == (leash::tracking_enabled ? 0 : 1));
  CHECK(result.points >= 9);
  CHECK(std::ranges::count(result.groups, Trouble::finding, &SweepGroup::trouble) == 0);
}

}  // namespace

TEST_CASE("dial, accept and what follows come out clean in memory, with one fault and with two") {
  check_clean(leash::fault::sweep([](const Context& context) {
    leash::net::MemoryNetwork network;
    return converse_with_faults(context, network, network);
  }));
}

TEST_CASE("dial, accept and what follows come out clean over TCP, and leave no descriptor") {
  check_clean(leash::fault::sweep(
      [](const Context& context) {
        leash::net::TcpDialer dialer;
        leash::net::TcpBinder binder;
        return converse_with_faults(context, dialer, binder);
      },
      {.tracker = {.rules = {.untracked = leash::track::Severity::failure}}, .faults_per_run = 1}));
}

#if LEASH_TRACKING
TEST_CASE("a connection that is lost when the next one cannot be dialled is found from the test of two that can") {
  using Sessions = std::vector<std::unique_ptr<leash::net::Conn>>;
  const auto connect = [](const Context& context, leash::net::Dialer& dialer, Sessions& sessions) -> Result<void> {
    auto from = dialer.dial(context, "tcp", "source:80");
    if (!from) return std::unexpected(from.error());
    sessions.push_back(std::move(*from));
    auto to = dialer.dial(context, "tcp", "destination:80");
    if (!to) return std::unexpected(to.error());
    sessions.push_back(std::move(*to));
    return {};
  };
  const SweepResult result = leash::fault::sweep([&](const Context& context) -> Result<void> {
    leash::net::MemoryNetwork network;
    auto source = network.bind(Context(), "tcp", "source:80").value();
    auto destination = network.bind(Context(), "tcp", "destination:80").value();
    leash::net::FaultDialer faulty(network);
    leash::net::TrackedDialer dialer(faulty);
    auto sessions = std::make_shared<Sessions>();
    leash::fault::keep_until_verdict(context, sessions);
    Result<void> connected = connect(context, dialer, *sessions);
    if (connected) sessions->clear();
    return connected;
  });
  CAPTURE(result);
  REQUIRE(result.groups.size() == 1);
  const SweepGroup& leak = result.groups.front();
  CHECK(leak.finding->kind.one == "connection");
  CHECK(leak.operations == 1);
  CHECK(result.points == 2);
  CHECK(leak.examples[0].faults.starts_with("`dial destination:80` at tests/fault/network_sweep_test.cpp:"));
  CHECK(leak.examples[0].faults.ends_with(" fails with ECONNREFUSED"));
}
#endif
