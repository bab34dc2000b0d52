#include <doctest/doctest.h>

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <leash/net/asio.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using asio::ip::tcp;
using leash::net::TrackedAcceptor;
using leash::net::TrackedSocket;

/// An acceptor and clients for it, which the tracker does not see.
struct Server {
  leash::track::TrackedContext tracked =
      leash::track::with_tracker(leash::Context::background(), {.on_late = [](const leash::track::Report&) {}});
  leash::track::Tracker& tracker = tracked.tracker;
  const leash::Context& ctx = tracked.context;
  asio::io_context loop;
  TrackedAcceptor acceptor{ctx, loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::vector<tcp::socket> clients;

  tcp::endpoint dial() {
    clients.emplace_back(loop).connect(acceptor.local_endpoint());
    return clients.back().local_endpoint();
  }

  void run() {
    loop.restart();
    loop.run();
  }

  /// The lines where connections were opened that are open now, sorted. Each must have its addresses.
  std::vector<unsigned> lines_of_connections() {
    std::vector<unsigned> lines;
    for (const auto& group : tracker.snapshot().groups) {
      if (group.kind.one != "connection") continue;
      CHECK(group.instances.at(0).name.starts_with("127.0.0.1:"));
      CHECK(group.instances.at(0).descriptor >= 0);
      lines.push_back(group.opened.site.line());
    }
    std::ranges::sort(lines);
    const auto twice = std::ranges::unique(lines);  // Opened there by different callers.
    lines.erase(twice.begin(), twice.end());
    return lines;
  }
};

asio::awaitable<void> accept_one(TrackedAcceptor& acceptor, unsigned& line, std::vector<TrackedSocket>& accepted) {
  line = __LINE__ + 1;
  accepted.push_back(co_await acceptor.async_accept(asio::use_awaitable));
}

}  // namespace

TEST_CASE("a tracked acceptor that is left open is a leak with its address and the line that made it") {
  Server here;
  here.acceptor.close();
  const unsigned line = __LINE__ + 1;
  const TrackedAcceptor acceptor(here.ctx, here.loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const auto report = here.tracker.close();
  if (!leash::tracking_enabled) return;
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].kind.one == "listener");
  CHECK(report.groups[0].opened.site.line() == line);
  CHECK(report.groups[0].instances[0].name == "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
}

TEST_CASE("a tracked acceptor that listens step by step, moves and closes is no leak") {
  Server here;
  here.acceptor.close();
  {
    TrackedAcceptor acceptor(here.ctx, here.loop);
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen();
    TrackedAcceptor moved(std::move(acceptor));
    if (leash::tracking_enabled) {
      const auto open = here.tracker.snapshot();
      CHECK(open.groups.at(0).instances.at(0).name == "127.0.0.1:" + std::to_string(moved.local_endpoint().port()));
    }
  }
  CHECK(here.tracker.open_count() == 0);
  CHECK(here.tracker.close().groups.empty());
}

TEST_CASE("each form of accept that returns a socket returns a tracked one with the line of the accept") {
  Server here;
  asio::error_code code;
  tcp::endpoint peer;
  here.dial();
  const unsigned line = __LINE__ + 1;
  auto plain = here.acceptor.accept();
  here.dial();
  auto with_code = here.acceptor.accept(code);
  here.dial();
  auto in_loop = here.acceptor.accept(here.loop);
  const auto address = here.dial();
  auto with_all = here.acceptor.accept(here.loop, peer, code);
  static_assert(std::is_same_v<decltype(plain), TrackedSocket> && std::is_same_v<decltype(with_code), TrackedSocket>);
  using InLoop = leash::net::BasicTrackedSocket<tcp, asio::io_context::executor_type>;
  static_assert(std::is_same_v<decltype(in_loop), InLoop> && std::is_same_v<decltype(with_all), InLoop>);
  CHECK(peer == address);
  if (leash::tracking_enabled) CHECK(here.lines_of_connections() == std::vector{line, line + 2, line + 4, line + 6});
}

TEST_CASE("a socket that is passed to an accept gets the line of the accept, each time anew") {
  Server here;
  std::vector<TrackedSocket> sessions;
  TrackedSocket socket(here.ctx, here.loop);
  unsigned line = 0;
  const auto accept = [&](auto self) -> void {
    line = __LINE__ + 1;
    here.acceptor.async_accept(socket, [&, self](const asio::error_code& failed) {
      CHECK(!failed);
      sessions.push_back(std::move(socket));
      if (sessions.size() < 3) self(self);
    });
  };
  accept(accept);
  for (int i = 0; i < 3; ++i) here.dial();
  here.run();
  here.dial();
  here.acceptor.accept(socket);
  if (leash::tracking_enabled) {
    CHECK(here.lines_of_connections() == std::vector{line, line + 10});
    CHECK(here.tracker.open_count() == 5);
  }
  // One of Asio's is accepted as ever.
  tcp::socket untracked(here.loop);
  here.dial();
  here.acceptor.accept(untracked);
  CHECK(untracked.is_open());
  if (leash::tracking_enabled) CHECK(here.tracker.open_count() == 5);
}

TEST_CASE("an asynchronous accept gives its handler a tracked socket, in the executor that it is bound to") {
  Server here;
  auto strand = asio::make_strand(here.loop);
  std::vector<TrackedSocket> accepted;
  tcp::endpoint peer;
  const unsigned line = __LINE__ + 1;
  here.acceptor.async_accept(peer,
                             asio::bind_executor(strand, [&](const asio::error_code& failed, TrackedSocket socket) {
                               CHECK(!failed);
                               CHECK(strand.running_in_this_thread());
                               accepted.push_back(std::move(socket));
                             }));
  const auto address = here.dial();
  here.run();
  CHECK(accepted.size() == 1);
  CHECK(peer == address);
  here.acceptor.async_accept(strand, [&](const asio::error_code& failed, auto socket) {
    static_assert(std::is_same_v<decltype(socket.get_executor()), decltype(strand)>);
    CHECK(!failed);
    accepted.emplace_back(std::move(socket));
  });
  here.dial();
  here.run();
  CHECK(accepted.size() == 2);
  if (leash::tracking_enabled) CHECK(here.lines_of_connections() == std::vector{line, line + 10});
}

TEST_CASE("an accept that is cancelled leaves no tag") {
  Server here;
  asio::cancellation_signal signal;
  bool done = false;
  here.acceptor.async_accept(
      asio::bind_cancellation_slot(signal.slot(), [&](const asio::error_code& failed, TrackedSocket socket) {
        CHECK(failed == asio::error::operation_aborted);
        CHECK_FALSE(socket.is_open());
        CHECK(here.tracker.open_count() == (leash::tracking_enabled ? 1 : 0));  // The acceptor.
        done = true;
      }));
  signal.emit(asio::cancellation_type::all);
  here.run();
  CHECK(done);
  here.acceptor.close();
  CHECK(here.tracker.close().groups.empty());
}

TEST_CASE("a coroutine that awaits an accept gets a tracked socket with the line of the co_await") {
  Server here;
  here.dial();
  unsigned line = 0;
  std::vector<TrackedSocket> accepted;
  asio::co_spawn(here.loop, accept_one(here.acceptor, line, accepted),
                 [](const std::exception_ptr& thrown) { CHECK(thrown == nullptr); });
  here.run();
  REQUIRE(accepted.size() == 1);
  if (leash::tracking_enabled) CHECK(here.lines_of_connections() == std::vector{line});
}
