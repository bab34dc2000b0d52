#include <doctest/doctest.h>

#include <asio/async_result.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <utility>

namespace {

using DialResult = leash::Result<std::unique_ptr<leash::net::Conn>>;

unsigned line_in_coroutine = 0;

asio::awaitable<DialResult> dial_later(leash::Context ctx, leash::net::Dialer& dialer) {
  co_await asio::post(asio::use_awaitable);
  line_in_coroutine = __LINE__ + 1;
  co_return dialer.dial(ctx, "tcp", "localhost:80");
}

/// An operation as a user would write one: it copies what the Call refers to while it is called.
template <class CompletionToken>
auto async_dial(leash::Call call, asio::io_context& loop, leash::net::Dialer& dialer, CompletionToken&& token) {
  return asio::async_initiate<CompletionToken, void(DialResult)>(
      [&loop, &dialer, ctx = call.context(), site = call.site()](auto handler) {
        asio::post(loop, [&dialer, ctx, site, handler = std::move(handler)]() mutable {
          std::move(handler)(dialer.dial(leash::Call(ctx, site), "tcp", "localhost:80"));
        });
      },
      token);
}

/// What the tracker says of the connection that `body` returns, which ends after the verdict.
template <class Body>
leash::track::Group dialled_by(Body body) {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background(), {.on_late = [](const auto&) {}});
  leash::net::MemoryNetwork network;
  leash::net::TrackedDialer dialer(network);
  const auto listener = network.bind(ctx, "tcp", "localhost:80");
  REQUIRE(listener.has_value());
  asio::io_context loop;
  DialResult dialled = leash::fail("dial", "localhost:80", std::errc::operation_canceled);
  asio::co_spawn(loop, body(ctx, loop, dialer), [&](const std::exception_ptr& thrown, DialResult result) {
    CHECK(thrown == nullptr);
    dialled = std::move(result);
  });
  loop.run();
  REQUIRE(dialled.has_value());
  const leash::track::Report report = tracker.close();
  if constexpr (!leash::tracking_enabled) return {};
  REQUIRE(report.groups.size() == 1);
  return report.groups[0];
}

}  // namespace

TEST_CASE("a coroutine that takes a Context opens with it after the call that started it is over") {
  const auto start = [](const leash::Context& ctx, asio::io_context&, leash::net::Dialer& dialer) {
    return dial_later(ctx.with_note("request 7"), dialer);
  };
  const leash::track::Group group = dialled_by(start);
  if constexpr (leash::tracking_enabled) {
    CHECK(group.opened.site.line() == line_in_coroutine);
    REQUIRE(group.instances.at(0).notes.size() == 1);
    CHECK(group.instances.at(0).notes[0].text == "request 7");
  }
}

TEST_CASE("an operation that copies Context and site when called may start later, and has the line of its caller") {
  unsigned line = 0;
  const auto start = [&](const leash::Context& ctx, asio::io_context& loop, leash::net::Dialer& dialer) {
    line = __LINE__ + 1;
    return async_dial(ctx.with_note("request 8"), loop, dialer, asio::use_awaitable);
  };
  const leash::track::Group group = dialled_by(start);
  if constexpr (leash::tracking_enabled) {
    CHECK(group.opened.site.line() == line);
    REQUIRE(group.instances.at(0).notes.size() == 1);
    CHECK(group.instances.at(0).notes[0].text == "request 8");
  }
}
