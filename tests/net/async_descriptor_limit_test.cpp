#include <leash/net/tracked_async_binder.hpp>
#include <leash/net/tracked_async_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <utility>

#include "async_support.hpp"
#include "descriptor_limit.hpp"
#include "temp_dir.hpp"

// A process that is out of descriptors at each step of what is under way in an event loop.

using leash::Context;
using leash::Error;
using leash::Result;
using leash::net::Stream;

namespace {

/// Runs the loop, which has what it needs of its own by then, until the operation is over, with as many descriptors.
template <class T>
T run_limited(asio::io_context& loop, rlim_t count, asio::awaitable<T> operation) {
  run_ready(loop);
  const DescriptorLimit limit(count);
  return run(loop, std::move(operation));
}

}  // namespace

TEST_CASE(
    "TcpAsyncDialer: out of descriptors at each step of a dial, there is a Stream or an Error, and no tag stays") {
  const Watchdog watchdog;
  const TempDir directory;
  auto [tracker, context] = leash::track::with_tracker(Context());
  AsyncNetwork network(Over::tcp);
  leash::net::TrackedAsyncDialer dialer(network.dialer);
  leash::net::TcpBinder binder;
  const auto port = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto path = must(binder.bind(Context(), "unix", directory / "socket"));
  const std::pair<std::string, std::string> targets[] = {{"tcp", to_string(port->address())},
                                                         {"tcp4", "localhost:" + std::to_string(port->address().port)},
                                                         {"unix", directory / "socket"}};
  for (const auto& [kind, address] : targets) {
    CAPTURE(kind);
    // The first look-up of a name opens what stays open.
    must(run(network.loop, dialer.async_dial(context, kind, address, asio::use_awaitable)));
    const auto fillers = fill_gaps();
    const auto before = open_descriptors();
    int failed = 0;
    int worked = 0;
    for (rlim_t count = 0; count < 12; ++count) {
      CAPTURE(count);
      auto dialled = run_limited(network.loop, count, dialer.async_dial(context, kind, address, asio::use_awaitable));
      if constexpr (leash::tracking_enabled) CHECK(tracker.open_count() == (dialled ? 1 : 0));
      if (dialled) {
        ++worked;
        must(dialled->close());
      } else {
        ++failed;
        CHECK_MESSAGE(dialled.error() == std::errc::too_many_files_open, dialled.error());
        CHECK(dialled.error().operation() == "dial");
        CHECK(dialled.error().subject() == address);
      }
      CHECK(open_descriptors() == before);
    }
    CHECK(failed >= 1);
    CHECK(worked >= 1);
  }
  CHECK(tracker.close().ok());
}

TEST_CASE("TcpAsyncBinder: out of descriptors at each step of a bind, there is a listener or an Error") {
  const Watchdog watchdog;
  const TempDir directory;
  auto [tracker, context] = leash::track::with_tracker(Context());
  AsyncNetwork network(Over::tcp);
  leash::net::TrackedAsyncBinder binder(network.binder);
  for (const auto& [kind, address] :
       {std::pair<std::string, std::string>{"tcp", "127.0.0.1:0"}, {"unix", directory / "socket"}}) {
    CAPTURE(kind);
    // The first listener of an execution context opens what stays open.
    must(run(network.loop, binder.async_bind(context, kind, address, asio::use_awaitable)));
    const auto fillers = fill_gaps();
    const auto before = open_descriptors();
    int failed = 0;
    int worked = 0;
    for (rlim_t count = 0; count < 6; ++count) {
      auto bound = run_limited(network.loop, count, binder.async_bind(context, kind, address, asio::use_awaitable));
      if constexpr (leash::tracking_enabled) CHECK(tracker.open_count() == (bound ? 1 : 0));
      if (bound) {
        ++worked;
        must((*bound)->close());
      } else {
        ++failed;
        CHECK_MESSAGE(bound.error() == std::errc::too_many_files_open, bound.error());
        CHECK(bound.error().operation() == "bind");
        CHECK(bound.error().subject() == address);
      }
      CHECK(open_descriptors() == before);
      CHECK_FALSE(std::filesystem::exists(directory / "socket"));
    }
    CHECK(failed >= 1);
    CHECK(worked >= 1);
  }
  CHECK(tracker.close().ok());
}

