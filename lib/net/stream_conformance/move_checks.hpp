#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <array>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Streams that are moved.
namespace LEASH_NAMESPACE::net::stream_conformance {

inline void move_under_way(StreamTrial& t) {
  Ends ends = t.ends();
  std::array<char, 1> byte{};
  const Operation reading = begin_read(ends.here, asio::buffer(byte));
  t.must_wait(reading, "a read of nothing");
  Stream moved(std::move(ends.here));
  t.must_wait(reading, "a read whose stream was moved");
  t.write_all(ends.there, "1", "a write");
  t.success_of(reading, "a read whose stream was moved");
  ends.here = std::move(moved);
  t.must_work(ends, "of a stream that was moved back");
}

inline void moved_from(StreamTrial& t) {
  Ends ends = t.ends();
  Stream moved(std::move(ends.here));
  Stream& none = ends.here;  // NOLINT(bugprone-use-after-move): that is what is checked
  std::array<char, 1> byte{};
  const auto expect_none = [&](auto initiate, std::string_view what) {
    const Operation operation = begin([&](auto handler) {
      // It has no executor of its own any more.
      initiate(asio::bind_executor(t.executor(), std::move(handler)));
    });
    t.must_end_with(operation, asio::error::bad_descriptor, what);
  };
  expect_none([&](auto handler) { none.async_read_some(asio::buffer(byte), std::move(handler)); },
              "a read of a stream that was moved from");
  expect_none([&](auto handler) { none.async_write_some(asio::buffer(byte), std::move(handler)); },
              "a write to a stream that was moved from");
  t.expect(!none.is_open(), "a stream that was moved from not to be open", "it is");
  t.expect_fails(none.close(), std::errc::bad_file_descriptor, "close of a stream that was moved from");
  none.cancel();
  none = std::move(moved);
  t.must_work(ends, "of a stream that was moved back");
}

inline std::vector<StreamCheck> move_checks() {
  return {{"move-under-way", move_under_way}, {"moved-from", moved_from}};
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
