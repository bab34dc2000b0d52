#include <doctest/doctest.h>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <exception>
#include <leash/clock.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <memory>
#include <string>
#include <system_error>

#include "plans.hpp"

using leash::Context;
using leash::Result;
using leash::fault::SweepResult;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> serve(Context context, leash::net::AsyncBinder& binder) {
  auto listener = co_await binder.async_bind(context, "tcp", "server:80", asio::use_awaitable);
  if (!listener) co_return;
  auto stream = co_await (*listener)->async_accept(context, asio::use_awaitable);
  if (!stream) co_return;
  std::string question(8, ' ');
  co_await asio::async_read(*stream, asio::buffer(question), asio::use_awaitable);
  co_await asio::async_write(*stream, asio::buffer(question), asio::use_awaitable);
}

asio::awaitable<std::string> ask(Context context, leash::net::AsyncDialer& dialer) {
  auto stream = co_await dialer.async_dial(context, "tcp", "server:80", asio::use_awaitable);
  if (!stream) throw std::system_error(stream.error().code());
  std::string answer(8, ' ');
  co_await asio::async_write(*stream, asio::buffer("question", 8), asio::use_awaitable);
  co_await asio::async_read(*stream, asio::buffer(answer), asio::use_awaitable);
  co_return answer;
}

/// A conversation in a loop of its own, in which all may fail.
struct Conversation {
  Result<void> run(const Context& parent) {
    const auto cancellable = parent.with_cancel();
    const Context& context = cancellable.context;
    asio::co_spawn(loop, serve(context, binder), [&](const std::exception_ptr& thrown) { note(thrown); });
    asio::co_spawn(loop, ask(context, dialer), [&](const std::exception_ptr& thrown, std::string text) {
      note(thrown);
      answer = std::move(text);
      cancellable.source.cancel();  // The server may wait for one who never comes.
    });
    loop.run();
    if (failed) return leash::fail("ask", "server:80", failed);
    if (answer != "question") return leash::fail("ask", "server:80", std::errc::no_message);
    return {};
  }

  void note(const std::exception_ptr& thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const std::system_error& error) {
      if (!failed) failed = error.code();
    }
  }

  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory{loop.get_executor(), network};
  leash::net::FaultAsyncDialer faulty_dialer{memory};
  leash::net::FaultAsyncBinder faulty_binder{memory};
  leash::net::TrackedAsyncDialer dialer{faulty_dialer};
  leash::net::TrackedAsyncBinder binder{faulty_binder};
  std::string answer;
  std::error_code failed;
};

std::error_code error_under(std::string_view rules) {
  Conversation conversation;
  const Result<void> result = conversation.run(with_plan(Context(), plan_of(rules)));
  return result ? std::error_code() : result.error().code();
}

}  // namespace

TEST_CASE("a plan's faults strike asynchronous operations") {
  CHECK_FALSE(error_under(""));
  CHECK(error_under("fail dial with ECONNREFUSED") == std::errc::connection_refused);
  CHECK(error_under("fail bind with EADDRINUSE") == std::errc::connection_refused);
  CHECK(error_under("fail after dial with EIO") == std::errc::io_error);
  CHECK(error_under("reset Conn::write") == asio::error::connection_reset);
  CHECK(error_under("end Conn::read") == asio::error::eof);
  CHECK_FALSE(error_under("short Conn::read 3 always; short Conn::write 1 always"));
}

TEST_CASE("a delay of an asynchronous operation goes by the clock of its Context, without a thread") {
  const auto clock = std::make_shared<leash::FakeClock>();
  const auto began = clock->now();
  Conversation conversation;
  const Context context = with_plan(Context().with_clock(clock), plan_of("delay Conn::write 20s"));
  std::string answer;
  asio::co_spawn(conversation.loop, serve(context, conversation.binder), [](const std::exception_ptr&) {});
  asio::co_spawn(conversation.loop, ask(context, conversation.dialer),
                 [&](const std::exception_ptr&, std::string text) { answer = std::move(text); });
  for (conversation.loop.poll(); !conversation.loop.stopped(); conversation.loop.poll()) clock->advance(1s);
  CHECK(answer == "question");
  CHECK(clock->now() - began == 20s);
}

TEST_CASE("coroutines over an AsyncDialer and an AsyncBinder are swept, and come out clean") {
  const SweepResult result = leash::fault::sweep([](const Context& context) {
    Conversation conversation;
    return conversation.run(context);
  });
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.remarks.size() == (leash::tracking_enabled ? 0 : 1));
  CHECK(result.points >= 7);
}
