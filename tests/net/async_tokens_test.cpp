#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/read.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <new>
#include <string>
#include <vector>

#include "async_support.hpp"

// Completion tokens, and what Asio promises of the handlers that are made of them.

using leash::Context;
using leash::FakeClock;
using leash::Result;
using leash::net::Stream;

namespace {

/// Counts what it has given and not got back.
template <class T>
struct CountingAllocator {
  using value_type = T;

  explicit CountingAllocator(int& all_, int& open_) : all(&all_), open(&open_) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
  CountingAllocator(const CountingAllocator<U>& other) : all(other.all), open(other.open) {}

  T* allocate(std::size_t count) {
    ++*all;
    ++*open;
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, std::size_t count) {
    --*open;
    std::allocator<T>().deallocate(memory, count);
  }
  template <class U>
  bool operator==(const CountingAllocator<U>& other) const {
    return all == other.all;
  }

  int* all;
  int* open;
};

/// A handler with an allocator of its own.
struct AllocatingHandler {
  using allocator_type = CountingAllocator<std::byte>;
  allocator_type get_allocator() const { return allocator; }
  void operator()(const asio::error_code& code, std::size_t) { *result = code; }

  allocator_type allocator;
  asio::error_code* result;
};

asio::awaitable<void> echo_once(Stream& stream) {
  std::array<char, 16> buffer{};
  const std::size_t count = co_await stream.async_read_some(asio::buffer(buffer), asio::use_awaitable);
  co_await asio::async_write(stream, asio::buffer(buffer, count), asio::use_awaitable);
}

}  // namespace

NETWORK_TEST("Stream: callbacks, futures, coroutines, tuples and deferred operations") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);

  std::string text(4, '\0');
  asio::error_code code;
  std::size_t count = 0;
  pair.far.async_read_some(asio::buffer(text), [&](const asio::error_code& error, std::size_t size) {
    code = error;
    count = size;
  });
  run(network.loop, [](Stream& near) -> asio::awaitable<void> {
    const auto [error, size] =
        co_await near.async_write_some(asio::buffer("ping", 4), asio::experimental::as_tuple(asio::use_awaitable));
    CHECK(!error);
    CHECK(size == 4);
  }(pair.near));
  CHECK(!code);
  CHECK(count == 4);
  CHECK(text == "ping");

  // What is deferred begins when it is called, on the stream as it is by then.
  auto later = pair.near.async_write_some(asio::buffer("more", 4), asio::experimental::deferred);
  Stream moved = std::move(pair.near);
  std::move(later)([&](const asio::error_code& error, std::size_t) { code = error; });
  std::future<std::size_t> read = pair.far.async_read_some(asio::buffer(text), asio::use_future);
  network.loop.restart();
  network.loop.run();
  CHECK(!code);
  CHECK(read.get() == 4);
  CHECK(text == "more");
}

NETWORK_TEST("AsyncDialer: what a dial comes to is a Result with any token") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);
  const std::string address = to_string(pair.listener->address());

  std::future<Result<Stream>> future = network.dialer.async_dial(Context(), "tcp", address, asio::use_future);
  std::optional<Result<Stream>> called;
  network.dialer.async_dial(Context(), "tcp", address, [&](Result<Stream> result) { called = std::move(result); });
  auto later = network.dialer.async_dial(Context(), "tcp", address, asio::experimental::deferred);
  CHECK(!called);
  network.loop.restart();
  network.loop.run();
  CHECK(future.get().has_value());
  REQUIRE(called);
  CHECK(called->has_value());
  called.reset();
  std::move(later)([&](Result<Stream> result) { called = std::move(result); });
  network.loop.restart();
  network.loop.run();
  REQUIRE(called);
  CHECK(called->has_value());

  must(pair.listener->close());
  auto refused = run(network.loop, network.dialer.async_dial(Context(), "tcp", address, asio::use_awaitable));
  CHECK(to_string(error_of(std::move(refused))) == "dial " + address + ": Connection refused");
}

NETWORK_TEST("handlers are called on their strand, each once, and never in the call that begins the operation") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);
  asio::thread_pool threads(2);
  const auto strand = asio::make_strand(threads);
  std::promise<void> over_all;
  int calls = 0;
  bool beginning = true;
  const auto on_strand = [&](auto... arguments) {
    static_cast<void>(sizeof...(arguments));
    CHECK(strand.running_in_this_thread());
    CHECK(!beginning);
    if (++calls == 4) over_all.set_value();
  };
  asio::post(strand, [&] {
    std::array<char, 1> byte{};
    pair.near.async_write_some(asio::buffer("x", 1), asio::bind_executor(strand, on_strand));
    pair.near.async_read_some(asio::mutable_buffer(byte.data(), 0), asio::bind_executor(strand, on_strand));
    pair.listener->async_accept(Context(), asio::bind_executor(strand, on_strand));
    network.dialer.async_dial(Context(), "tcp", to_string(pair.listener->address()),
                              asio::bind_executor(strand, on_strand));
    beginning = false;
  });
  network.loop.restart();
  const auto guard = asio::make_work_guard(network.loop);
  const auto running = in_thread([&] { network.loop.run(); });
  over_all.get_future().wait();
  network.loop.stop();
  threads.join();
  CHECK(calls == 4);
}

