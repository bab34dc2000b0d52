#include <array>
#include <asio/bind_executor.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <leash/clock.hpp>
#include <leash/function.hpp>
#include <leash/track/tracker.hpp>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "async_support.hpp"

// Handlers, peers, Contexts and clocks that mean no good: each handler is called once or destroyed, what is not
// concerned goes on, and nothing is left open.

using leash::Context;
using leash::FakeClock;
using leash::Result;
using leash::net::Stream;

namespace {

/// A clock that stands still, and has no memory for a callback when it is told so.
class RefusingClock final : public leash::Clock {
 public:
  bool refuses = false;

  void advance(duration by) { inner_.advance(by); }

 private:
  time_point do_now() const override { return inner_.now(); }
  time_point do_coarse_now() const override { return inner_.coarse_now(); }
  system_time_point do_system_now() const override { return inner_.system_now(); }
  leash::Registration do_at(time_point time, leash::Function<void()> callback) override {
    if (refuses) throw std::bad_alloc();
    return inner_.at(time, std::move(callback));
  }

  FakeClock inner_;
};

/// A blocking dial in the same network.
std::unique_ptr<leash::net::Conn> dial_blocking(AsyncNetwork& network, Over over, const leash::net::Address& address) {
  leash::net::TcpDialer tcp;
  leash::net::Dialer& dialer = over == Over::memory ? static_cast<leash::net::Dialer&>(network.memory) : tcp;
  return must(dialer.dial(Context(), "tcp", to_string(address)));
}

/// What an operation that completes with a Result has come to.
struct Outcome {
  int calls = 0;
  std::string error;

  auto handler() {
    return [this](const auto& result) {
      ++calls;
      if (!result) error = to_string(result.error());
    };
  }
};

}  // namespace

NETWORK_TEST("a handler that throws: the exception leaves run, its operation is over, and all else goes on") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  const auto before = open_descriptors();
  {
    AsyncNetwork network(over);
    StreamPair pair = make_pair(network, context);
    const std::string address = to_string(pair.listener->address());
    int calls = 0;
    const auto throwing = [&](auto&&...) {
      ++calls;
      throw std::runtime_error("handler");
    };
    std::array<char, 4> read{};
    char byte = 0;
    pair.near.async_read_some(asio::buffer(&byte, 1), throwing);
    pair.near.async_write_some(asio::buffer("x", 1), throwing);
    pair.far.async_write_some(asio::buffer("y", 1), throwing);
    pair.far.async_read_some(asio::mutable_buffer(), throwing);
    pair.listener->async_accept(context, throwing);
    network.dialer.async_dial(context, "tcp", address, throwing);
    network.dialer.async_dial(context, "tcp", "no address", throwing);
    network.binder.async_bind(context, "tcp", "127.0.0.1:0", throwing);
    network.binder.async_bind(context, "tcp", address, throwing);
    leash::net::async_sleep(context, 1s, asio::bind_executor(network.loop, throwing));
    clock->advance(1s);
    constexpr int operations = 10;
    int thrown = 0;
    network.loop.restart();
    while (thrown < operations) {
      try {
        network.loop.run();
        break;
      } catch (const std::runtime_error& error) {
        CHECK(error.what() == std::string_view("handler"));
        ++thrown;
      }
    }
    CHECK(thrown == operations);
    CHECK(calls == operations);
    network.loop.restart();
    CHECK(network.loop.run() == 0);

    CHECK(pair.far.read_some(asio::buffer(read)) == 1);
    CHECK(carries(network.loop, pair.near, pair.far));
    CHECK(carries(network.loop, pair.far, pair.near));
    must(pair.listener->close());
    must(pair.near.close());
  }
  CHECK(open_descriptors() == before);
}

