#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/thread_pool.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/static_resolver.hpp>
#include <leash/track/tracker.hpp>
#include <random>
#include <stdexcept>

#include "async_support.hpp"
#include "black_hole.hpp"

// Asynchronous dials, binds and accepts: what the blocking ones promise, and what only these can do wrong.

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::net::Endpoint;
using leash::net::IpAddress;
using leash::net::ScriptedResolver;
using leash::net::StaticResolver;
using leash::net::Stream;
using leash::net::TcpAsyncBinder;
using leash::net::TcpAsyncDialer;

namespace {

asio::awaitable<void> echo(Stream stream) {
  std::array<char, 64> buffer{};
  for (;;) {
    const std::size_t count = co_await stream.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    co_await asio::async_write(stream, asio::buffer(buffer, count), asio::use_awaitable);
  }
}

Error dial_error(asio::io_context& loop, leash::net::AsyncDialer& dialer, const Context& context,
                 const std::string& address, std::string_view network = "tcp") {
  return error_of(run(loop, dialer.async_dial(context, network, address, asio::use_awaitable)));
}

}  // namespace

TEST_CASE("the same coroutine runs over TCP, and over memory with a FakeClock") {
  const Watchdog watchdog;
  const auto converse = [](Context context, leash::net::AsyncDialer& dialer,
                           leash::net::AsyncBinder& binder) -> asio::awaitable<std::string> {
    const auto listener = must(co_await binder.async_bind(context, "tcp", "127.0.0.1:0", asio::use_awaitable));
    Stream near = must(co_await dialer.async_dial(context, "tcp", to_string(listener->address()), asio::use_awaitable));
    asio::co_spawn(near.get_executor(), echo(must(co_await listener->async_accept(context, asio::use_awaitable))),
                   [](const std::exception_ptr&) {});
    co_await asio::async_write(near, asio::buffer("hello", 5), asio::use_awaitable);
    std::string answer(5, '\0');
    co_await asio::async_read(near, asio::buffer(answer), asio::use_awaitable);
    must(near.close());
    co_return answer;
  };
  AsyncNetwork tcp(Over::tcp);
  CHECK(run(tcp.loop, converse(Context(), tcp.dialer, tcp.binder)) == "hello");
  AsyncNetwork memory(Over::memory);
  const Context context = Context().with_clock(std::make_shared<FakeClock>());
  CHECK(run(memory.loop, converse(context, memory.dialer, memory.binder)) == "hello");
}

NETWORK_TEST("AsyncDialer and AsyncBinder refuse what is no address, as the blocking ones do") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  Network blocking(over);
  const Context context;
  for (const char* const address : {"", "localhost", "localhost:70000", "::1:80", "127.1:80", "[::1:80"}) {
    const auto expected = to_string(error_of(blocking.dialer.dial(context, "tcp", address)));
    CHECK(to_string(dial_error(network.loop, network.dialer, context, address)) == expected);
    auto bound = run(network.loop, network.binder.async_bind(context, "tcp", address, asio::use_awaitable));
    CHECK(to_string(error_of(std::move(bound))) == to_string(error_of(blocking.binder.bind(context, "tcp", address))));
  }
  CHECK(dial_error(network.loop, network.dialer, context, "localhost:1", "udp") == std::errc::invalid_argument);
}

TEST_CASE("TcpAsyncDialer: races the addresses of a name, and tells what was under way") {
  const Watchdog watchdog;
  asio::io_context loop;
  TcpAsyncBinder binder(loop.get_executor());
  const auto listener = must(run(loop, binder.async_bind(Context(), "tcp", "127.0.0.1:0", asio::use_awaitable)));
  const BlackHole hole;
  const auto resolver = std::make_shared<StaticResolver>(
      StaticResolver::Table{{"refused.test", {"127.0.0.2", "127.0.0.1"}}, {"dead.test", {"127.0.0.1"}}});
  TcpAsyncDialer dialer(loop.get_executor(), {.resolver = resolver});

  const std::string port = ":" + std::to_string(listener->address().port);
  Stream stream = must(run(loop, dialer.async_dial(Context(), "tcp", "refused.test" + port, asio::use_awaitable)));
  CHECK(to_string(stream.remote_address()) == "127.0.0.1" + port);

  must(listener->close());
  const Error refused = dial_error(loop, dialer, Context(), "refused.test" + port);
  CHECK(refused == std::errc::connection_refused);
  CHECK(refused.causes().size() == 2);

  const std::string dead = "dead.test:" + std::to_string(hole.port());
  const Error late = dial_error(loop, dialer, Context().with_timeout(20ms), dead);
  CHECK(late.timeout());
  CHECK(late.detail() == "while connecting to 127.0.0.1:" + std::to_string(hole.port()));
  auto [cancelled, source] = Context().with_cancel();
  source.cancel(Error("shut down", "", std::errc::operation_canceled));
  const Error over = dial_error(loop, dialer, cancelled, dead);
  CHECK(to_string(over).contains("shut down"));
}

TEST_CASE("TcpAsyncDialer: a name that nobody answers ends with the Context") {
  const Watchdog watchdog;
  asio::io_context loop;
  const auto resolver = std::make_shared<ScriptedResolver>();
  TcpAsyncDialer dialer(loop.get_executor(), {.resolver = resolver});
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock).with_timeout(30s);
  std::optional<Result<Stream>> result;
  dialer.async_dial(context, "tcp", "slow.test:80", [&](Result<Stream> dialled) { result = std::move(dialled); });
  run_ready(loop);
  CHECK(!result);
  clock->advance(30s);
  loop.restart();
  loop.run();
  REQUIRE(result);
  const Error error = error_of(*std::move(result));
  CHECK(error.timeout());
  CHECK(error.detail() == "while resolving slow.test");
}

