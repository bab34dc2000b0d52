#include <asio/redirect_error.hpp>
#include <leash/clock.hpp>
#include <leash/net/async_logging_hook.hpp>
#include <leash/net/hooked_async_binder.hpp>
#include <leash/net/hooked_async_dialer.hpp>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <leash/net/logging_hook.hpp>
#include <stdexcept>

#include "async_support.hpp"
#include "recorder.hpp"
#include "support.hpp"

using leash::Context;

namespace {

/// The lines of a LoggingHook, or of an AsyncLoggingHook.
template <class Hook = leash::net::LoggingHook>
class Lines {
 public:
  Lines() : hook([this](std::string_view line) { lines_.emplace_back(line); }) {}

  /// The only line since the last call, without its place, which must be `line` of this source.
  std::string take(unsigned line) {
    REQUIRE(lines_.size() == 1);
    std::string text = std::move(lines_.front());
    lines_.clear();
    const std::string place = "tests/net/logging_test.cpp:" + std::to_string(line) + ": ";
    CAPTURE(text);
    CHECK(text.starts_with(place));
    return text.substr(std::min(place.size(), text.size()));
  }

 private:
  std::vector<std::string> lines_;

 public:
  Hook hook;
};

}  // namespace

NETWORK_TEST("LoggingHook tells each operation in a line, with its place and how it ended") {
  Network network(over);
  Lines<> lines;
  leash::net::HookedDialer dialer(network.dialer, lines.hook);
  leash::net::HookedBinder binder(network.binder, lines.hook);
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  std::byte room[9];
  // clang-format off
  const auto listener = must(binder.bind(ctx, "tcp", "127.0.0.1:0")); const std::string there = to_string(listener->address()); CHECK(lines.take(__LINE__) == "bind tcp 127.0.0.1:0: " + there);
  const auto near = must(dialer.dial(ctx, "tcp", there)); const std::string ends = name_of(*near); CHECK(lines.take(__LINE__) == "dial tcp " + there + ": " + ends);
  const auto far = must(listener->accept(ctx)); CHECK(lines.take(__LINE__) == "Listener::accept " + there + ": from " + to_string(near->local_address()));
  must(far->write("12345")); CHECK(lines.take(__LINE__) == "Conn::write " + name_of(*far) + ": 5 bytes");
  CHECK(must(near->read(std::span(room).first(2))) == 2); CHECK(lines.take(__LINE__) == "Conn::read " + ends + ": 2 bytes");
  CHECK(must(near->read(room)) == 3); CHECK(lines.take(__LINE__) == "Conn::read " + ends + ": 3 of 9 bytes");
  must(near->set_deadline(clock->now() + 1500ms)); CHECK(lines.take(__LINE__) == "Conn::set_deadline " + ends + ": in 1500 ms");
  must(near->set_deadline(leash::Clock::time_point::min())); CHECK(lines.take(__LINE__) == "Conn::set_deadline " + ends + ": past");
  must(near->set_read_deadline(std::nullopt)); CHECK(lines.take(__LINE__) == "Conn::set_deadline " + ends + ": read, none");
  must(near->set_write_deadline(std::nullopt)); CHECK(lines.take(__LINE__) == "Conn::set_deadline " + ends + ": write, none");
  near->note("GET\n/"); CHECK(lines.take(__LINE__) == "Conn::note " + ends + ": GET\\n/");
  must(near->close_write()); CHECK(lines.take(__LINE__) == "Conn::close_write " + ends);
  must(near->close()); CHECK(lines.take(__LINE__) == "Conn::close " + ends);
  must_fail(near->write("123")); CHECK(lines.take(__LINE__).starts_with("Conn::write " + ends + ": 3 bytes: Bad file descriptor"));
  must(listener->close()); CHECK(lines.take(__LINE__) == "Listener::close " + there);
  must_fail(listener->accept(ctx)); CHECK(lines.take(__LINE__) == "Listener::accept " + there + ": Bad file descriptor");
  must_fail(dialer.dial(ctx, "tcp", there)); CHECK(lines.take(__LINE__).starts_with("dial tcp " + there + ": Connection refused"));
  must_fail(dialer.dial(ctx, "udp", "\n")); CHECK(lines.take(__LINE__).starts_with("dial udp \\n: Invalid argument"));
  // clang-format on
}

TEST_CASE("LoggingHook tells how much of a write that failed was written") {
  leash::net::MemoryNetwork network(leash::net::MemoryNetwork::Options{.buffer = 10});
  std::vector<std::string> lines;
  leash::net::LoggingHook hook([&](std::string_view line) { lines.emplace_back(line); });
  leash::net::HookedDialer dialer(network, hook);
  const auto listener = must(network.bind(Context(), "tcp", "server:80"));
  const auto conn = must(dialer.dial(Context(), "tcp", "server:80"));
  auto writer = in_thread([&] { return conn->write("0123456789abc"); });
  CHECK(writer.is_blocked());
  must(listener->close());
  must_fail(writer.get());
  CHECK(lines.back().contains(": 10 of 13 bytes: Connection reset by peer (10 of 13 bytes written)"));
}

TEST_CASE("LoggingHook has a function to log with") {
  CHECK_THROWS_AS(leash::net::LoggingHook(nullptr), std::logic_error);
}

namespace {

asio::awaitable<void> hello(Lines<leash::net::AsyncLoggingHook>& lines, AsyncNetwork& network) {
  leash::net::HookedAsyncDialer dialer(network.dialer, lines.hook);
  leash::net::HookedAsyncBinder binder(network.binder, lines.hook);
  const Context ctx;
  unsigned line = __LINE__ + 1;
  const auto listener = must(co_await binder.async_bind(ctx, "tcp", "127.0.0.1:0", asio::use_awaitable));
  const std::string there = to_string(listener->address());
  CHECK(lines.take(line) == "bind tcp 127.0.0.1:0: " + there);
  line = __LINE__ + 1;
  leash::net::Stream near = must(co_await dialer.async_dial(ctx, "tcp", there, asio::use_awaitable));
  const std::string here = to_string(near.local_address());
  CHECK(lines.take(line) == "dial tcp " + there + ": " + here + " -> " + there);
  line = __LINE__ + 1;
  leash::net::Stream far = must(co_await listener->async_accept(ctx, asio::use_awaitable));
  CHECK(lines.take(line) == "Listener::accept " + there + ": from " + here);
  line = __LINE__ + 1;
  co_await near.async_write_some(asio::buffer("hello", 5), asio::use_awaitable);
  CHECK(lines.take(line) == "Conn::write " + here + " -> " + there + ": 5 bytes");
  std::array<char, 9> got{};
  line = __LINE__ + 1;
  co_await far.async_read_some(asio::buffer(got), asio::use_awaitable);
  CHECK(lines.take(line) == "Conn::read " + there + " -> " + here + ": 5 of 9 bytes");
  must(near.reset());
  CHECK(lines.take(__LINE__ - 1) == "Conn::reset " + here + " -> " + there);
  asio::error_code code;
  line = __LINE__ + 1;
  co_await far.async_read_some(asio::buffer(got), asio::redirect_error(asio::use_awaitable, code));
  CHECK(code == asio::error::connection_reset);
  CHECK(lines.take(line) == "Conn::read " + there + " -> " + here + ": 9 bytes: Connection reset by peer");
}

}  // namespace

NETWORK_TEST("AsyncLoggingHook tells each operation in a line when it is over") {
  AsyncNetwork network(over);
  Lines<leash::net::AsyncLoggingHook> lines;
  run(network.loop, hello(lines, network));
}
