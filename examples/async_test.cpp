// A coroutine and its test: over TCP in production, over memory and a clock that stands still here. doctest runs it:
// its main function is in tests/main.cpp.

#include <doctest/doctest.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <leash/leash.hpp>
#include <leash/net/asio.hpp>
#include <leash/track/doctest.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

// snippet: program
asio::awaitable<leash::Result<std::string>> ask(leash::Context ctx, leash::net::AsyncDialer& dialer) {
  auto stream = co_await dialer.async_dial(ctx, "tcp", "greeter.internal:7", asio::use_awaitable);
  if (!stream) co_return std::unexpected(stream.error());
  if (auto set = stream->set_deadline(ctx.deadline()); !set) co_return std::unexpected(set.error());
  co_await asio::async_write(*stream, asio::buffer("who is there?\n", 14), asio::use_awaitable);
  std::string answer;
  co_await asio::async_read_until(*stream, asio::dynamic_buffer(answer), '\n', asio::use_awaitable);
  co_return answer;
}
// end snippet

namespace {

/// Answers each question, in a thread: blocking and asynchronous ends meet in one network.
void serve(const leash::Context& ctx, leash::net::Listener& listener) {
  while (const auto conn = listener.accept(ctx)) {
    std::array<std::byte, 64> question{};
    if ((*conn)->read(question)) static_cast<void>((*conn)->write("nobody\n"));
  }
}

}  // namespace

// snippet: test
TEST_CASE("a greeter that says nothing is given up after 30 s, and its connection is closed") {
  leash::track::DoctestTracker tracker;
  const auto clock = std::make_shared<leash::FakeClock>();
  const leash::Context ctx = tracker.context().with_clock(clock).with_timeout(30s);
  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory(loop.get_executor(), network);
  leash::net::TrackedAsyncDialer dialer(memory);
  const auto greeter = leash::take(network.bind(ctx, "tcp", "greeter.internal:7"));

  std::exception_ptr given_up;
  asio::co_spawn(loop, ask(ctx, dialer), [&](std::exception_ptr thrown, auto) { given_up = std::move(thrown); });
  loop.poll();  // It has asked, and waits.
  CHECK_FALSE(given_up);
  clock->advance(30s);
  loop.restart();
  loop.run();
  CHECK_THROWS_WITH(std::rethrow_exception(given_up), "Connection timed out");
}
// end snippet

TEST_CASE("over TCP it is the same coroutine") {
  leash::track::DoctestTracker tracker;
  const leash::Context ctx = tracker.context();
  asio::io_context loop;
  leash::net::TcpBinder binder;
  const auto listener = leash::take(binder.bind(ctx, "tcp", "127.0.0.1:0"));
  const std::string port = std::to_string(listener->address().port);

  /// Where the name of the greeter leads in this test.
  class Here final : public leash::net::ProxyAsyncDialer {
   public:
    Here(leash::net::AsyncDialer& inner, std::string address) : ProxyAsyncDialer(inner), address_(std::move(address)) {}

   private:
    void do_async_dial(leash::Call call, const asio::any_io_executor& executor, std::string_view network,
                       std::string_view, DialHandler handler) override {
      ProxyAsyncDialer::do_async_dial(call, executor, network, address_, std::move(handler));
    }
    const std::string address_;
  };

  leash::net::TcpAsyncDialer tcp(loop.get_executor());
  leash::net::TrackedAsyncDialer tracked(tcp);
  Here dialer(tracked, "127.0.0.1:" + port);
  leash::Result<std::string> answer;
  std::thread server([&] { serve(ctx, *listener); });
  asio::co_spawn(loop, ask(ctx, dialer), [&](const std::exception_ptr& thrown, leash::Result<std::string> result) {
    CHECK(thrown == nullptr);
    answer = std::move(result);
  });
  loop.run();
  CHECK(listener->close().has_value());
  server.join();
  CHECK(answer == "nobody\n");
}
