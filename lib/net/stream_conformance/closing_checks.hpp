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
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

/// The end of a stream, here and at the peer; and two operations at once.
namespace LEASH_NAMESPACE::net::stream_conformance {

/// Expects the operations under way on `ends.here` to be cut off by `end`. A write may find room at the same moment.
template <class End>
void expect_aborts(StreamTrial& t, Ends& ends, End end, std::string_view what) {
  std::array<char, 8> byte{};
  const std::string text = pattern(t.options().more_than_buffers);
  std::size_t written = 0;
  const Operation reading = begin_read(ends.here, asio::buffer(byte));
  const Operation writing = fill(t, ends.here, text, written);
  t.must_wait(reading, "a read of nothing");
  end();
  t.must_end_with(reading, asio::error::operation_aborted, "a read that is under way at " + std::string(what));
  if (t.end_of(writing, "a write that is under way at " + std::string(what))->code)
    t.must_end_with(writing, asio::error::operation_aborted, "a write that is under way at " + std::string(what));
}

inline void close_aborts_operations(StreamTrial& t) {
  Ends ends = t.ends();
  expect_aborts(t, ends, [&] { t.must(ends.here.close(), "close"); }, "close");
}

inline void reset_aborts_operations(StreamTrial& t) {
  Ends ends = t.ends();
  expect_aborts(t, ends, [&] { t.must(ends.here.reset(), "reset"); }, "reset");
}

inline void destructor_aborts_operations(StreamTrial& t) {
  Ends ends = t.ends();
  expect_aborts(t, ends, [&] { ends.here = Stream(); }, "the destruction of its stream");
}

inline void close_by_another_thread(StreamTrial& t) {
  for (const bool all : {false, true}) {
    Ends ends = t.ends();
    std::array<char, 8> byte{};
    const Operation reading = begin_read(ends.here, asio::buffer(byte));
    std::jthread other([&] { all ? static_cast<void>(ends.here.close()) : ends.here.cancel(); });
    const Operation outcome = t.end_of(reading, "a read that another thread ends");
    other.join();
    t.must(outcome->code == asio::error::operation_aborted, "a read that another thread ends to be aborted",
           outcome->text());
  }
}

inline void destroyed_in_its_handler(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 8> byte{};
  std::optional<Stream> stream(std::move(ends.here));
  stream->async_read_some(asio::buffer(byte), [&](asio::error_code, std::size_t) { stream.reset(); });
  t.write_all(ends.there, "1", "a write");
  t.wait([&] { return !stream; }, "a read whose handler destroys its stream");
  t.settle();
}

inline void async_use_after_close(StreamTrial& t) {
  Ends ends = t.ends();
  Stream& stream = ends.here;
  const std::string local = to_string(stream.local_address());
  t.expect(stream.is_open(), "is_open of a new stream", "it is not");
  t.must(stream.close(), "close");
  std::array<char, 1> byte{};
  const asio::error_code closed = asio::error::bad_descriptor;
  t.must_end_with(begin_read(stream, asio::buffer(byte)), closed, "a read after close");
  t.must_end_with(begin_write(stream, asio::buffer(byte)), closed, "a write after close");
  t.must_end_with(begin_read(stream, asio::mutable_buffer()), closed, "a read into an empty buffer after close");
  asio::error_code code;
  stream.read_some(asio::buffer(byte), code);
  t.expect(code == closed, "read_some after close to end with bad_descriptor", "it ended with " + code.message());
  stream.cancel();
  t.expect_fails(stream.shutdown_write(), std::errc::bad_file_descriptor, "shutdown_write after close");
  t.expect_fails(stream.set_deadline(std::nullopt), std::errc::bad_file_descriptor, "set_deadline after close");
  t.expect_fails(stream.reset(), std::errc::bad_file_descriptor, "reset after close");
  t.expect(!stream.is_open(), "is_open to be false after close", "it is true");
  t.expect(stream.native_handle() == -1, "no native_handle after close", "there is one");
  t.expect(to_string(stream.local_address()) == local, "the address to stay after close", "it is another");
}

inline void async_double_close(StreamTrial& t) {
  Ends ends = t.ends();
  t.must(ends.here.close(), "close");
  t.expect_fails(ends.here.close(), std::errc::bad_file_descriptor, "a second close");
}

inline void async_half_close(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  const Operation reading = begin_read(ends.there, asio::buffer(byte));
  t.must_wait(reading, "a read of nothing");
  t.must(ends.here.shutdown_write(), "shutdown_write");
  t.must_end_with(reading, asio::error::eof, "a read by the peer of a stream that is shut down");
  t.must_end_with(begin_write(ends.here, asio::buffer(byte)), asio::error::broken_pipe, "a write after shutdown_write");
  t.transfer(ends.there, ends.here, "still", "a write to a stream that is shut down");
}

/// The end of a connection is told as often as one asks.
inline void expect_reads_end(StreamTrial& t, Stream& stream, asio::error_code code) {
  std::array<char, 1> byte{};
  for (int attempt = 0; attempt < 3; ++attempt) {
    t.must_end_with(begin_read(stream, asio::buffer(byte)), code, "a read after one that has ended so");
  }
}

inline void close_ends_read_of_peer(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  const Operation writing = begin_write(ends.here, asio::buffer("x", 1));
  t.settle();
  // A network that holds no bytes has nothing to deliver.
  const bool written = writing->over();
  t.must(ends.here.close(), "close");
  if (written) t.must_read(ends.there, "x", "a read of what was written before the peer's close");
  t.must_end_with(begin_read(ends.there, asio::buffer(byte)), asio::error::eof, "a read after the peer's close");
  Ends others = t.ends();
  const Operation reading = begin_read(others.there, asio::buffer(byte));
  t.must_wait(reading, "a read of nothing");
  others.here = Stream();
  t.must_end_with(reading, asio::error::eof, "a read that waits at the peer's end");
  expect_reads_end(t, others.there, asio::error::eof);
}

inline void async_write_after_peer_close(StreamTrial& t) {
  Ends ends = t.ends();
  t.must(ends.there.close(), "close");
  int failed = 0;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const Operation outcome = t.end_of(begin_write(ends.here, asio::buffer("1", 1)), "a write after the peer's close");
    if (!outcome->code && failed == 0) continue;
    t.expect(outcome->code == asio::error::broken_pipe || outcome->code == asio::error::connection_reset,
             "writes after the peer's close to end with broken pipe", outcome->text());
    if (++failed == 4) return;
  }
  t.expect(false, "writes after the peer's close to fail", "a hundred succeeded");
}

