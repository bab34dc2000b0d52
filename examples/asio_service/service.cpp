#include "service.hpp"

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/read_until.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <leash/clock.hpp>
#include <leash/net/async_sleep.hpp>
#include <utility>

#include "use_code.hpp"

namespace service {

using leash::Context;
using leash::Result;

asio::awaitable<void> Service::run(Context ctx, std::unique_ptr<leash::net::AsyncListener> listener) {
  auto opened = files_.append(ctx, "service.log");
  if (opened) log_ = *std::move(opened);
  const auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(executor, log_regularly(ctx), asio::detached);
  for (;;) {
    auto stream = co_await listener->async_accept(ctx, asio::use_awaitable);
    if (!stream) {
      log(to_string(stream.error()));
      if (ctx.done()) break;
      continue;  // If there was no descriptor, the next accept waits for one.
    }
    const auto session = std::make_shared<Session>(++accepted_, *std::move(stream));
    sessions_.emplace(session->number, session);
    asio::co_spawn(executor, serve(ctx.with_note("session " + std::to_string(session->number)), session),
                   asio::detached);
  }
  static_cast<void>(listener->close());
  for (const auto& [number, session] : sessions_) session->stream.cancel();
}

asio::awaitable<void> Service::log_regularly(Context ctx) {
  for (;;) {
    const auto slept = co_await leash::net::async_sleep(ctx, log_time, asio::use_awaitable);
    if (!slept) co_return;
    log(std::to_string(sessions_.size()) + " sessions");
  }
}

asio::awaitable<void> Service::serve(Context ctx, std::shared_ptr<Session> session) {
  std::string input;
  while (!ctx.done()) {
    static_cast<void>(session->stream.set_deadline(ctx.clock()->now() + idle_time));
    const auto [not_read, size] =
        co_await asio::async_read_until(session->stream, asio::dynamic_buffer(input), '\n', use_code);
    if (not_read) break;
    const std::string line = input.substr(0, size - 1);
    input.erase(0, size);

    const auto space = line.find(' ');
    const bool understood = space != std::string::npos;
    std::string said = "what?\n";
    if (understood) said = co_await answer(ctx, line.substr(0, space), line.substr(space + 1));
    const auto [not_written, written] = co_await asio::async_write(session->stream, asio::buffer(said), use_code);
    if (not_written) break;
    if (!understood) {
      log("session " + std::to_string(session->number) + " makes no sense");
      if (leaky_) co_return;  // Without `end`, the table keeps the session and its connection.
      break;
    }
  }
  end(*session);
}

asio::awaitable<std::string> Service::answer(Context ctx, std::string verb, std::string subject) {
  Result<std::string> said;
  if (verb == "page") {
    said = pages_.page(ctx, subject);
    if (said) said = std::to_string(said->size()) + " bytes";
  } else if (verb == "ask") {
    said = co_await pool_.ask(ctx.with_timeout(idle_time), std::move(subject));
  } else {
    said = leash::fail("answer", verb, std::errc::operation_not_supported);
  }
  if (!said) log(to_string(said.error()));
  co_return said ? *said + "\n" : "sorry\n";
}

void Service::end(Session& session) {
  static_cast<void>(session.stream.close());
  sessions_.erase(session.number);
}

void Service::log(std::string_view text) {
  if (log_) static_cast<void>(log_->write(std::string(text) + "\n"));
}

Result<void> Service::close() {
  pool_.close();
  Result<void> result = pages_.close();
  if (log_) {
    if (auto closed = log_->close(); !closed && result) result = std::move(closed);
  }
  return result;
}

}  // namespace service
