#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <array>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/filling.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <optional>
#include <string>
#include <vector>

/// Deadlines, all by a clock that only the checks move.
namespace LEASH_NAMESPACE::net::stream_conformance {

inline void async_past_deadline(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 8> text{};
  const Operation writing = begin_write_all(ends.there, "unread");
  t.settle();
  t.must(ends.here.set_deadline(t.clock().now() - 1s), "set_deadline");
  t.must_end_with(begin_read(ends.here, asio::buffer(text)), asio::error::timed_out, "a read past its deadline");
  t.must_end_with(begin_write(ends.here, asio::buffer(text)), asio::error::timed_out, "a write past its deadline");
  t.must(ends.here.set_deadline(std::nullopt), "set_deadline");
  t.must_read(ends.here, "unread", "a read after one past its deadline");
  t.success_of(writing, "a write");
  t.must_work(ends, "when the deadline was cleared");
}

inline void deadline_ends_read(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 8> text{};
  t.must(ends.here.set_read_deadline(t.clock().now() + 10s), "set_read_deadline");
  const Operation reading = begin_read(ends.here, asio::buffer(text));
  t.clock().advance(10s - 1ns);
  t.must_wait(reading, "a read before its deadline");
  t.clock().advance(1ns);
  t.must_end_with(reading, asio::error::timed_out, "a read when its deadline comes");
  t.must_end_with(begin_read(ends.here, asio::buffer(text)), asio::error::timed_out, "a read after its deadline");
  t.must(ends.here.set_read_deadline(std::nullopt), "set_read_deadline");
  t.must_work(ends, "after a read that has timed out");
}

inline void deadline_ends_write(StreamTrial& t) {
  Ends ends = t.ends();
  const std::string text = pattern(t.options().more_than_buffers);
  std::size_t written = 0;
  fill_and_end(
      t, ends.here, text, written, asio::error::timed_out,
      [&](auto&) {
        t.must(ends.here.set_write_deadline(t.clock().now() + 10s), "set_write_deadline");
        t.clock().advance(10s);
      },
      "a write when its deadline comes");
  t.must(ends.here.set_write_deadline(std::nullopt), "set_write_deadline");
  t.must_read(ends.there, std::string_view(text).substr(0, written), "a read of what was written before the deadline");
  t.must_work(ends, "after a write that has timed out");
}

inline void deadline_set_while_waiting(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 8> text{};
  for (const auto from_now : {-1s, 0s, 10s}) {
    const Operation reading = begin_read(ends.here, asio::buffer(text));
    t.must_wait(reading, "a read of nothing");
    t.must(ends.here.set_deadline(t.clock().now() + from_now), "set_deadline");
    if (from_now > 0s) {
      t.must_wait(reading, "a read before its deadline");
      t.clock().advance(from_now);
    }
    t.must_end_with(reading, asio::error::timed_out, "a read whose deadline is set while it waits");
    t.must(ends.here.set_deadline(std::nullopt), "set_deadline");
  }
  t.must_work(ends, "after reads that have timed out");
}

inline void deadline_cleared(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  t.must(ends.here.set_deadline(t.clock().now() + 10s), "set_deadline");
  const Operation reading = begin_read(ends.here, asio::buffer(byte));
  t.must_wait(reading, "a read before its deadline");
  t.must(ends.here.set_deadline(std::nullopt), "set_deadline");
  t.clock().advance(20s);
  t.must_wait(reading, "a read whose deadline was cleared");
  t.must(ends.here.set_deadline(t.clock().now() + 10s), "set_deadline");
  t.must(ends.here.set_deadline(t.clock().now() + 30s), "set_deadline");
  t.clock().advance(20s);
  t.must_wait(reading, "a read whose deadline was put off");
  t.write_all(ends.there, "1", "a write");
  t.success_of(reading, "a read whose deadline was put off");
}

inline void read_deadline_leaves_writes(StreamTrial& t) {
  Ends ends = t.ends();
  const std::string text = pattern(t.options().more_than_buffers);
  std::size_t written = 0;
  const Operation writing = fill(t, ends.here, text, written);
  t.must(ends.here.set_read_deadline(t.clock().now() + 10s), "set_read_deadline");
  t.clock().advance(20s);
  t.settle();
  if (writing->over()) t.success_of(writing, "a write past the deadline of reads");
  std::string got(written + 1, '\0');
  const Operation reading =
      begin([&](auto handler) { asio::async_read(ends.there, asio::buffer(got), std::move(handler)); });
  t.success_of(writing, "a write past the deadline of reads");
  t.success_of(reading, "a read by the peer");
}

inline void write_deadline_leaves_reads(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  const Operation reading = begin_read(ends.here, asio::buffer(byte));
  t.must(ends.here.set_write_deadline(t.clock().now() + 10s), "set_write_deadline");
  t.clock().advance(20s);
  t.must_wait(reading, "a read past the deadline of writes");
  t.must_end_with(begin_write(ends.here, asio::buffer("1", 1)), asio::error::timed_out, "a write past its deadline");
  t.write_all(ends.there, "1", "a write by the peer");
  t.success_of(reading, "a read past the deadline of writes");
}

inline std::vector<StreamCheck> deadline_checks() {
  return {
      {"async-past-deadline", async_past_deadline},
      {"deadline-ends-read", deadline_ends_read},
      {"deadline-ends-write", deadline_ends_write},
      {"deadline-set-while-waiting", deadline_set_while_waiting},
      {"deadline-cleared", deadline_cleared},
      {"read-deadline-leaves-writes", read_deadline_leaves_writes},
      {"write-deadline-leaves-reads", write_deadline_leaves_reads},
  };
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
