#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <algorithm>
#include <array>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <cstddef>
#include <exception>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// Bytes, and buffers.
namespace LEASH_NAMESPACE::net::stream_conformance {

inline void async_transfer(StreamTrial& t) {
  Ends ends = t.ends();
  const std::string text = pattern(std::min(std::size_t{1} << 20U, t.options().more_than_buffers));
  std::string got(text.size(), '\0');
  const Operation reading =
      begin([&](auto handler) { asio::async_read(ends.there, asio::buffer(got), std::move(handler)); });
  constexpr std::size_t piece = 10'007;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    t.write_all(ends.here, std::string_view(text).substr(at, piece), "a write of a piece");
  }
  t.must(ends.here.shutdown_write(), "shutdown_write");
  t.success_of(reading, "a read of all pieces");
  t.must(got == text, "a read to give what was written in pieces", "it gave something else");
  std::array<char, 1> more{};
  t.must_end_with(begin_read(ends.there, asio::buffer(more)), asio::error::eof, "a read at the end of the stream");
  t.must_end_with(begin_read(ends.there, asio::buffer(more)), asio::error::eof,
                  "a second read at the end of the stream");
}

inline asio::awaitable<void> ping_pong(Stream& stream, bool first, int rounds) {
  std::array<char, 4> text{};
  for (int round = 0; round < rounds; ++round) {
    const std::string_view own = first ? "ping" : "pong";
    if (first) co_await asio::async_write(stream, asio::buffer(own), asio::use_awaitable);
    co_await asio::async_read(stream, asio::buffer(text), asio::use_awaitable);
    if (std::string_view(text.data(), text.size()) != (first ? "pong" : "ping"))
      throw std::runtime_error("a coroutine read something else than was written");
    if (!first) co_await asio::async_write(stream, asio::buffer(own), asio::use_awaitable);
  }
}

inline void coroutine_ping_pong(StreamTrial& t) {
  Ends ends = t.ends();
  int ended = 0;
  std::exception_ptr thrown;
  const auto finish = [&](std::exception_ptr exception) {
    ++ended;
    if (exception) thrown = exception;
  };
  asio::co_spawn(t.executor(), ping_pong(ends.here, true, 100), finish);
  asio::co_spawn(t.executor(), ping_pong(ends.there, false, 100), finish);
  t.wait([&] { return ended == 2 || thrown; }, "a ping-pong of coroutines");
  if (thrown) std::rethrow_exception(thrown);
}

inline void read_until(StreamTrial& t) {
  Ends ends = t.ends();
  std::string got;
  const auto line = [&](std::string_view wanted) {
    const Operation reading = begin(
        [&](auto handler) { asio::async_read_until(ends.there, asio::dynamic_buffer(got), '\n', std::move(handler)); });
    const std::size_t size = t.success_of(reading, "async_read_until")->count;
    t.must(got.substr(0, size) == wanted, "async_read_until to give a line", "it gave something else");
    got.erase(0, size);
  };
  const Operation lines = begin_write_all(ends.here, "one\ntwo\nthr");
  line("one\n");
  line("two\n");
  const Operation reading = begin(
      [&](auto handler) { asio::async_read_until(ends.there, asio::dynamic_buffer(got), '\n', std::move(handler)); });
  t.success_of(lines, "a write of lines");
  t.must_wait(reading, "async_read_until of a line without an end");
  t.write_all(ends.here, "ee\n", "a write of the end of a line");
  t.success_of(reading, "async_read_until of a line in two pieces");
  t.must(got == "three\n", "async_read_until to give a line in two pieces", "it gave something else");
}

