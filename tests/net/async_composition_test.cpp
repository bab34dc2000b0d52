#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <leash/track/tracker.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "async_support.hpp"

// Streams under what Asio composes operations with: channels, groups, operators and strands.

using leash::Context;
using leash::FakeClock;
using leash::Result;
using leash::net::Stream;

namespace {

using asio::experimental::wait_for_one;
using LineChannel = asio::experimental::channel<void(asio::error_code, std::string)>;
using Pool = asio::thread_pool;
using Strand = asio::strand<Pool::executor_type>;

constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

/// Sends each line of the stream, until that ends.
asio::awaitable<void> read_lines(Stream& stream, LineChannel& lines) {
  std::string text;
  for (;;) {
    const auto [code, size] = co_await asio::async_read_until(stream, asio::dynamic_buffer(text), '\n', as_tuple);
    if (code) {
      CHECK(code == asio::error::eof);
      break;
    }
    co_await lines.async_send({}, text.substr(0, size), asio::use_awaitable);
    text.erase(0, size);
  }
  CHECK(text.empty());
  lines.close();
}

/// Answers each line that was sent.
asio::awaitable<void> answer_lines(Stream& stream, LineChannel& lines) {
  for (;;) {
    const auto [code, line] = co_await lines.async_receive(as_tuple);
    if (code) break;
    co_await asio::async_write(stream, asio::buffer("> " + line), asio::use_awaitable);
  }
  must(stream.shutdown_write());
}

/// Reads through the end.
asio::awaitable<std::string> read_to_end(Stream& stream) {
  std::string text;
  const auto [code, size] = co_await asio::async_read(stream, asio::dynamic_buffer(text), as_tuple);
  CHECK(code == asio::error::eof);
  co_return text;
}

}  // namespace

NETWORK_TEST("channel: one coroutine reads lines, and another answers them in their order, while the first reads on") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network);
  LineChannel lines(network.loop, 2);
  std::string sent;
  std::string expected;
  for (int line = 0; line < 1000; ++line) {
    sent += std::to_string(line) + "\n";
    expected += "> " + std::to_string(line) + "\n";
  }
  asio::co_spawn(network.loop, read_lines(pair.far, lines), asio::detached);
  asio::co_spawn(network.loop, answer_lines(pair.far, lines), asio::detached);
  const auto talk = [&]() -> asio::awaitable<void> {
    co_await asio::async_write(pair.near, asio::buffer(sent), asio::use_awaitable);
    must(pair.near.shutdown_write());
  };
  using namespace asio::experimental::awaitable_operators;
  CHECK(run(network.loop, talk() && read_to_end(pair.near)) == expected);
}

NETWORK_TEST("parallel group: of two reads the first wins; the other is cancelled, and its stream goes on") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  StreamPair first = make_pair(network);
  StreamPair second = make_pair(network);
  for (const bool first_wins : {true, false, true}) {
    std::array<char, 4> one{};
    std::array<char, 4> two{};
    int calls = 0;
    asio::experimental::make_parallel_group(
        [&](auto token) { return first.near.async_read_some(asio::buffer(one), std::move(token)); },
        [&](auto token) { return second.near.async_read_some(asio::buffer(two), std::move(token)); })
        .async_wait(wait_for_one(), [&](std::array<std::size_t, 2> order, asio::error_code code_one,
                                        std::size_t size_one, asio::error_code code_two, std::size_t size_two) {
          ++calls;
          CHECK(order[0] == (first_wins ? 0 : 1));
          CHECK((first_wins ? code_two : code_one) == asio::error::operation_aborted);
          CHECK((first_wins ? size_two : size_one) == 0);
          CHECK(!(first_wins ? code_one : code_two));
          CHECK((first_wins ? size_one : size_two) == 4);
        });
    run_ready(network.loop);
    CHECK(calls == 0);
    CHECK((first_wins ? first : second).far.write_some(asio::buffer("ping", 4)) == 4);
    network.loop.restart();
    network.loop.run();
    CHECK(calls == 1);
    CHECK(carries(network.loop, first.far, first.near));
    CHECK(carries(network.loop, second.far, second.near));
  }
}

