#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/filling.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// Dials, listeners, and the end of the execution context.
namespace LEASH_NAMESPACE::net::stream_conformance {

inline std::initializer_list<std::errc> nobody_listens(const StreamTrial& t) {
  static constexpr std::initializer_list<std::errc> at_path{std::errc::no_such_file_or_directory,
                                                            std::errc::connection_refused};
  static constexpr std::initializer_list<std::errc> at_port{std::errc::connection_refused};
  return t.options().network == "unix" ? at_path : at_port;
}

inline void async_refused_dial(StreamTrial& t) {
  const auto listener = t.listen();
  const std::string address = to_string(listener->address());
  t.must(listener->close(), "close of the listener");
  t.must_fail_with(t.dial(t.context(), address), nobody_listens(t), "a dial to where no one listens");
}

inline void address_in_use_async(StreamTrial& t) {
  const auto listener = t.listen();
  const std::string address = to_string(listener->address());
  t.must_fail_with(t.bind(address), {std::errc::address_in_use}, "a bind to an address in use");
  Ends ends = t.connect(*listener, t.context());
  t.must_work(ends, "after a bind that was refused");
}

inline void done_context_refuses(StreamTrial& t) {
  const auto listener = t.listen();
  auto [cancelled, source] = t.context().with_cancel();
  source.cancel();
  const std::string address = to_string(listener->address());
  t.must_fail_with(t.dial(cancelled, address), {std::errc::operation_canceled}, "a dial whose Context is cancelled");
  t.must_fail_with(begin_accept(*listener, cancelled), {std::errc::operation_canceled},
                   "an accept whose Context is cancelled");
  const Context expired = t.context().with_timeout(0s);
  t.must_fail_with(t.dial(expired, address), {std::errc::timed_out}, "a dial whose Context has expired");
  t.must_fail_with(begin_accept(*listener, expired), {std::errc::timed_out}, "an accept whose Context has expired");
}

inline void context_ends_dial(StreamTrial& t) {
  if (t.options().unanswered.empty()) return;
  auto [context, source] = t.context().with_cancel();
  const Operation cancelled = t.dial(context, t.options().unanswered);
  t.must_wait(cancelled, "a dial that is not answered");
  source.cancel();
  t.must_fail_with(cancelled, {std::errc::operation_canceled}, "a dial when its Context is cancelled");
  const Operation late = t.dial(t.context().with_timeout(10s), t.options().unanswered);
  t.must_wait(late, "a dial before its deadline");
  t.clock().advance(10s);
  t.must_fail_with(late, {std::errc::timed_out}, "a dial when its deadline comes");
}

inline void context_ends_accept(StreamTrial& t) {
  const auto listener = t.listen();
  auto [context, source] = t.context().with_cancel();
  const Operation cancelled = begin_accept(*listener, context);
  const Operation late = begin_accept(*listener, t.context().with_timeout(10s));
  t.must_wait(cancelled, "an accept that nobody dials");
  source.cancel();
  t.must_fail_with(cancelled, {std::errc::operation_canceled}, "an accept when its Context is cancelled");
  t.must_wait(late, "an accept before its deadline");
  t.clock().advance(10s);
  t.must_fail_with(late, {std::errc::timed_out}, "an accept when its deadline comes");
  Ends ends = t.connect(*listener, t.context());
  t.must_work(ends, "after accepts that have ended");
}

inline void stream_outlives_its_context(StreamTrial& t) {
  auto [context, source] = t.context().with_cancel();
  Ends ends = t.ends(context);
  source.cancel();
  t.must_work(ends, "after the Context that it was opened with was cancelled");
}

inline void close_ends_async_accepts(StreamTrial& t) {
  for (const bool destroy : {false, true}) {
    auto listener = t.listen();
    std::vector<Operation> accepts;
    for (int i = 0; i < 3; ++i) accepts.push_back(begin_accept(*listener, t.context()));
    for (const Operation& each : accepts) t.must_wait(each, "an accept that nobody dials");
    if (destroy) {
      listener = nullptr;
    } else {
      t.must(listener->close(), "close of the listener");
    }
    for (const Operation& each : accepts) {
      t.must_fail_with(each, {std::errc::bad_file_descriptor}, "each accept that waits when the listener is closed");
    }
  }
}

inline void async_listener_after_close(StreamTrial& t) {
  const auto listener = t.listen();
  const Address address = listener->address();
  t.must(listener->close(), "close of the listener");
  t.must_fail_with(begin_accept(*listener, t.context()), {std::errc::bad_file_descriptor}, "an accept after close");
  t.expect_fails(listener->close(), std::errc::bad_file_descriptor, "a second close of the listener");
  t.expect(listener->address() == address, "the listener's address to stay after close", "it is another");
  t.expect(listener->native_handle() == -1, "no native_handle of a listener after close", "there is one");
}

inline void accepts_at_once(StreamTrial& t) {
  const auto listener = t.listen();
  std::vector<Operation> accepts;
  std::vector<Operation> dials;
  for (int i = 0; i < 4; ++i) accepts.push_back(begin_accept(*listener, t.context()));
  t.settle();
  for (int i = 0; i < 4; ++i) dials.push_back(t.dial(t.context(), to_string(listener->address())));
  std::set<char> got;
  char name = 'a';
  for (const Operation& each : dials) {
    t.write_all(*t.success_of(each, "each of several dials")->stream, std::string_view(&name, 1), "a write");
    ++name;
  }
  for (const Operation& each : accepts) {
    Stream& stream = *t.success_of(each, "each of several accepts at once")->stream;
    std::array<char, 1> byte{};
    t.success_of(begin_read(stream, asio::buffer(byte)), "a read from each of several connections");
    got.insert(byte[0]);
  }
  t.expect(got.size() == 4, "each of several dials to be accepted once", "one was not");
}

/// Whatever can be under way, so that it is when the execution context ends; and streams and a listener that are used
/// by nothing then.
struct EverythingUnderWay {
  explicit EverythingUnderWay(StreamTrial& t)
      : text(pattern(t.options().more_than_buffers)), busy(t.ends()), idle(t.ends()), listener(t.listen()) {
    std::size_t written = 0;
    operations.push_back(fill(t, busy.here, text, written));
    operations.push_back(begin_read(busy.here, asio::buffer(byte)));
    operations.push_back(begin_accept(*listener, t.context()));
    operations.push_back(begin_accept(*listener, t.context().with_timeout(1h)));
    if (!t.options().unanswered.empty()) operations.push_back(t.dial(t.context(), t.options().unanswered));
    if (!busy.here.set_deadline(t.clock().now() + 1h)) return;
    t.settle();
    // One that is over, and whose handler has not been called yet.
    operations.push_back(begin_write(idle.here, asio::buffer("1", 1)));
  }

