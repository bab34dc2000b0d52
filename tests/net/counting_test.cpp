#include <asio/experimental/as_tuple.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <leash/clock.hpp>
#include <leash/net/async_counting_hook.hpp>
#include <leash/net/counting_hook.hpp>
#include <leash/net/hooked_async_binder.hpp>
#include <leash/net/hooked_async_dialer.hpp>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>

#include "async_support.hpp"
#include "recorder.hpp"
#include "support.hpp"

using leash::Context;
using leash::OperationCount;
using leash::net::OperationCounts;
using leash::net::OperationKind;

namespace {

/// A network whose operations are counted.
struct Counted {
  explicit Counted(leash::net::Dialer& inner_dialer, leash::net::Binder& inner_binder)
      : dialer(inner_dialer, counting), binder(inner_binder, counting) {}

  leash::net::CountingHook counting;
  leash::net::HookedDialer dialer;
  leash::net::HookedBinder binder;
};

/// Each `dial` and `write` takes as long as the test says, by the test's clock.
class SlowHook final : public leash::net::NetworkHook {
 public:
  explicit SlowHook(leash::FakeClock& clock) : clock_(clock) {}

 private:
  leash::Result<void> around(leash::net::Operation& operation, Next next) override {
    if (operation.kind == OperationKind::dial) clock_.advance(2ms);
    if (operation.kind == OperationKind::conn_write) clock_.advance(5ms);
    return next();
  }

  leash::FakeClock& clock_;
};

}  // namespace

NETWORK_TEST("CountingHook counts calls, errors and bytes by kind") {
  Network network(over);
  Counted counted(network.dialer, network.binder);
  CHECK(counted.counting.counts().total() == OperationCount{});
  {
    const Pair pair = make_pair(counted.dialer, counted.binder);
    must(pair.near->write("12345"));
    must(pair.near->write("678"));
    CHECK(must(read_up_to(*pair.far, 8)) == "12345678");
    must(pair.near->close());
    CHECK(must(read_some(*pair.far)).empty());
    must_fail(pair.near->write("9"));
    must_fail(counted.dialer.dial(Context(), "tcp", "bad"));
  }
  const OperationCounts counts = counted.counting.counts();
  const auto check = [&](OperationKind kind, std::uint64_t calls, std::uint64_t errors, std::uint64_t bytes) {
    CAPTURE(to_string(kind));
    CHECK(counts[kind].calls == calls);
    CHECK(counts[kind].errors == errors);
    CHECK(counts[kind].bytes == bytes);
  };
  const std::uint64_t reads = counts[OperationKind::conn_read].calls;
  CHECK((reads == 2 || reads == 3));
  check(OperationKind::dial, 2, 1, 0);
  check(OperationKind::bind, 1, 0, 0);
  check(OperationKind::listener_accept, 1, 0, 0);
  check(OperationKind::conn_read, reads, 0, 8);
  check(OperationKind::conn_write, 3, 1, 8);
  check(OperationKind::conn_close, 1, 0, 0);
  check(OperationKind::listener_close, 0, 0, 0);
  CHECK(counts.total().calls == 8 + reads);
  CHECK(counts.total().errors == 2);
  CHECK(counts.total().bytes == 16);
  CHECK(counted.counting.reset().by_kind == counts.by_kind);
  CHECK(counted.counting.counts().total() == OperationCount{});
  // What was counted is a value of its own.
  CHECK(counts.total().errors == 2);
}

TEST_CASE("CountingHook counts the bytes of a write that fails before it has written all") {
  leash::net::MemoryNetwork network(leash::net::MemoryNetwork::Options{.buffer = 10});
  Counted counted(network, network);
  const auto listener = must(network.bind(Context(), "tcp", "server:80"));
  const auto conn = must(counted.dialer.dial(Context(), "tcp", "server:80"));
  auto writer = in_thread([&] { return conn->write("0123456789abc"); });
  CHECK(writer.is_blocked());
  must(conn->set_write_deadline(leash::Clock::time_point::min()));
  must_fail(writer.get());
  const OperationCount count = counted.counting.counts()[OperationKind::conn_write];
  CHECK(count.errors == 1);
  CHECK(count.bytes == 10);
}

TEST_CASE("CountingHook takes the time by the clock of the Context, on connections by that of their dial") {
  const auto clock = std::make_shared<leash::FakeClock>();
  RecordingNetwork network;
  SlowHook slow(*clock);
  leash::net::HookedDialer slow_dialer(network, slow);
  Counted counted(slow_dialer, network);
  const auto conn = must(counted.dialer.dial(Context().with_clock(clock), "tcp", "there:1"));
  must(conn->write("x"));
  must(conn->write("y"));
  must(conn->close());
  CHECK(counted.counting.counts()[OperationKind::dial].time == 2ms);
  CHECK(counted.counting.counts()[OperationKind::conn_write].time == 10ms);
  CHECK(counted.counting.counts()[OperationKind::conn_close].time == 0ms);
  CHECK(counted.counting.reset().total().time == 12ms);
  CHECK(counted.counting.counts().total().time == 0ms);
}