NETWORK_TEST("a peer that resets: what it sent before or the reset, then the reset for ever, for blocking calls too") {
  const Watchdog watchdog;
  for (const bool waits : {true, false}) {
    for (const bool blocking_first : {true, false}) {
      CAPTURE(waits);
      CAPTURE(blocking_first);
      AsyncNetwork network(over);
      StreamPair pair = make_pair(network);
      std::array<char, 8> buffer{};
      asio::error_code code = asio::error::would_block;
      std::size_t count = 0;
      const auto note = [&](const asio::error_code& error, std::size_t size) {
        code = error;
        count = size;
      };
      const auto read = [&](bool blocking) {
        if (blocking) {
          count = pair.near.read_some(asio::buffer(buffer), code);
        } else {
          pair.near.async_read_some(asio::buffer(buffer), note);
          network.loop.restart();
          network.loop.run();
        }
      };
      if (waits) {
        pair.near.async_read_some(asio::buffer(buffer), note);
        run_ready(network.loop);
        CHECK(code == asio::error::would_block);
      }
      CHECK(pair.far.write_some(asio::buffer("last", 4)) == 4);
      must(pair.far.reset());
      if (waits) {
        network.loop.restart();
        network.loop.run();
      } else {
        read(blocking_first);
      }
      if (!code) {
        CHECK(std::string_view(buffer.data(), count) == "last");
      } else {
        CHECK(code == asio::error::connection_reset);
      }
      for (int attempt = 0; attempt < 3; ++attempt) {
        for (const bool blocking : {blocking_first, !blocking_first}) {
          read(blocking);
          CHECK(code == asio::error::connection_reset);
          CHECK(count == 0);
        }
        CHECK(pair.near.write_some(asio::buffer("x", 1), code) == 0);
        CHECK(code == asio::error::connection_reset);
        pair.near.async_write_some(asio::buffer("x", 1), note);
        network.loop.restart();
        network.loop.run();
        CHECK(code == asio::error::connection_reset);
      }
      CHECK(pair.near.is_open());
      must(pair.near.close());
    }
  }
}

NETWORK_TEST("an accept whose Context ends when its connection has come has that Error, and the next one delivers it") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);
  auto [context, source] = Context().with_cancel();
  Outcome outcome;
  pair.listener->async_accept(context, outcome.handler());
  run_ready(network.loop);
  CHECK(outcome.calls == 0);
  const auto peer = dial_blocking(network, over, pair.listener->address());
  source.cancel();
  network.loop.restart();
  network.loop.run();
  CHECK(outcome.calls == 1);
  CHECK(outcome.error == "accept " + to_string(pair.listener->address()) + ": Operation canceled");
  Stream accepted = must(run(network.loop, pair.listener->async_accept(Context(), asio::use_awaitable)));
  CHECK(accepted.remote_address() == peer->local_address());
}

NETWORK_TEST("a Context that ends between a result and its handler changes nothing: what was opened is delivered") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);
  auto [context, source] = Context().with_cancel();
  const auto peer = dial_blocking(network, over, pair.listener->address());
  Outcome accepted;
  Outcome bound;
  pair.listener->async_accept(context, accepted.handler());
  network.binder.async_bind(context, "tcp", "127.0.0.1:0", bound.handler());
  source.cancel();
  CHECK(accepted.calls == 0);
  network.loop.restart();
  network.loop.run();
  CHECK(accepted.calls == 1);
  CHECK(accepted.error.empty());
  CHECK(bound.calls == 1);
  CHECK(bound.error.empty());
}

NETWORK_TEST("threads that are blocked in a read and a write are both told of a reset, which the kernel tells once") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  for (int round = 0; round < 500; ++round) {
    StreamPair pair = make_pair(network);
    auto writer = in_thread([&] {
      asio::error_code code;
      while (!code) pair.near.write_some(asio::buffer("more", 4), code);
      return code;
    });
    auto reader = in_thread([&] {
      std::array<char, 8> buffer{};
      asio::error_code code;
      pair.near.read_some(asio::buffer(buffer), code);
      return code;
    });
    must(pair.far.reset());
    REQUIRE(writer.get() == asio::error::connection_reset);
    REQUIRE(reader.get() == asio::error::connection_reset);
  }
}

NETWORK_TEST("a thread that is blocked in a read ends when another one closes or resets the stream") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  for (const bool reset : {false, true}) {
    StreamPair ends = make_pair(network);
    std::atomic<bool> reads = false;
    asio::error_code code;
    std::jthread reader([&] {
      std::array<char, 4> buffer{};
      reads = true;
      ends.near.read_some(asio::buffer(buffer), code);
    });
    while (!reads) std::this_thread::yield();
    CHECK((reset ? ends.near.reset() : ends.near.close()).has_value());
    reader.join();
    CHECK(code == asio::error::bad_descriptor);
  }
}