NETWORK_TEST("Stream: the memory of an operation comes from the allocator of its handler") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);
  int all = 0;
  int open = 0;
  asio::error_code code = asio::error::would_block;
  std::array<char, 1> byte{};
  pair.near.async_read_some(asio::buffer(byte), AllocatingHandler{CountingAllocator<std::byte>(all, open), &code});
  CHECK(all >= 1);
  CHECK(open >= 1);
  CHECK(pair.far.write_some(asio::buffer("x", 1)) == 1);
  network.loop.restart();
  network.loop.run();
  CHECK(!code);
  CHECK(open == 0);
}

NETWORK_TEST("all types of cancellation end a read, a dial and an accept, and lose nothing") {
  const Watchdog watchdog;
  using asio::cancellation_type;
  for (const auto type : {cancellation_type::terminal, cancellation_type::partial, cancellation_type::total}) {
    AsyncNetwork network(over);
    StreamPair pair = make_pair(network);
    std::array<char, 4> buffer{};
    asio::cancellation_signal stop_read;
    asio::cancellation_signal stop_accept;
    asio::error_code code;
    pair.near.async_read_some(asio::buffer(buffer),
                              asio::bind_cancellation_slot(
                                  stop_read.slot(), [&](const asio::error_code& error, std::size_t) { code = error; }));
    std::optional<Result<Stream>> accepted;
    pair.listener->async_accept(Context(), asio::bind_cancellation_slot(stop_accept.slot(), [&](Result<Stream> result) {
                                  accepted = std::move(result);
                                }));
    run_ready(network.loop);
    CHECK(!code);
    CHECK(!accepted);
    stop_read.emit(type);
    stop_accept.emit(type);
    network.loop.restart();
    network.loop.run();
    CHECK(code == asio::error::operation_aborted);
    REQUIRE(accepted);
    CHECK(error_of(*std::move(accepted)) == std::errc::operation_canceled);
    // Both go on.
    CHECK(pair.far.write_some(asio::buffer("ping", 4)) == 4);
    run(network.loop, echo_once(pair.near));
    run(network.loop, [](AsyncNetwork& all, StreamPair& ends) -> asio::awaitable<void> {
      must(co_await all.dialer.async_dial(Context(), "tcp", to_string(ends.listener->address()), asio::use_awaitable));
      must(co_await ends.listener->async_accept(Context(), asio::use_awaitable));
    }(network, pair));
  }
}

NETWORK_TEST("handlers are destroyed uncalled with their execution context, and streams that outlive it are closed") {
  const Watchdog watchdog;
  Fate fate;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  const auto before = open_descriptors();
  {
    auto network = std::make_unique<AsyncNetwork>(over);
    StreamPair pair = make_pair(*network, context);
    std::array<char, 1> byte{};
    const std::string full(too_much, 'x');
    pair.far.async_read_some(asio::buffer(byte), Witness(fate));
    asio::async_write(pair.far, asio::buffer(full), Witness(fate));
    pair.listener->async_accept(context, Witness(fate));
    leash::net::async_sleep(context, 1h, asio::bind_executor(network->loop, Witness(fate)));
    run_ready(network->loop);
    CHECK(fate.called == 0);
    CHECK(fate.destroyed == 0);
    network.reset();
    CHECK(fate.called == 0);
    CHECK(fate.destroyed == 4);
    clock->advance(2h);
    CHECK(pair.near.close().has_value());
    CHECK(error_of(pair.near.close()) == std::errc::bad_file_descriptor);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("async_sleep: the Context's clock, cancellation and deadline") {
  const Watchdog watchdog;
  asio::io_context loop;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  std::vector<std::string> log;
  const auto note = [&](const char* name) {
    return asio::bind_executor(loop, [&log, name](const Result<void>& result) {
      log.push_back(std::string(name) + (result ? "" : " " + to_string(result.error())));
    });
  };
  auto [cancelled, source] = context.with_cancel();
  asio::cancellation_signal stop;
  leash::net::async_sleep(context, 2s, note("two"));
  leash::net::async_sleep(context, 1s, note("one"));
  leash::net::async_sleep(context, 0s, note("zero"));
  leash::net::async_sleep(cancelled, 1h, note("cancelled"));
  leash::net::async_sleep(context.with_timeout(1500ms), 1h, note("timeout"));
  leash::net::async_sleep(context, leash::Clock::duration::max(),
                          asio::bind_cancellation_slot(stop.slot(), note("stopped")));
  CHECK(log.empty());
  run_ready(loop);
  CHECK(log == std::vector<std::string>{"zero"});
  clock->advance(1s);
  run_ready(loop);
  clock->advance(1s);
  run_ready(loop);
  CHECK(log == std::vector<std::string>{"zero", "one", "timeout sleep: Connection timed out", "two"});
  source.cancel();
  run_ready(loop);
  CHECK(log.back() == "cancelled sleep: Operation canceled");
  stop.emit(asio::cancellation_type::terminal);
  run_ready(loop);
  CHECK(log.back() == "stopped sleep: Operation canceled");
  CHECK(loop.stopped());
}
