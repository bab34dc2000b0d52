#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <array>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/filling.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <string>
#include <vector>

/// Cancellation of operations, by their handlers' slots and by `Stream::cancel`.
namespace LEASH_NAMESPACE::net::stream_conformance {

inline constexpr std::array cancellation_types{asio::cancellation_type::terminal, asio::cancellation_type::partial,
                                               asio::cancellation_type::total};

inline void cancel_read(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 8> text{};
  for (const asio::cancellation_type type : cancellation_types) {
    for (const bool at_once : {true, false}) {
      asio::cancellation_signal signal;
      const Operation reading = begin_read(ends.here, asio::buffer(text), signal.slot());
      if (!at_once) t.must_wait(reading, "a read of nothing");
      signal.emit(type);
      t.must_end_with(reading, asio::error::operation_aborted, "a read that is cancelled");
      t.must_work(ends, "after a read was cancelled");
    }
  }
}

inline void cancel_write(StreamTrial& t) {
  Ends ends = t.ends();
  const std::string text = pattern(t.options().more_than_buffers);
  std::size_t written = 0;
  for (const asio::cancellation_type type : cancellation_types) {
    fill_and_end(
        t, ends.here, text, written, asio::error::operation_aborted, [&](auto& signal) { signal.emit(type); },
        "a write that is cancelled");
  }
  const std::string_view sent = std::string_view(text).substr(0, written);
  t.must_read(ends.there, sent, "a read of what was written before a write was cancelled");
  t.must_work(ends, "after a write was cancelled");
}

inline void cancel_stream(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 8> text{};
  ends.here.cancel();
  t.must_work(ends, "after a cancel of nothing");
  for (const bool at_once : {true, false}) {
    const Operation reading = begin_read(ends.here, asio::buffer(text));
    if (!at_once) t.must_wait(reading, "a read of nothing");
    ends.here.cancel();
    t.must_end_with(reading, asio::error::operation_aborted, "a read of a stream that is cancelled");
    t.must_work(ends, "after a stream was cancelled");
  }
}

inline void cancelled_read_loses_nothing(StreamTrial& t) {
  Ends ends = t.ends();
  std::string sent;
  std::string got;
  for (int round = 0; round < 40; ++round) {
    std::array<char, 8> text{};
    asio::cancellation_signal signal;
    const Operation reading = begin_read(ends.there, asio::buffer(text), signal.slot());
    if (round % 2 == 0) t.must_wait(reading, "a read of nothing");
    const char byte = static_cast<char>('A' + round);
    const Operation writing = begin_write(ends.here, asio::buffer(&byte, 1));
    sent += byte;
    if (round % 3 == 0) t.settle();
    signal.emit(asio::cancellation_type::total);
    const Operation outcome = t.end_of(reading, "a read that is cancelled when bytes come");
    if (outcome->code) t.must_end_with(reading, asio::error::operation_aborted, "a read that is cancelled");
    got.append(text.data(), outcome->count);
    // What was cancelled must not take what comes after it.
    if (got.size() != sent.size()) {
      const Operation again = begin_read(ends.there, asio::buffer(text));
      got.append(text.data(), t.success_of(again, "a read after one that was cancelled")->count);
    }
    t.success_of(writing, "a write");
    t.must(got == sent, "cancelled reads to lose nothing", "of \"" + sent + "\" there came \"" + got + "\"");
  }
}

inline void cancel_accept(StreamTrial& t) {
  const auto listener = t.listen();
  for (const asio::cancellation_type type : cancellation_types) {
    for (const bool at_once : {true, false}) {
      asio::cancellation_signal signal;
      const Operation accepting = begin_accept(*listener, t.context(), signal.slot());
      if (!at_once) t.must_wait(accepting, "an accept that nobody dials");
      signal.emit(type);
      t.must_fail_with(accepting, {std::errc::operation_canceled}, "an accept that is cancelled");
    }
  }
  Ends ends = t.connect(*listener, t.context());
  t.must_work(ends, "after an accept was cancelled");
}

inline void cancelled_accept_loses_nothing(StreamTrial& t) {
  const auto listener = t.listen();
  for (int round = 0; round < 12; ++round) {
    asio::cancellation_signal signal;
    const Operation accepting = begin_accept(*listener, t.context(), signal.slot());
    if (round % 2 == 0) t.must_wait(accepting, "an accept that nobody dials");
    const Operation dialling = t.dial(t.context(), to_string(listener->address()));
    if (round % 3 == 0) t.settle();
    signal.emit(asio::cancellation_type::total);
    Operation accepted = t.end_of(accepting, "an accept that is cancelled when a connection comes");
    if (accepted->error) {
      t.must_fail_with(accepting, {std::errc::operation_canceled}, "an accept that is cancelled");
      accepted = t.success_of(begin_accept(*listener, t.context()), "an accept after one that was cancelled");
    }
    Ends ends{*std::move(t.success_of(dialling, "a dial")->stream), *std::move(accepted->stream)};
    t.must_work(ends, "when an accept was cancelled as the connection came");
  }
}

inline void cancel_dial(StreamTrial& t) {
  for (const asio::cancellation_type type : cancellation_types) {
    {
      const auto listener = t.listen();
      asio::cancellation_signal signal;
      const Operation dialling = t.dial(t.context(), to_string(listener->address()), signal.slot());
      signal.emit(type);
      // It may have connected in the call that began it.
      if (t.end_of(dialling, "a dial that is cancelled at once")->error)
        t.must_fail_with(dialling, {std::errc::operation_canceled}, "a dial that is cancelled at once");
    }
    if (t.options().unanswered.empty()) continue;
    for (const bool at_once : {true, false}) {
      asio::cancellation_signal signal;
      const Operation dialling = t.dial(t.context(), t.options().unanswered, signal.slot());
      if (!at_once) t.must_wait(dialling, "a dial that is not answered");
      signal.emit(type);
      t.must_fail_with(dialling, {std::errc::operation_canceled}, "a dial that is cancelled");
    }
  }
}

inline std::vector<StreamCheck> cancel_checks() {
  return {
      {"cancel-read", cancel_read},
      {"cancel-write", cancel_write},
      {"cancel-stream", cancel_stream},
      {"cancelled-read-loses-nothing", cancelled_read_loses_nothing},
      {"cancel-accept", cancel_accept, false},
      {"cancelled-accept-loses-nothing", cancelled_accept_loses_nothing, false},
      {"cancel-dial", cancel_dial, false},
  };
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
