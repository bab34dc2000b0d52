#include <doctest/doctest.h>

#include <array>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/strand.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <exception>
#include <leash/make_unique.hpp>
#include <leash/net/tracked_acceptor.hpp>
#include <leash/net/tracked_socket.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using asio::ip::tcp;
using leash::net::TrackedAcceptor;
using leash::net::TrackedSocket;
using leash::track::Report;
using leash::track::Rule;

static_assert(std::is_base_of_v<tcp::socket, TrackedSocket> && std::is_base_of_v<tcp::acceptor, TrackedAcceptor>);
static_assert(std::is_nothrow_move_constructible_v<TrackedSocket> && std::is_move_assignable_v<TrackedSocket>);
static_assert(!std::is_copy_constructible_v<TrackedSocket>);
static_assert(!std::is_constructible_v<TrackedSocket, asio::io_context&>, "without a Context");
static_assert(leash::tracking_enabled || sizeof(TrackedSocket) == sizeof(tcp::socket));
static_assert(leash::tracking_enabled || sizeof(TrackedAcceptor) == sizeof(tcp::acceptor));

/// A loop, a tracker, and a listener of Asio, which the tracker does not see.
struct Fixture {
  explicit Fixture(leash::track::Options options = {.on_late = [](const Report&) {}})
      : tracked(leash::track::with_tracker(leash::Context::background(), std::move(options))) {}

  leash::track::TrackedContext tracked;
  leash::track::Tracker& tracker = tracked.tracker;
  const leash::Context& ctx = tracked.context;
  asio::io_context loop;
  tcp::acceptor listener{loop, {asio::ip::address_v4::loopback(), 0}};
  tcp::endpoint address = listener.local_endpoint();

  /// A connected socket and its peer.
  std::pair<TrackedSocket, tcp::socket> connected() {
    std::pair<TrackedSocket, tcp::socket> pair(TrackedSocket(ctx, loop), loop);
    pair.first.connect(address);
    listener.accept(pair.second);
    return pair;
  }

  void run() {
    loop.restart();
    loop.run();
  }

  /// The only group of the verdict. Without tracking the loop ends here, and there is none.
  std::optional<leash::track::Group> only_group() {
    const Report report = tracker.close();
    if (!leash::tracking_enabled) return std::nullopt;
    REQUIRE(report.groups.size() == 1);
    return report.groups[0];
  }

  /// The verdict, of which only the rules matter.
  std::vector<Rule> verdict() {
    std::vector<Rule> rules;
    for (const auto& group : tracker.close().groups) rules.push_back(group.rule);
    return rules;
  }
};

std::string text(const tcp::endpoint& endpoint) {
  return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

std::string ends_of(const tcp::socket& socket) {
  return text(socket.local_endpoint()) + " -> " + text(socket.remote_endpoint());
}

/// Closes it without its tag being told.
void close_base(TrackedSocket& socket) { static_cast<tcp::socket&>(socket).close(); }

/// A session as programs have it: its handler owns it.
struct Session {
  explicit Session(TrackedSocket&& socket_) : socket(std::move(socket_)) {}

  TrackedSocket socket;
  std::shared_ptr<Session> handler;
};

}  // namespace

TEST_CASE("a tracked socket that a session keeps alive by itself is a leak with the line that made it") {
  Fixture here;
  const unsigned line = __LINE__ + 1;
  TrackedSocket socket(here.ctx.with_note("request 7"), here.loop);
  asio::async_connect(socket, std::vector{here.address},
                      [](const asio::error_code& code, const auto&) { CHECK(!code); });
  here.run();
  auto peer = here.listener.accept();
  auto session = std::make_shared<Session>(std::move(socket));
  session->handler = session;
  const std::weak_ptr<Session> leaked = session;
  const std::string ends = ends_of(session->socket);
  const int descriptor = static_cast<tcp::socket&>(session->socket).native_handle();
  session = nullptr;
  if (const auto group = here.only_group()) {
    CHECK(group->rule == Rule::leaked);
    CHECK(group->opened.site.line() == line);
    CHECK(group->instances[0].name == ends);
    CHECK(group->instances[0].descriptor == descriptor);
    CHECK(group->instances[0].notes.at(0).text == "request 7");
    CHECK_FALSE(group->instances[0].perhaps_closed);
  }
  leaked.lock()->handler = nullptr;
  CHECK(leaked.expired());
}