  std::string text;
  std::array<char, 1> byte{};
  Ends busy;
  Ends idle;
  std::unique_ptr<AsyncListener> listener;
  std::vector<Operation> operations;
};

inline void context_destroyed_first(StreamTrial& t) {
  EverythingUnderWay all(t);
  std::vector<bool> before;
  before.reserve(all.operations.size());
  for (const Operation& each : all.operations) before.push_back(each->over());
  t.destroy_execution_context();
  for (std::size_t i = 0; i < before.size(); ++i) {
    t.expect(before[i] || all.operations[i]->dropped, "handlers to be destroyed, uncalled, with the execution context",
             all.operations[i]->called ? "one was called" : "one is still there");
  }
  // These outlive it.
  static_cast<void>(all.idle.here.close());
  static_cast<void>(all.listener->close());
  t.clock().advance(2h);
}

inline void streams_destroyed_first(StreamTrial& t) {
  std::vector<Operation> operations;
  {
    EverythingUnderWay all(t);
    operations = all.operations;
  }
  t.destroy_execution_context();
  for (const Operation& each : operations) {
    t.expect(each->over(), "handlers to be destroyed with the execution context", "one is still there");
  }
}

/// Does `action` several times in networks of its own, and expects that it leaves nothing open.
inline void expect_nothing_open(StreamTrial& t, void (*action)(StreamTrial&), std::string_view what) {
  auto [tracker, context] = track::with_tracker(t.context());
  constexpr std::size_t times = 4;
  // What is opened once and for all does not count.
  t.nested(context, action);
  const std::size_t before = open_descriptor_count();
  for (std::size_t i = 0; i < times; ++i) t.nested(context, action);
  const std::size_t after = open_descriptor_count();
  t.expect(after < before + times, std::string(what) + " to leave no descriptor open",
           std::to_string(after) + " were open after " + std::to_string(times) + " times, and " +
               std::to_string(before) + " before");
  t.expect(tracker.open_count() == 0, std::string(what) + " to leave no tag",
           std::to_string(tracker.open_count()) + " are open");
}

inline void context_destroyed_descriptors(StreamTrial& t) {
  expect_nothing_open(t, context_destroyed_first, "an execution context that is destroyed before its streams");
  expect_nothing_open(t, streams_destroyed_first, "streams that are destroyed before their execution context");
}

inline void async_close_descriptors(StreamTrial& t) {
  expect_nothing_open(
      t,
      [](StreamTrial& inner) {
        const auto listener = inner.listen();
        Ends ends = inner.connect(*listener, inner.context());
        inner.must(ends.here.close(), "close");
        inner.must(ends.there.reset(), "reset");
        inner.must(listener->close(), "close of the listener");
      },
      "what was closed");
  expect_nothing_open(t, async_refused_dial, "a dial that is refused");
  expect_nothing_open(t, context_ends_dial, "a dial that its Context has ended");
}

inline std::vector<StreamCheck> opening_checks() {
  return {
      {"async-refused-dial", async_refused_dial, false},
      {"async-address-in-use", address_in_use_async, false},
      {"done-context-refuses", done_context_refuses, false},
      {"context-ends-dial", context_ends_dial, false},
      {"context-ends-accept", context_ends_accept, false},
      {"stream-outlives-its-context", stream_outlives_its_context},
      {"close-ends-async-accepts", close_ends_async_accepts, false},
      {"async-listener-after-close", async_listener_after_close, false},
      {"accepts-at-once", accepts_at_once, false},
      {"execution-context-destroyed-first", context_destroyed_first},
      {"streams-destroyed-first", streams_destroyed_first},
      {"execution-context-descriptors", context_destroyed_descriptors, false},
      {"async-close-descriptors", async_close_descriptors, false},
  };
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
