#include "scenario.hpp"

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <exception>
#include <leash/net/stream.hpp>
#include <leash/try.hpp>
#include <utility>
#include <vector>

#include "use_code.hpp"

namespace service {

using asio::use_awaitable;
using leash::Context;
using leash::Result;
using leash::net::AsyncListener;
using leash::net::Stream;

namespace {

/// The second server: gives each connection one answer, and closes it.
asio::awaitable<void> answer_once(Context ctx, std::unique_ptr<AsyncListener> listener) {
  for (;;) {
    auto stream = co_await listener->async_accept(ctx, use_awaitable);
    if (!stream) break;
    std::string question;
    const auto [failed, size] =
        co_await asio::async_read_until(*stream, asio::dynamic_buffer(question), '\n', use_code);
    if (!failed) co_await asio::async_write(*stream, asio::buffer("about " + question), use_code);
    static_cast<void>(stream->close());
  }
  static_cast<void>(listener->close());
}

/// A client, who says a line and waits for the answer before the next one. Returns the answers.
asio::awaitable<Result<std::string>> visit(Context ctx, leash::net::AsyncDialer& dialer, std::string address,
                                           std::vector<std::string> lines) {
  auto stream = co_await dialer.async_dial(ctx, "tcp", address, use_awaitable);
  if (!stream) co_return std::unexpected(stream.error());
  std::string answers;
  for (std::string& line : lines) {
    line += '\n';
    co_await asio::async_write(*stream, asio::buffer(line), use_code);
    std::string answer;
    co_await asio::async_read_until(*stream, asio::dynamic_buffer(answer), '\n', use_code);
    answers += answer;
  }
  LEASH_CO_TRY(stream->close());
  co_return answers;
}

/// `outcome` lives until all coroutines have ended.
asio::awaitable<Result<void>> scenario(Context ctx, Surroundings surroundings, bool leaky, Outcome& outcome) {
  auto& [loop, files, dialer, binder] = surroundings;
  auto second_server = co_await binder.async_bind(ctx, "tcp", "127.0.0.1:0", use_awaitable);
  if (!second_server) co_return std::unexpected(second_server.error());
  auto listener = co_await binder.async_bind(ctx, "tcp", "127.0.0.1:0", use_awaitable);
  if (!listener) co_return std::unexpected(listener.error());
  const std::string address = to_string((*listener)->address());

  outcome.service = std::make_unique<Service>(files, dialer, to_string((*second_server)->address()), leaky);
  const auto serving = ctx.with_cancel();
  asio::co_spawn(loop, answer_once(serving.context, *std::move(second_server)), asio::detached);
  asio::co_spawn(loop, outcome.service->run(serving.context, *std::move(listener)), asio::detached);

  std::vector<std::vector<std::string>> clients;
  clients.push_back({"page index.html", "page draft.html"});
  clients.push_back({"ask leash", "ask Asio"});
  clients.push_back({"hello?"});
  Result<void> result;
  for (std::vector<std::string>& lines : clients) {
    auto answers = co_await visit(ctx, dialer, address, std::move(lines));
    if (!answers) {
      result = std::unexpected(answers.error());
      break;
    }
    outcome.answers += *answers;
  }
  serving.source.cancel();
  co_return result;
}

}  // namespace

Outcome run_scenario(const Context& ctx, const Surroundings& surroundings, bool leaky) {
  Outcome outcome;
  asio::co_spawn(surroundings.loop, scenario(ctx, surroundings, leaky, outcome),
                 [&](const std::exception_ptr& thrown, Result<void> result) {
                   if (thrown) std::rethrow_exception(thrown);
                   outcome.result = std::move(result);
                 });
  surroundings.loop.run();
  if (outcome.service) {
    if (auto closed = outcome.service->close(); !closed && outcome.result) outcome.result = std::move(closed);
  }
  return outcome;
}

}  // namespace service