TEST_CASE(
    "out of descriptors for an execution context itself, its first dial or bind fails, and works when there are some") {
  const Watchdog watchdog;
  leash::net::TcpBinder binder;
  const auto port = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string address = to_string(port->address());
  const auto fillers = fill_gaps();
  const auto before = open_descriptors();
  int failed = 0;
  for (rlim_t count = 0; count < 6; ++count) {
    {
      AsyncNetwork dialling(Over::tcp);
      AsyncNetwork binding(Over::tcp);
      const auto dial = [&] { return dialling.dialer.async_dial(Context(), "tcp", address, asio::use_awaitable); };
      const auto bind = [&] { return binding.binder.async_bind(Context(), "tcp", "127.0.0.1:0", asio::use_awaitable); };
      auto dialled = run_limited(dialling.loop, count, dial());
      auto bound = run_limited(binding.loop, count, bind());
      if (!dialled) {
        ++failed;
        CHECK(to_string(dialled.error()).starts_with("dial " + address + ": Too many open files"));
        must(run(dialling.loop, dial()));
      }
      if (!bound) {
        CHECK(to_string(bound.error()) == "bind 127.0.0.1:0: Too many open files");
        must(run(binding.loop, bind()));
      }
    }
    CHECK(open_descriptors() == before);
  }
  CHECK(failed > 1);
  CHECK(failed < 6);
}

TEST_CASE("AsyncListener: out of descriptors, an accept tells it once, and the next waits until there is one again") {
  const Watchdog watchdog;
  auto [tracker, context] = leash::track::with_tracker(Context());
  AsyncNetwork network(Over::tcp);
  leash::net::TrackedAsyncBinder binder(network.binder);
  auto listener = must(run(network.loop, binder.async_bind(context, "tcp", "127.0.0.1:0", asio::use_awaitable)));
  leash::net::TcpDialer dialer;
  const auto first = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
  const auto second = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
  const auto fillers = fill_gaps();
  const auto before = open_descriptors();
  std::optional<Result<Stream>> accepted;
  auto [ending, source] = context.with_cancel();
  {
    run_ready(network.loop);
    const DescriptorLimit limit(0);
    const Error error = error_of(run(network.loop, listener->async_accept(context, asio::use_awaitable)));
    CHECK(error == std::errc::too_many_files_open);
    CHECK(error.operation() == "accept");
    CHECK(error.subject() == to_string(listener->address()));
    listener->async_accept(ending, [&](Result<Stream> result) { accepted = std::move(result); });
    run_ready(network.loop);
    CHECK(!accepted);
    source.cancel();
    network.loop.restart();
    network.loop.run();
    REQUIRE(accepted);
    CHECK(error_of(*std::move(accepted)) == std::errc::operation_canceled);
    accepted.reset();
    listener->async_accept(context, [&](Result<Stream> result) { accepted = std::move(result); });
    run_ready(network.loop);
    CHECK(!accepted);
    if constexpr (leash::tracking_enabled) CHECK(tracker.open_count() == 1);
  }
  CHECK(open_descriptors() == before);
  network.loop.restart();
  network.loop.run();
  REQUIRE(accepted);
  CHECK(must(*std::move(accepted)).remote_address() == first->local_address());
  accepted.reset();
  Stream next = must(run(network.loop, listener->async_accept(context, asio::use_awaitable)));
  CHECK(next.remote_address() == second->local_address());
  must(next.close());
  CHECK(open_descriptors() == before);
  must(listener->close());
  CHECK(tracker.close().ok());
}

TEST_CASE("Stream: out of descriptors, what is under way goes on, waits and ends") {
  const Watchdog watchdog;
  AsyncNetwork network(Over::tcp);
  StreamPair pair = make_pair(network);
  const auto fillers = fill_gaps();
  const DescriptorLimit limit(0);
  CHECK(carries(network.loop, pair.near, pair.far));
  asio::error_code code;
  char byte = 0;
  pair.near.async_read_some(asio::buffer(&byte, 1), [&](const asio::error_code& error, std::size_t) { code = error; });
  run_ready(network.loop);
  CHECK(!code);
  must(pair.near.close());
  network.loop.restart();
  network.loop.run();
  CHECK(code == asio::error::operation_aborted);
}