TEST_CASE("a tracked socket in a heap that nobody frees is a leak, one that is destroyed or closed is none") {
  Fixture here;
  {
    auto [destroyed, peer] = here.connected();
    auto [closed, other_peer] = here.connected();
    closed.close();
    asio::error_code code;
    closed.close(code);
    closed.shutdown(tcp::socket::shutdown_both, code);
    closed.cancel(code);
  }
  CHECK(here.tracker.open_count() == 0);
  const unsigned line = __LINE__ + 1;
  const auto lost = leash::make_unique<TrackedSocket>(here.ctx, here.loop, tcp::v4());
  if (const auto group = here.only_group()) {
    CHECK(group->rule == Rule::leaked);
    CHECK(group->opened.site.line() == line);
    CHECK(group->instances[0].descriptor == lost->native_handle());
  }
}

TEST_CASE("a tracked socket notes its last use, counts bytes, and tells its use after close") {
  Fixture here;
  auto [socket, peer] = here.connected();
  asio::write(socket, asio::buffer("abcd", 4));
  CHECK(socket.send(asio::buffer("ef", 2)) == 2);
  asio::write(peer, asio::buffer("xyz", 3));
  std::array<char, 3> got{};
  CHECK(socket.receive(asio::buffer(got, 1)) == 1);
  asio::error_code code;
  const unsigned line = __LINE__ + 1;
  CHECK(socket.read_some(asio::buffer(got), code) == 2);
  if (leash::tracking_enabled) {
    const Report open = here.tracker.snapshot();
    const auto& instance = open.groups.at(0).instances.at(0);
    CHECK(instance.bytes_in == 3);
    CHECK(instance.bytes_out == 6);
    CHECK(instance.last_use->at.site.line() == line);
  }
  socket.async_write_some(asio::buffer("!", 1), [](const asio::error_code& failed, std::size_t) { CHECK(!failed); });
  here.run();
  socket.close();
  socket.read_some(asio::buffer(got), code);
  CHECK(code == asio::error::bad_descriptor);
  if (const auto group = here.only_group()) CHECK(group->rule == Rule::use_after_close);
}

unsigned closes_at = 0;

/// The report of what `use` does to a socket that was closed, in the execution context.
template <class Use>
std::string report_of_late(Fixture& here, TrackedSocket& socket, Use use) {
  asio::post(here.loop, [&] {
    closes_at = __LINE__ + 1;
    socket.close();
    use();
  });
  here.run();
  return leash::track::to_string(here.tracker.close());
}

TEST_CASE("of a use after close by an operation of Asio, a report shows the line that called it") {
  Fixture here;
  auto [socket, peer] = here.connected();
  std::array<char, 3> got{};
  unsigned line = 0;
  const std::string report = report_of_late(here, socket, [&] {
    line = __LINE__ + 1;
    asio::async_read(socket, asio::buffer(got), [](const asio::error_code& code, std::size_t) { CHECK(code); });
  });
  if (!leash::tracking_enabled) return;
  CAPTURE(report);
  CHECK(report.contains("tracked_socket_test.cpp:" + std::to_string(line) + ": error: 1 connection used after close"));
  CHECK(!report.contains("asio/impl"));
}

