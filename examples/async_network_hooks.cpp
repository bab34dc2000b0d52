// A hook over every operation of an asynchronous network, which waits without a thread: docs/networks.md shows a part
// of this program.

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <leash/clock.hpp>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <memory>
#include <string>
#include <utility>

namespace {

using leash::Context;
using leash::Result;
using leash::net::Stream;
using namespace std::chrono_literals;

// snippet: slow
/// Each stream reads and writes 100 kB a second.
class SlowLine final : public leash::net::AsyncNetworkHook {
 private:
  void around_async(leash::net::Operation& operation, AsyncNext next, Done done) override {
    operation.size = std::min<std::uint64_t>(operation.size, 1000);  // asio::async_write comes again for the rest.
    next(wrap(std::move(done), [&operation](Done passed, Result<void> result) {
      if (!result) return passed(std::move(result));
      leash::net::async_sleep(operation.context, operation.transferred * 10us, std::move(passed));
    }));
  }
};
// end snippet

asio::awaitable<void> send(Context ctx, leash::net::AsyncDialer& dialer, std::string data) {
  Result<Stream> stream = co_await dialer.async_dial(ctx, "tcp", "server:80", asio::use_awaitable);
  co_await asio::async_write(stream.value(), asio::buffer(data), asio::use_awaitable);
}

asio::awaitable<std::size_t> receive(Context ctx, leash::net::AsyncBinder& binder, std::size_t size) {
  auto listener = co_await binder.async_bind(ctx, "tcp", "server:80", asio::use_awaitable);
  Result<Stream> stream = co_await listener.value()->async_accept(ctx, asio::use_awaitable);
  std::string data(size, ' ');
  co_return co_await asio::async_read(stream.value(), asio::buffer(data), asio::use_awaitable);
}

}  // namespace

int main() {
  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory(loop.get_executor(), network);
  SlowLine slow;
  leash::net::HookedAsyncDialer dialer(memory, slow);

  // By a clock that stands still until it is told.
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  const auto began = clock->now();
  std::size_t received = 0;
  std::exception_ptr failed;
  asio::co_spawn(loop, receive(ctx, memory, 2500), [&](const std::exception_ptr& thrown, std::size_t size) {
    failed = thrown;
    received = size;
  });
  asio::co_spawn(loop, send(ctx, dialer, std::string(2500, 'x')), [&](const std::exception_ptr& thrown) {
    if (thrown) failed = thrown;
  });
  for (loop.poll(); !loop.stopped(); loop.poll()) clock->advance(1ms);
  std::printf("%zu bytes in %lld ms\n", received, static_cast<long long>((clock->now() - began) / 1ms));
  return failed ? 1 : 0;
}