NETWORK_TEST("parallel group: of a read and a sleep the loser is cancelled, and what was read in part stays read") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network, context);
  for (const bool slept : {true, false}) {
    std::string text(4, '.');
    int calls = 0;
    asio::experimental::make_parallel_group(
        [&](auto token) { return asio::async_read(pair.near, asio::buffer(text), std::move(token)); },
        [&](auto token) { return leash::net::async_sleep(context, 10s, std::move(token)); })
        .async_wait(wait_for_one(),
                    asio::bind_executor(network.loop, [&](std::array<std::size_t, 2> order, asio::error_code code,
                                                          std::size_t size, const Result<void>& sleep) {
                      ++calls;
                      CHECK(order[0] == (slept ? 1 : 0));
                      CHECK(size == (slept ? 2 : 4));
                      if (slept) CHECK(code == asio::error::operation_aborted);
                      if (!slept) CHECK(!code);
                      CHECK(sleep.has_value() == slept);
                      if (!sleep) CHECK(sleep.error() == std::errc::operation_canceled);
                    }));
    CHECK(pair.far.write_some(asio::buffer("pi", 2)) == 2);
    // Also in a socket the two bytes have come then.
    while (text[1] == '.') run_ready(network.loop);
    CHECK(calls == 0);
    if (slept) {
      clock->advance(10s);
    } else {
      CHECK(pair.far.write_some(asio::buffer("ng", 2)) == 2);
    }
    network.loop.restart();
    network.loop.run();
    CHECK(calls == 1);
    CHECK(text == (slept ? "pi.." : "ping"));
    CHECK(carries(network.loop, pair.far, pair.near));
  }
}

NETWORK_TEST("operator ||: a coroutine gives a read up, and a Stream that a timeout closes says so to its reader") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  AsyncNetwork network(over);
  StreamPair pair = make_pair(network, context);
  char byte = 0;
  using namespace asio::experimental::awaitable_operators;
  std::optional<std::size_t> winner;
  asio::co_spawn(network.loop,
                 pair.near.async_read_some(asio::buffer(&byte, 1), asio::use_awaitable) ||
                     leash::net::async_sleep(context, 30s, asio::use_awaitable),
                 [&](const std::exception_ptr& thrown, const std::variant<std::size_t, Result<void>>& result) {
                   CHECK(!thrown);
                   winner = result.index();
                 });
  run_ready(network.loop);
  CHECK(!winner);
  clock->advance(30s);
  network.loop.restart();
  network.loop.run();
  CHECK(winner == 1);
  CHECK(carries(network.loop, pair.far, pair.near));
}

