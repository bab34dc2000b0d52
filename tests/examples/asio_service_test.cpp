#include <doctest/doctest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <scenario.hpp>
#include <string>
#include <string_view>

#include "run_program.hpp"
#include "source_line.hpp"
#include "without_columns.hpp"

using leash::Context;
using leash::FakeClock;
using leash::tracking_enabled;
using leash::fs::MemoryFS;
using leash::track::Report;
using leash::track::Tracker;

namespace {

constexpr std::string_view told = "12 bytes\nsorry\nabout leash\nabout Asio\nwhat?\n";

MemoryFS pages() { return {{"index.html", "<p>Hello</p>"}, {"draft.html", "Hello"}}; }

/// The scenario over a network, in which all that is opened is tracked, and the verdict while the service is still
/// there.
template <class AsyncDialer, class AsyncBinder>
Report verdict(asio::io_context& loop, AsyncDialer& dialer, AsyncBinder& binder, bool leaky,
               const Context& parent = Context::background()) {
  auto [tracker, ctx] = leash::track::with_tracker(parent, {.rules = {.closed_late = leash::track::Severity::off}});
  MemoryFS disk = pages();
  leash::fs::TrackedFS files(disk);
  leash::net::TrackedAsyncDialer tracked_dialer(dialer);
  leash::net::TrackedAsyncBinder tracked_binder(binder);
  const auto outcome = service::run_scenario(ctx, {loop, files, tracked_dialer, tracked_binder}, leaky);
  REQUIRE(outcome.result.has_value());
  CHECK(outcome.answers == told);
  CHECK(leash::fs::read_file(Context(), disk, "service.log")->contains("session 3 makes no sense\n"));
  return tracker.close();
}

Report verdict_over_tcp(bool leaky) {
  asio::io_context loop;
  leash::net::TcpAsyncDialer dialer(loop.get_executor());
  leash::net::TcpAsyncBinder binder(loop.get_executor());
  return verdict(loop, dialer, binder, leaky);
}

Report verdict_over_memory(bool leaky) {
  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory(loop.get_executor(), network);
  return verdict(loop, memory, memory, leaky, Context::background().with_clock(std::make_shared<FakeClock>()));
}

/// The three leaks, each with its line.
void check_leaks(const Report& report) {
  if constexpr (tracking_enabled) {
    CHECK_FALSE(report.ok());
    const std::string text = leash_test::without_columns(to_string(report));
    CAPTURE(text);
    const auto names = [&](const std::string& file, std::string_view code, std::string_view what) {
      return text.contains(source_line("examples/asio_service/" + file, code) + ": error: " + std::string(what));
    };
    CHECK(names("service.cpp", "listener->async_accept(", "1 connection not closed [leaked]"));
    CHECK(names("pool.cpp", "dialer_.async_dial(", "1 connection not closed [leaked]"));
    CHECK(names("file_cache.cpp", "files_.open(", "1 file not closed [leaked]"));
    CHECK(text.contains("3 findings: 1 file, 2 connections."));
    CHECK(text.contains("while: session 1\n"));
    // The coroutine that reads the answer is not on the stack when Asio reads for it.
    CHECK(text.contains("last used in asio::async_read_until, "));
  }
}

/// The scenario in memory, where all may fail.
struct FaultyWorld {
  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory{loop.get_executor(), network};
  leash::net::FaultAsyncDialer faulty_dialer{memory};
  leash::net::FaultAsyncBinder faulty_binder{memory};
  leash::net::TrackedAsyncDialer dialer{faulty_dialer};
  leash::net::TrackedAsyncBinder binder{faulty_binder};
  MemoryFS disk = pages();
  leash::fs::FaultFS faulty_disk{disk};
  leash::fs::TrackedFS files{faulty_disk};
};

leash::fault::SweepResult sweep_scenario(bool leaky) {
  return leash::fault::sweep(
      [leaky](const Context& ctx) {
        auto world = std::make_shared<FaultyWorld>();
        leash::fault::keep_until_verdict(ctx, world);
        // What the service keeps in its tables is not to go before it is judged.
        auto outcome = std::make_shared<service::Outcome>(
            service::run_scenario(ctx, {world->loop, world->files, world->dialer, world->binder}, leaky));
        leash::fault::keep_until_verdict(ctx, outcome);
        return outcome->result;
      },
      {.context = Context::background().with_clock(std::make_shared<FakeClock>()), .faults_per_run = 1});
}

}  // namespace

TEST_CASE("asio_service: mended, it leaves nothing open whatever fails") {
  const leash::fault::SweepResult result = sweep_scenario(false);
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.points > 50);
}

TEST_CASE("asio_service: a sweep of the leaky one finds its three bugs") {
  const leash::fault::SweepResult result = sweep_scenario(true);
  CAPTURE(result);
  CHECK(result.problems.empty());
  if constexpr (tracking_enabled) {
    const std::string text = leash_test::without_columns(to_string(result));
    const auto finds = [&](const std::string& file, std::string_view code) {
      return text.contains(source_line("examples/asio_service/" + file, code) + ": error: ");
    };
    CHECK(finds("service.cpp", "listener->async_accept("));
    CHECK(finds("pool.cpp", "dialer_.async_dial("));
    CHECK(finds("file_cache.cpp", "files_.open("));
  }
}

TEST_CASE("asio_service: the same coroutines lose three resources over TCP and over memory") {
  check_leaks(verdict_over_tcp(true));
  check_leaks(verdict_over_memory(true));
}

TEST_CASE("asio_service: mended, it leaves nothing open over TCP nor over memory") {
  for (const Report& report : {verdict_over_tcp(false), verdict_over_memory(false)}) {
    const std::string text = to_string(report);
    CAPTURE(text);
    CHECK(report.ok());
  }
}

TEST_CASE("asio_service: a client that says nothing is sent away after 30 s") {
  const auto clock = std::make_shared<FakeClock>();
  auto [tracker, tracked] = leash::track::with_tracker(Context::background().with_clock(clock));
  const auto serving = tracked.with_cancel();
  MemoryFS disk = pages();
  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory(loop.get_executor(), network);
  leash::net::TrackedAsyncBinder binder(memory);
  service::Service service(disk, memory, "nobody:1", false);
  binder.async_bind(serving.context, "tcp", "service:80", [&](auto listener) {
    REQUIRE(listener.has_value());
    asio::co_spawn(loop, service.run(serving.context, *std::move(listener)), asio::detached);
  });
  loop.run_one();
  const auto silent = network.dial(Context(), "tcp", "service:80");
  REQUIRE(silent.has_value());
  loop.poll();
  CHECK(tracker.open_count() == (tracking_enabled ? 2 : 0));
  clock->advance(service::Service::idle_time);
  loop.poll();
  CHECK(tracker.open_count() == (tracking_enabled ? 1 : 0));
  clock->advance(service::Service::log_time);
  loop.poll();
  CHECK(leash::fs::read_file(Context(), disk, "service.log") == "0 sessions\n");
  serving.source.cancel();
  loop.run();
  CHECK(service.close().has_value());
  CHECK(tracker.close().ok());
}

TEST_CASE("asio_service: the program says what was lost, and with which status") {
  const std::string program = "'" EXAMPLES "/asio_service/asio_service'";
  const Outcome mended = run_program(program);
  CAPTURE(mended.output);
  CHECK(mended.status == 0);
  CHECK(mended.output.starts_with(told));
  if constexpr (tracking_enabled) {
    const Outcome leaky = run_program(program + " --leaky");
    CAPTURE(leaky.output);
    CHECK(leaky.status != 0);
    CHECK(leaky.output.contains("3 not closed: "));
  }
}