TEST_CASE("of a use after close by an operation of Asio that a coroutine awaits, a report names the operation") {
  Fixture here;
  auto [socket, peer] = here.connected();
  const std::string report = report_of_late(here, socket, [&] {
    asio::co_spawn(
        here.loop,
        [&]() -> asio::awaitable<void> {
          // From here on it runs in the event loop alone, as after any operation that it has waited for.
          co_await asio::post(asio::use_awaitable);
          asio::error_code code;
          co_await asio::async_write(socket, asio::buffer("!", 1), asio::redirect_error(asio::use_awaitable, code));
          CHECK(code == asio::error::bad_descriptor);
        },
        asio::detached);
  });
  if (!leash::tracking_enabled) return;
  CAPTURE(report);
  CHECK(report.starts_with("tests/net/tracked_socket_test.cpp:" + std::to_string(closes_at) + ":"));
  CHECK(report.contains("\n  used in asio::async_write\n  closed at"));
  CHECK(!report.contains("asio/impl"));
}

TEST_CASE("a tracked socket that moves takes its tag along, and what is left can be opened anew") {
  Fixture here;
  auto [first, peer] = here.connected();
  const std::size_t one = leash::tracking_enabled ? 1 : 0;
  TrackedSocket second(std::move(first));
  CHECK(here.tracker.open_count() == one);
  TrackedSocket third(here.ctx, here.loop);
  third = std::move(second);
  CHECK(here.tracker.open_count() == one);
  const unsigned line = __LINE__ + 1;
  first.connect(here.address);  // NOLINT(bugprone-use-after-move): Asio lets one do that
  CHECK(here.tracker.open_count() == 2 * one);
  third.close();
  if (const auto group = here.only_group()) {
    CHECK(group->opened.site.line() == line);
    CHECK(group->instances[0].name == ends_of(first));
  }
}

TEST_CASE("a tracked socket of a concrete executor becomes one of any, with its tag") {
  Fixture here;
  leash::net::BasicTrackedSocket<tcp, asio::io_context::executor_type> concrete(here.ctx, here.loop);
  concrete.connect(here.address);
  TrackedSocket any(std::move(concrete));
  if (const auto group = here.only_group()) CHECK(group->instances[0].name == ends_of(any));
}

TEST_CASE("a close through the base of a tracked socket is noticed at its next call, and no double close") {
  Fixture here({.require_close = leash::track::RequireClose::all, .on_late = [](const Report&) {}});
  {
    auto [socket, peer] = here.connected();
    close_base(socket);
    socket.close();
    CHECK(here.tracker.open_count() == 0);
    auto [used, other_peer] = here.connected();
    close_base(used);
    std::array<char, 1> got{};
    asio::error_code code;
    used.read_some(asio::buffer(got), code);
    CHECK(here.tracker.open_count() == 0);
    used.connect(here.address);
    CHECK(here.tracker.open_count() == (leash::tracking_enabled ? 1 : 0));
    used.close();
  }
  CHECK(here.verdict().empty());
}

TEST_CASE("a close through the base of a tracked socket is noticed when it is moved and when it is destroyed") {
  Fixture here({.require_close = leash::track::RequireClose::all, .on_late = [](const Report&) {}});
  {
    auto [moved, peer] = here.connected();
    close_base(moved);
    const TrackedSocket to(std::move(moved));
    CHECK(here.tracker.open_count() == 0);
    auto [destroyed, other_peer] = here.connected();
    close_base(destroyed);
    const TrackedSocket never_opened(here.ctx, here.loop);
  }
  CHECK(here.tracker.open_count() == 0);
  CHECK(here.verdict().empty());
}

TEST_CASE("a leak whose descriptor means something else was perhaps closed through its base") {
  for (const bool reused : {false, true}) {
    Fixture here;
    auto [socket, peer] = here.connected();
    const int number = socket.native_handle();
    close_base(socket);
    std::optional<tcp::socket> other;
    if (reused) CHECK(other.emplace(here.loop, tcp::v4()).native_handle() == number);
    if (const auto group = here.only_group()) {
      CHECK(group->instances[0].perhaps_closed);
      const std::string report = text(explain(here.tracker.close()), {.width = 200});
      CHECK(report.contains("; perhaps closed through its base; descriptor " + std::to_string(number)));
    }
  }
}