inline void scatter_gather(StreamTrial& t) {
  Ends ends = t.ends();
  // More than an implementation takes at once, and empty ones among them.
  const std::string text = pattern(3'000);
  std::vector<asio::const_buffer> written;
  for (std::size_t at = 0; at < text.size(); at += 100) {
    written.emplace_back(text.data() + at, 100);
    written.emplace_back(text.data(), 0);
  }
  std::string got(text.size(), '\0');
  std::vector<asio::mutable_buffer> wanted;
  for (std::size_t at = 0; at < got.size(); at += 75) {
    wanted.emplace_back(got.data(), 0);
    wanted.emplace_back(got.data() + at, 75);
  }
  const Operation reading = begin([&](auto handler) { asio::async_read(ends.there, wanted, std::move(handler)); });
  t.success_of(begin([&](auto handler) { asio::async_write(ends.here, written, std::move(handler)); }),
               "a write of many buffers");
  t.success_of(reading, "a read into many buffers");
  t.must(got == text, "many buffers to be filled in their order", "they have something else");
}

inline void empty_buffers(StreamTrial& t) {
  Ends ends = t.ends();
  const std::array<asio::mutable_buffer, 2> none{};
  const auto expect_zero = [&](const Operation& operation, std::string_view what) {
    const Operation outcome = t.success_of(operation, what);
    t.expect(outcome->count == 0, std::string(what) + " to give 0 bytes", outcome->text());
  };
  // There is nothing to be read, and still it does not wait.
  expect_zero(begin_read(ends.here, asio::mutable_buffer()), "a read into an empty buffer");
  expect_zero(begin([&](auto handler) { ends.here.async_read_some(none, std::move(handler)); }),
              "a read into several empty buffers");
  expect_zero(begin_write(ends.here, asio::const_buffer()), "a write of an empty buffer");
  t.must_work(ends, "after those of empty buffers");
}

inline void synchronous_transfer(StreamTrial& t) {
  Ends ends = t.ends();
  asio::error_code written;
  // Each blocks the thread that calls it.
  std::thread writer([&] {
    asio::write(ends.here, asio::buffer("ping", 4), written);
    static_cast<void>(ends.here.shutdown_write());
  });
  asio::error_code code;
  std::string got(4, '\0');
  asio::read(ends.there, asio::buffer(got), code);
  writer.join();
  t.must(!written, "write_some to succeed", "it ended with " + written.message());
  t.must(!code, "read_some to succeed", "it ended with " + code.message());
  t.expect(got == "ping", "read_some to give what was written", "it gave something else");
  ends.there.read_some(asio::buffer(got), code);
  t.expect(code == asio::error::eof, "read_some at the end of the stream to end with end of file",
           "it ended with " + code.message());
}

inline void write_some_writes_a_part(StreamTrial& t) {
  const std::string text = pattern(t.options().more_than_buffers);
  Ends ends = t.ends();
  std::atomic<bool> returned = false;
  asio::error_code code;
  std::size_t count = 0;
  std::jthread writer([&] {
    count = ends.here.write_some(asio::buffer(text), code);
    returned = true;
  });
  struct End {
    explicit End(Stream& stream_) : stream(stream_) {}
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() { static_cast<void>(stream.reset()); }
    Stream& stream;
  } const end(ends.here);
  // The peer reads one byte, in case that the network holds none.
  std::array<char, 1> byte{};
  t.success_of(begin_read(ends.there, asio::buffer(byte)), "a read of the first byte");
  t.wait([&] { return returned.load(); }, "write_some of more than there is room for");
  writer.join();
  t.expect(!code && count != 0 && count < text.size(), "write_some to write a part",
           "it wrote " + std::to_string(count) + " bytes, and ended with " + code.message());
}

inline void async_read_order(StreamTrial& t) {
  Ends ends = t.ends();
  const std::string text = "0123456789";
  const Operation writing = begin_write_all(ends.here, text);
  std::string got;
  while (got.size() < text.size()) {
    std::array<char, 3> some{};
    const Operation reading = begin_read(ends.there, asio::buffer(some));
    got.append(some.data(), t.success_of(reading, "a read of some bytes")->count);
  }
  t.success_of(writing, "a write");
  t.expect(got == text, "reads to give bytes in their order", "they gave " + got);
}

inline std::vector<StreamCheck> transfer_checks() {
  return {
      {"async-transfer", async_transfer},
      {"coroutine-ping-pong", coroutine_ping_pong},
      {"read-until", read_until},
      {"scatter-gather", scatter_gather},
      {"empty-buffers", empty_buffers},
      {"synchronous-transfer", synchronous_transfer},
      {"async-read-order", async_read_order},
      {"write-some-writes-a-part", write_some_writes_a_part},
  };
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
