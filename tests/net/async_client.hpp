#pragma once

#include <asio/buffer.hpp>
#include <asio/completion_condition.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <leash/context.hpp>
#include <leash/net/asio.hpp>
#include <span>
#include <string>
#include <string_view>

#include "async_support.hpp"

/// What a client of a server has: an execution context, and a dialer that tracks.
struct AsyncClient {
  asio::io_context loop;
  leash::net::TcpAsyncDialer tcp{loop.get_executor()};
  leash::net::TrackedAsyncDialer dialer{tcp};

  leash::net::Stream dial(const leash::Context& context, std::string_view network, std::string_view address) {
    return must(run(loop, dialer.async_dial(context, network, address, asio::use_awaitable)));
  }
};

/// Reads the next `size` bytes; `rest` is what was read and not returned.
inline asio::awaitable<std::string> read_exactly(leash::net::Stream& stream, std::string& rest, std::size_t size) {
  if (rest.size() < size) {
    co_await asio::async_read(stream, asio::dynamic_buffer(rest), asio::transfer_exactly(size - rest.size()),
                              asio::use_awaitable);
  }
  std::string text = rest.substr(0, size);
  rest.erase(0, size);
  co_return text;
}

/// Reads through the next `end`.
inline asio::awaitable<std::string> read_through(leash::net::Stream& stream, std::string& rest, std::string_view end) {
  const std::size_t size =
      co_await asio::async_read_until(stream, asio::dynamic_buffer(rest), end, asio::use_awaitable);
  co_return co_await read_exactly(stream, rest, size);
}

/// Writes each of them.
inline asio::awaitable<void> write_each(leash::net::Stream& stream, std::span<const std::string> texts) {
  for (const std::string& text : texts) co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
}

/// The error of a read that must fail.
inline asio::awaitable<asio::error_code> failure_of_read(leash::net::Stream& stream) {
  char byte = 0;
  const auto [code, count] =
      co_await stream.async_read_some(asio::buffer(&byte, 1), asio::experimental::as_tuple(asio::use_awaitable));
  CHECK(count == 0);
  co_return code;
}