TEST_CASE("CountingHook loses no operation of many threads, and has each in one result of reset") {
  RecordingNetwork network;
  leash::net::MemoryNetwork memory;
  Counted counted(memory, memory);
  constexpr std::uint64_t rounds = 200;
  constexpr std::uint64_t threads = 3;
  OperationCount sum;
  {
    std::vector<std::jthread> workers;
    for (std::uint64_t thread = 0; thread != threads; ++thread) {
      workers.emplace_back([&] {
        for (std::uint64_t round = 0; round != rounds; ++round) {
          const Pair pair = make_pair(counted.dialer, counted.binder);
          must(pair.near->write("12345"));
          must_fail(counted.dialer.dial(Context(), "tcp", "bad"));
        }
      });
    }
    for (std::uint64_t round = 0; round != rounds; ++round) {
      const OperationCounts some = counted.counting.reset();
      CHECK(some[OperationKind::conn_write].bytes == 5 * some[OperationKind::conn_write].calls);
      sum += some.total();
    }
  }
  sum += counted.counting.reset().total();
  CHECK(sum.calls == threads * rounds * 5);
  CHECK(sum.errors == threads * rounds);
  CHECK(sum.bytes == threads * rounds * 5);
}

namespace {

asio::awaitable<void> hello(leash::net::AsyncDialer& dialer, leash::net::AsyncBinder& binder, Context ctx,
                            std::shared_ptr<leash::FakeClock> clock) {
  const auto listener = must(co_await binder.async_bind(ctx, "tcp", "127.0.0.1:0", asio::use_awaitable));
  const std::string there = to_string(listener->address());
  leash::net::Stream near = must(co_await dialer.async_dial(ctx, "tcp", there, asio::use_awaitable));
  leash::net::Stream far = must(co_await listener->async_accept(ctx, asio::use_awaitable));
  co_await asio::async_write(near, asio::buffer("hello", 5), asio::use_awaitable);
  std::array<char, 5> got{};
  co_await asio::async_read(far, asio::buffer(got), asio::use_awaitable);
  asio::post(co_await asio::this_coro::executor, [&] {
    clock->advance(30ms);
    must(near.close());
  });
  const auto [code, count] =
      co_await far.async_read_some(asio::buffer(got), asio::experimental::as_tuple(asio::use_awaitable));
  CHECK(code == asio::error::eof);
}

}  // namespace

NETWORK_TEST("AsyncCountingHook counts calls, errors, bytes and time by kind, when an operation is over") {
  AsyncNetwork network(over);
  auto clock = std::make_shared<leash::FakeClock>();
  OperationCounts counts;
  {
    leash::net::AsyncCountingHook counting;
    leash::net::HookedAsyncDialer dialer(network.dialer, counting);
    leash::net::HookedAsyncBinder binder(network.binder, counting);
    run(network.loop, hello(dialer, binder, Context().with_clock(clock), clock));
    counts = counting.reset();
    CHECK(counting.counts().total() == OperationCount{});
  }
  const OperationCount once{.calls = 1};
  CHECK(counts[OperationKind::dial] == once);
  CHECK(counts[OperationKind::bind] == once);
  CHECK(counts[OperationKind::listener_accept] == once);
  CHECK(counts[OperationKind::conn_write] == OperationCount{.calls = 1, .bytes = 5});
  // The second one waited for the end.
  CHECK(counts[OperationKind::conn_read] == OperationCount{.calls = 2, .bytes = 5, .time = 30ms});
  CHECK(counts[OperationKind::conn_close] == once);
}

NETWORK_TEST("AsyncCountingHook: a failure counts, and what is left when an execution context ends does not") {
  leash::net::AsyncCountingHook counting;
  {
    AsyncNetwork network(over);
    leash::net::HookedAsyncDialer dialer(network.dialer, counting);
    leash::net::HookedAsyncBinder binder(network.binder, counting);
    bool failed = false;
    binder.async_bind(Context(), "tcp", "bad", [&](const auto& bound) { failed = !bound; });
    std::unique_ptr<leash::net::AsyncListener> listener;
    binder.async_bind(Context(), "tcp", "127.0.0.1:0", [&](auto bound) {
      listener = must(std::move(bound));
      listener->async_accept(Context(), [](const auto&) { FAIL_CHECK("nobody dials"); });
    });
    while (!listener || !failed) network.loop.run_one();
  }
  CHECK(counting.counts()[OperationKind::bind].calls == 2);
  CHECK(counting.counts()[OperationKind::bind].errors == 1);
  CHECK(counting.counts().total().calls == 2);
}
