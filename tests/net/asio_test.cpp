#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/async_result.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <cstring>
#include <exception>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
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

TEST_CASE("a connection is taken out as a socket of Asio, used, and put in again") {
  const leash::Context ctx;
  leash::net::TcpBinder binder;
  leash::net::TcpDialer dialer;
  for (const std::string here : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listener = binder.bind(ctx, "tcp", here);
    if (!listener) continue;  // without IPv6
    auto dialled = dialer.dial(ctx, "tcp", to_string((*listener)->address())).value();
    const auto accepted = (*listener)->accept(ctx).value();
    const auto remote = to_string(dialled->remote_address());
    asio::io_context loop;
    auto socket = leash::net::to_asio(*dialled, loop.get_executor());
    REQUIRE(socket.has_value());
    CHECK(to_string(leash::net::from_asio(socket->remote_endpoint())) == remote);
    CHECK(leash::net::to_asio(leash::net::from_asio(socket->local_endpoint())) == socket->local_endpoint());
    CHECK(dialled->native_handle() == -1);
    std::size_t sent = 0;
    socket->async_write_some(asio::buffer("text", 4), [&](const asio::error_code&, std::size_t size) { sent = size; });
    loop.run();
    CHECK(sent == 4);

    auto [tracker, tracked] = leash::track::with_tracker(ctx);
    const auto again = leash::net::adopt(tracked, *std::move(socket));
    REQUIRE(again.has_value());
    CHECK((*again)->write("more"));
    std::array<std::byte, 8> buffer{};
    std::size_t count = 0;
    while (count < 8) count += accepted->read(std::span(buffer).subspan(count)).value();
    CHECK(std::memcmp(buffer.data(), "textmore", 8) == 0);
    const leash::track::Report report = tracker.snapshot();
    if (leash::tracking_enabled) {
      REQUIRE(report.groups.size() == 1);
      CHECK(report.groups[0].instances[0].name == to_string((*again)->local_address()) + " -> " + remote);
    }
    CHECK((*again)->close());
    CHECK(tracker.close().ok());
  }
}

TEST_CASE("what is no connection is not taken in, and stays its owner's") {
  const leash::Context ctx;
  const auto code_of = [](const auto& result) { return result ? std::error_code() : result.error().code(); };
  CHECK(code_of(leash::net::adopt(ctx, -1)) == std::errc::bad_file_descriptor);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(code_of(leash::net::adopt(ctx, file)) == std::errc::not_a_socket);
  CHECK(::close(file) == 0);
  const int datagrams = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(code_of(leash::net::adopt(ctx, datagrams)) == std::errc::invalid_argument);
  CHECK(::close(datagrams) == 0);
  const int unconnected = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(code_of(leash::net::adopt(ctx, unconnected)) == std::errc::not_connected);
  auto [tracker, tracked] = leash::track::with_tracker(ctx, {.on_late = [](const auto&) {}});
  static_cast<void>(tracker.close());
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  if (leash::tracking_enabled)
    CHECK(code_of(leash::net::adopt(tracked, ends[0])) == leash::track::errc::tracker_closed);
  {
    const auto conn = leash::net::adopt(ctx, ends[0]);
    REQUIRE(conn.has_value());
    CHECK((*conn)->write("x"));
    char byte = 0;
    CHECK(::recv(ends[1], &byte, 1, 0) == 1);
  }
  CHECK(::fcntl(ends[0], F_GETFD) == -1);
  CHECK(::close(ends[1]) == 0);
  CHECK(::close(unconnected) == 0);
}