TEST_CASE("a dial in memory that has connected is delivered although its Context ends before its handler is called") {
  const Watchdog watchdog;
  AsyncNetwork network(Over::memory);
  StreamPair pair = make_pair(network);
  auto [context, source] = Context().with_cancel();
  Outcome outcome;
  network.dialer.async_dial(context, "tcp", to_string(pair.listener->address()), outcome.handler());
  source.cancel();
  network.loop.restart();
  network.loop.run();
  CHECK(outcome.calls == 1);
  CHECK(outcome.error.empty());
}

TEST_CASE(
    "a dial over TCP whose Context ends when it has connected has a connection or that Error, and leaves nothing") {
  const Watchdog watchdog;
  AsyncNetwork network(Over::tcp);
  StreamPair pair = make_pair(network);
  const std::string address = to_string(pair.listener->address());
  const auto before = open_descriptors();
  for (int steps = 0; steps < 4; ++steps) {
    auto [context, source] = Context().with_cancel();
    Outcome outcome;
    network.dialer.async_dial(context, "tcp", address, outcome.handler());
    network.loop.restart();
    for (int step = 0; step < steps && outcome.calls == 0; ++step) network.loop.run_one();
    source.cancel();
    network.loop.run();
    CHECK(outcome.calls == 1);
    if (!outcome.error.empty()) CHECK(outcome.error.starts_with("dial " + address + ": Operation canceled"));
    CHECK(open_descriptors() == before);
  }
}

TEST_CASE("async_sleep: a Context that ends when the time has come, before the handler is called, is its Error") {
  const Watchdog watchdog;
  asio::io_context loop;
  const auto clock = std::make_shared<FakeClock>();
  auto [context, source] = Context().with_clock(clock).with_cancel();
  Outcome outcome;
  leash::net::async_sleep(context, 1s, asio::bind_executor(loop, outcome.handler()));
  run_ready(loop);
  clock->advance(1s);
  source.cancel();
  CHECK(outcome.calls == 0);
  loop.restart();
  loop.run();
  CHECK(outcome.calls == 1);
  CHECK(outcome.error == "sleep: Operation canceled");
}

TEST_CASE("a clock that throws: the exception leaves the call or run, the handler is destroyed, and nothing stays") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<RefusingClock>();
  {
    AsyncNetwork network(Over::memory);
    auto [context, source] = Context().with_clock(clock).with_cancel();
    StreamPair pair = make_pair(network, context);
    const std::string address = to_string(pair.listener->address());
    const auto slow = network.memory.latency(leash::net::Traffic::all(), 1s);
    asio::cancellation_signal stop;
    clock->refuses = true;

    Fate sleep;
    const auto begin_sleep = [&] {
      leash::net::async_sleep(
          context, 1s, asio::bind_cancellation_slot(stop.slot(), asio::bind_executor(network.loop, Witness(sleep))));
    };
    CHECK_THROWS_AS(begin_sleep(), std::bad_alloc);
    CHECK(sleep.destroyed == 1);
    Fate dial;
    CHECK_THROWS_AS(network.dialer.async_dial(context, "tcp", address, Witness(dial)), std::bad_alloc);
    CHECK(dial.destroyed == 1);

    // One that waits is woken, and throws in the event loop.
    Fate read;
    std::array<char, 4> buffer{};
    pair.near.async_read_some(asio::buffer(buffer), Witness(read));
    run_ready(network.loop);
    CHECK(pair.far.write_some(asio::buffer("pi", 2)) == 2);
    CHECK_THROWS_AS(run_ready(network.loop), std::bad_alloc);
    CHECK(read.destroyed == 1);

    // What wakes an operation that is over does nothing.
    stop.emit(asio::cancellation_type::total);
    source.cancel();
    clock->refuses = false;
    clock->advance(10s);
    network.loop.restart();
    network.loop.run();
    CHECK(sleep.called + dial.called + read.called == 0);
    CHECK(pair.far.write_some(asio::buffer("ng", 2)) == 2);
    asio::error_code code = asio::error::would_block;
    asio::async_read(pair.near, asio::buffer(buffer),
                     [&](const asio::error_code& error, std::size_t) { code = error; });
    run_ready(network.loop);
    clock->advance(1s);
    network.loop.restart();
    network.loop.run();
    CHECK(!code);
    CHECK(std::string_view(buffer.data(), buffer.size()) == "ping");
  }
  // Nothing holds the Context, and with it the clock.
  CHECK(clock.use_count() == 1);
}