NETWORK_TEST("strands over a pool of threads: each Stream's handlers run on its strand, whatever the threads do") {
  const Watchdog watchdog;
  constexpr int sessions = 16;
  constexpr int rounds = 25;
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  {
    Pool threads(4);
    AsyncNetwork network(over);
    leash::net::MemoryAsyncNetwork memory(threads.get_executor(), network.memory);
    leash::net::TcpAsyncDialer tcp_dialer(threads.get_executor());
    leash::net::TcpAsyncBinder tcp_binder(threads.get_executor());
    const bool in_memory = over == Over::memory;
    leash::net::TrackedAsyncDialer dialer(in_memory ? static_cast<leash::net::AsyncDialer&>(memory) : tcp_dialer);
    leash::net::TrackedAsyncBinder binder(in_memory ? static_cast<leash::net::AsyncBinder&>(memory) : tcp_binder);
    const auto listener = must(binder.async_bind(context, "tcp", "127.0.0.1:0", asio::use_future).get());
    const std::string address = to_string(listener->address());
    std::atomic<int> elsewhere = 0;
    std::atomic<int> done = 0;

    const auto serve = [&](Stream stream, Strand strand) -> asio::awaitable<void> {
      std::array<char, 16> buffer{};
      for (;;) {
        const auto [code, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (!strand.running_in_this_thread()) ++elsewhere;
        if (code) break;
        co_await asio::async_write(stream, asio::buffer(buffer, size), asio::use_awaitable);
        if (!strand.running_in_this_thread()) ++elsewhere;
      }
      must(stream.close());
      ++done;
    };
    // A handler that has no executor is called on that of the Stream.
    struct Session {
      Session(Stream stream_, Strand strand_) : stream(std::move(stream_)), strand(std::move(strand_)) {}

      void send(std::atomic<int>& others, std::atomic<int>& over_all) {
        asio::async_write(stream, asio::buffer("ping", 4), [&](const asio::error_code& code, std::size_t) {
          if (!strand.running_in_this_thread()) ++others;
          if (code) return;
          asio::async_read(stream, asio::buffer(text), [&](const asio::error_code& failed, std::size_t) {
            if (!strand.running_in_this_thread()) ++others;
            if (failed) return;
            if (++answers < rounds) return send(others, over_all);
            must(stream.close());
            ++over_all;
          });
        });
      }

      Stream stream;
      Strand strand;
      std::array<char, 4> text{};
      int answers = 0;
    };
    std::vector<std::unique_ptr<Session>> clients;
    for (int session = 0; session < sessions; ++session) {
      const Strand near(threads.get_executor());
      const Strand far(threads.get_executor());
      auto dialled = dialer.async_dial(context, near, "tcp", address, asio::use_future);
      Stream accepted = must(listener->async_accept(context, far, asio::use_future).get());
      CHECK(accepted.get_executor() == asio::any_io_executor(far));
      asio::co_spawn(far, serve(std::move(accepted), far), asio::detached);
      clients.push_back(std::make_unique<Session>(must(dialled.get()), near));
      CHECK(clients.back()->stream.get_executor() == asio::any_io_executor(near));
    }
    for (const auto& client : clients) asio::post(client->strand, [&] { client->send(elsewhere, done); });
    must(listener->close());
    threads.join();
    CHECK(elsewhere == 0);
    CHECK(done == 2 * sessions);
    for (const auto& client : clients) CHECK(client->answers == rounds);
  }
  const leash::track::Report report = tracker.close();
  CHECK_MESSAGE(report.groups.empty(), to_string(report));
}

NETWORK_TEST("an execution context that is stopped: the report names the co_await of a dial, and the one that waits") {
  const Watchdog watchdog;
  unsigned dialled_at = 0;
  unsigned waits_at = 0;
  int waiting = 0;
  const auto visit = [&](Context context, leash::net::AsyncDialer& dialer,
                         std::string address) -> asio::awaitable<void> {
    dialled_at = __LINE__ + 1;
    Stream stream = must(co_await dialer.async_dial(context, "tcp", address, asio::use_awaitable));
    std::array<char, 1> answer{};
    ++waiting;
    waits_at = __LINE__ + 1;
    co_await stream.async_read_some(asio::buffer(answer), asio::use_awaitable);
    FAIL_CHECK("it has gone on");
  };
  const auto before = open_descriptors();
  {
    auto [tracker, context] = leash::track::with_tracker(Context::background(), {.on_late = [](const auto&) {}});
    auto network = std::make_unique<AsyncNetwork>(over);
    const StreamPair pair = make_pair(*network);
    leash::net::TrackedAsyncDialer dialer(network->dialer);
    constexpr int visits = 3;
    for (int i = 0; i < visits; ++i) {
      asio::co_spawn(network->loop, visit(context, dialer, to_string(pair.listener->address())), asio::detached);
    }
    while (waiting < visits) run_ready(network->loop);
    network->loop.stop();
    const leash::track::Report report = tracker.close();
    if constexpr (leash::tracking_enabled) {
      REQUIRE(report.groups.size() == 1);
      const leash::track::Group& group = report.groups[0];
      CHECK(group.count == visits);
      CHECK(group.opened.site.line() == dialled_at);
      REQUIRE(group.instances[0].last_use);
      CHECK(group.instances[0].last_use->at.site.line() == waits_at);
    }
    // With it end the coroutines, and what they hold.
    network.reset();
    CHECK(tracker.open_count() == 0);
  }
  CHECK(open_descriptors() == before);
}
