#include "pool.hpp"

#include <asio/buffer.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "use_code.hpp"

namespace service {

using leash::Context;
using leash::Result;
using leash::net::Stream;

asio::awaitable<Result<std::string>> Pool::ask(Context ctx, std::string question) {
  question += '\n';
  if (!idle_.empty()) {
    const auto used = idle_.begin();
    lent_.splice(lent_.end(), idle_, used);
    auto answer = co_await exchange(ctx, *used, question);
    if (answer) {
      idle_.splice(idle_.end(), lent_, used);
      co_return answer;
    }
    if (!leaky_) discard(used);  // Without this, the connection that failed stays among the lent ones.
  }
  const auto lent = co_await lend_new(ctx);
  if (!lent) co_return std::unexpected(lent.error());
  auto answer = co_await exchange(ctx, **lent, question);
  if (answer) {
    idle_.splice(idle_.end(), lent_, *lent);
  } else {
    discard(*lent);
  }
  co_return answer;
}

asio::awaitable<Result<Pool::Conns::iterator>> Pool::lend_new(Context ctx) {
  auto stream = co_await dialer_.async_dial(ctx, "tcp", address_, asio::use_awaitable);
  if (!stream) co_return std::unexpected(stream.error());
  co_return lent_.insert(lent_.end(), *std::move(stream));
}

asio::awaitable<Result<std::string>> Pool::exchange(Context ctx, Stream& conn, const std::string& question) {
  static_cast<void>(conn.set_deadline(ctx.deadline()));
  const auto [not_written, written] = co_await asio::async_write(conn, asio::buffer(question), use_code);
  if (not_written) co_return leash::fail("ask", address_, not_written);
  std::string answer;
  const auto [not_read, size] = co_await asio::async_read_until(conn, asio::dynamic_buffer(answer), '\n', use_code);
  if (not_read) co_return leash::fail("ask", address_, not_read);
  answer.resize(size - 1);
  co_return answer;
}

void Pool::discard(Conns::iterator conn) {
  static_cast<void>(conn->close());
  lent_.erase(conn);
}

void Pool::close() {
  for (Stream& conn : idle_) static_cast<void>(conn.close());
  idle_.clear();
}

}  // namespace service