inline void reset_by_peer(StreamTrial& t) {
  for (const bool waits : {true, false}) {
    Ends ends = t.ends();
    std::array<char, 1> byte{};
    Operation reading;
    if (waits) {
      reading = begin_read(ends.here, asio::buffer(byte));
      t.must_wait(reading, "a read of nothing");
    }
    t.must(ends.there.reset(), "reset");
    if (!waits) reading = begin_read(ends.here, asio::buffer(byte));
    t.must_end_with(reading, asio::error::connection_reset, "a read when the peer resets the connection");
    expect_reads_end(t, ends.here, asio::error::connection_reset);
  }
}

inline void second_read(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  const Operation first = begin_read(ends.here, asio::buffer(byte));
  for (int i = 0; i < 2; ++i) {
    std::array<char, 1> other{};
    t.must_end_with(begin_read(ends.here, asio::buffer(other)), asio::error::in_progress, "a second read at once");
  }
  t.must_wait(first, "the first of two reads at once");
  t.write_all(ends.there, "1", "a write");
  t.success_of(first, "the first of two reads at once");
  t.expect(byte[0] == '1', "the first of two reads to get what was written", "it got something else");
  t.must_work(ends, "after two reads at once");
}

inline void second_write(StreamTrial& t) {
  const std::string text = pattern(t.options().more_than_buffers);
  Ends ends = t.ends();
  std::size_t written = 0;
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const Operation first = fill(t, ends.here, text, written);
    const Operation second = begin_write(ends.here, asio::buffer("x", 1));
    t.must_end_with(second, asio::error::in_progress, "a second write at once");
    if (!first->over()) break;
    // It has found room after all.
    written += t.success_of(first, "the first of two writes at once")->count;
  }
  t.must_read(ends.there, std::string_view(text).substr(0, written), "a read of what was written");
}

inline void async_addresses(StreamTrial& t) {
  const auto listener = t.listen();
  const Operation dialling = t.dial(t.context(), to_string(listener->address()));
  const Operation accepting = begin_accept(*listener, t.context());
  const Stream near = *std::move(t.success_of(dialling, "a dial")->stream);
  const Stream far = *std::move(t.success_of(accepting, "an accept")->stream);
  const auto expect_same = [&](const Address& a, const Address& b, std::string_view what) {
    t.expect(a == b, std::string(what) + " to agree", to_string(a) + " is not " + to_string(b));
  };
  expect_same(near.remote_address(), listener->address(), "the address dialled and that of the listener");
  expect_same(near.remote_address(), far.local_address(), "the address of the peer and its own");
  expect_same(near.local_address(), far.remote_address(), "the own address and the peer's view of it");
}

inline std::vector<StreamCheck> closing_checks() {
  return {
      {"close-aborts-operations", close_aborts_operations},
      {"reset-aborts-operations", reset_aborts_operations},
      {"destructor-aborts-operations", destructor_aborts_operations},
      {"close-by-another-thread", close_by_another_thread},
      {"destroyed-in-its-handler", destroyed_in_its_handler},
      {"async-use-after-close", async_use_after_close},
      {"async-double-close", async_double_close},
      {"async-half-close", async_half_close},
      {"close-ends-read-of-peer", close_ends_read_of_peer},
      {"async-write-after-peer-close", async_write_after_peer_close},
      {"reset-by-peer", reset_by_peer},
      {"second-read", second_read},
      {"second-write", second_write},
      {"async-addresses", async_addresses, false},
  };
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