TEST_CASE("TcpAsyncDialer: what the control hook returns or throws ends the dial") {
  const Watchdog watchdog;
  asio::io_context loop;
  const BlackHole hole;
  const auto before = open_descriptors();
  const std::string address = "127.0.0.1:" + std::to_string(hole.port());
  TcpAsyncDialer refusing(loop.get_executor(), {.control = [](int, const Endpoint&) {
                            return std::make_error_code(std::errc::permission_denied);
                          }});
  CHECK(dial_error(loop, refusing, Context(), address) == std::errc::permission_denied);
  TcpAsyncDialer throwing(loop.get_executor(), {.control = [](int, const Endpoint&) -> std::error_code {
                            throw std::runtime_error("no such policy");
                          }});
  const Error error = dial_error(loop, throwing, Context(), address);
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.detail() == "no such policy");
  CHECK(open_descriptors() == before);
}

TEST_CASE("TcpAsyncDialer: unix waits while the backlog is full") {
  const Watchdog watchdog;
  asio::io_context loop;
  const std::string path = "@leash-async-" + std::to_string(::getpid());
  leash::net::TcpBinder binder({.backlog = 0});
  TcpAsyncDialer dialer(loop.get_executor());
  const auto listener = must(binder.bind(Context(), "unix", path));
  std::vector<Result<Stream>> dialled;
  for (int i = 0; i < 4; ++i) {
    dialer.async_dial(Context(), "unix", path, [&](Result<Stream> result) { dialled.push_back(std::move(result)); });
  }
  const auto accepting = in_thread([&] {
    std::vector<std::unique_ptr<leash::net::Conn>> accepted;
    for (int i = 0; i < 4; ++i) accepted.push_back(must(listener->accept(Context())));
  });
  loop.run();
  CHECK(dialled.size() == 4);
  for (const auto& each : dialled) CHECK(each.has_value());
}

NETWORK_TEST("dials that are cancelled at random moments leave nothing open, and call each handler once") {
  const Watchdog watchdog;
  constexpr int dials = 10'000;
  const auto before = open_descriptors();
  {
    auto [tracker, tracked] = leash::track::with_tracker(Context());
    AsyncNetwork network(over);
    // Else a dial in memory is over when it begins.
    const auto slow = network.memory.latency(leash::net::Traffic::all(), 20us);
    leash::net::TrackedAsyncDialer dialer(network.dialer);
    const auto listener =
        run(network.loop, network.binder.async_bind(Context(), "tcp", "127.0.0.1:0", asio::use_awaitable));
    REQUIRE(listener.has_value());
    const std::string address = to_string((*listener)->address());
    // Accepts and closes as long as the test runs.
    std::function<void()> accept = [&] {
      (*listener)->async_accept(Context(), [&](const Result<Stream>& accepted) {
        if (accepted) accept();
      });
    };
    accept();
    std::minstd_rand random(1);
    int connected = 0;
    int cancelled = 0;
    for (int dial = 0; dial < dials; dial += 4) {
      std::array<int, 4> calls{};
      std::array<asio::cancellation_signal, 4> signals;
      auto [context, source] = tracked.with_cancel();
      for (std::size_t each = 0; each < 4; ++each) {
        dialer.async_dial(context, "tcp", address,
                          asio::bind_cancellation_slot(signals[each].slot(), [&, each](const Result<Stream>& result) {
                            ++calls[each];
                            if (!result) CHECK(result.error() == std::errc::operation_canceled);
                            ++(result ? connected : cancelled);
                          }));
      }
      network.loop.restart();
      for (auto steps = random() % 12; steps > 0; --steps) network.loop.poll_one();
      signals[random() % 4].emit(asio::cancellation_type::total);
      for (auto steps = random() % 6; steps > 0; --steps) network.loop.poll_one();
      if (random() % 2 == 0) source.cancel();
      network.loop.restart();
      while (calls[0] + calls[1] + calls[2] + calls[3] < 4) network.loop.run_one();
      for (const int count : calls) REQUIRE(count == 1);
    }
    CHECK(connected + cancelled == dials);
    CHECK(connected > 0);
    CHECK(cancelled > 0);
    must((*listener)->close());
    network.loop.restart();
    network.loop.run();
    const auto report = tracker.close();
    CHECK_MESSAGE(report.ok(), report);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("dials that are cancelled by other threads, in an execution context of several, call each handler once") {
  const Watchdog watchdog;
  const auto before = open_descriptors();
  {
    asio::thread_pool threads(2);
    TcpAsyncDialer dialer(threads.get_executor());
    leash::net::TcpBinder binder;
    const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
    const auto accepting = in_thread([&] {
      while (listener->accept(Context())) continue;
    });
    std::atomic<int> calls{0};
    constexpr int dials = 2'000;
    for (int dial = 0; dial < dials; ++dial) {
      auto [context, source] = Context().with_cancel();
      dialer.async_dial(context, "tcp", to_string(listener->address()), [&](const Result<Stream>&) { ++calls; });
      if (dial % 3 == 0) std::this_thread::yield();
      source.cancel();
    }
    threads.join();
    CHECK(calls == dials);
    must(listener->close());
  }
  CHECK(open_descriptors() == before);
}