TEST_CASE("of a connection that was accepted, its ends tell whether its descriptor still means it") {
  enum class Now : unsigned char { open, closed, another };
  for (const Now now : {Now::open, Now::closed, Now::another}) {
    CAPTURE(static_cast<int>(now));
    Fixture here;
    tcp::acceptor plain(here.loop, {asio::ip::address_v4::loopback(), 0});
    tcp::socket first(here.loop);
    tcp::socket second(here.loop);
    leash::net::BasicTrackedAcceptor<tcp> acceptor(here.ctx, std::move(plain));
    first.connect(acceptor.local_endpoint());
    TrackedSocket accepted = acceptor.accept();
    acceptor.close();
    const int number = accepted.native_handle();
    if (now != Now::open) close_base(accepted);
    std::optional<tcp::socket> other;
    if (now == Now::another) {
      second.connect(here.address);
      CHECK(other.emplace(here.listener.accept()).native_handle() == number);
    }
    if (const auto group = here.only_group()) CHECK(group->instances[0].perhaps_closed == (now != Now::open));
  }
}

TEST_CASE("a plain socket of Asio is taken in, with its addresses") {
  Fixture here;
  tcp::socket plain(here.loop);
  plain.connect(here.address);
  const unsigned line = __LINE__ + 1;
  TrackedSocket socket = leash::net::track(here.ctx, std::move(plain));
  TrackedSocket assigned(here.ctx, here.loop);
  assigned = tcp::socket(here.loop, tcp::v4());
  assigned.close();
  if (const auto group = here.only_group()) {
    CHECK(group->opened.site.line() == line);
    CHECK(group->instances[0].name == ends_of(socket));
  }
}

TEST_CASE("a descriptor that is released is the user's, not leaked") {
  Fixture here;
  auto [socket, peer] = here.connected();
  const int descriptor = socket.release();
  CHECK(here.verdict().empty());
  TrackedSocket again(leash::Context::background(), here.loop);
  again.assign(tcp::v4(), descriptor);
  CHECK(again.remote_endpoint() == here.address);
}

TEST_CASE("after the verdict a tracked socket works on without a tag, and is reported") {
  std::vector<Rule> late;
  Fixture here({.on_late = [&](const Report& report) { late.push_back(report.groups.at(0).rule); }});
  static_cast<void>(here.tracker.close());
  auto [socket, peer] = here.connected();
  CHECK(socket.send(asio::buffer("x", 1)) == 1);
  CHECK(late == std::vector(leash::tracking_enabled ? 1 : 0, Rule::opened_after_end));
}

TEST_CASE("a tracked socket of the network unix has a name too, connected or not") {
  Fixture here;
  using Unix = asio::local::stream_protocol;
  const Unix::endpoint address(std::string("\0leash-tracked-socket", 21));
  leash::net::BasicTrackedAcceptor<Unix> acceptor(here.ctx, here.loop, address);
  leash::net::BasicTrackedSocket<Unix> socket(here.ctx, here.loop);
  socket.connect(address);
  auto accepted = acceptor.accept();
  static_assert(std::is_same_v<decltype(accepted), leash::net::BasicTrackedSocket<Unix>>);
  acceptor.close();
  socket.close();
  if (const auto group = here.only_group()) CHECK(group->instances[0].name == "@leash-tracked-socket -> (unnamed)");
}

TEST_CASE("threads may use a tracked socket for the first time at once") {
  Fixture here;
  TrackedSocket socket(here.ctx, here.loop);
  static_cast<tcp::socket&>(socket).connect(here.address);
  auto peer = here.listener.accept();
  asio::write(peer, asio::buffer("x", 1));
  std::array<char, 1> got{};
  {
    const std::jthread reads([&] { CHECK(socket.read_some(asio::buffer(got)) == 1); });
    CHECK(socket.write_some(asio::buffer("y", 1)) == 1);
  }
  if (const auto group = here.only_group()) {
    CHECK(group->instances[0].name == ends_of(socket));
    CHECK(group->instances[0].bytes_in == 1);
    CHECK(group->instances[0].bytes_out == 1);
  }
}
