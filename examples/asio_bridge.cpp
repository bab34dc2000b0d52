// A connection that leash has dialled goes to code that uses Asio, and one that Asio has accepted comes to leash.

#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstdio>
#include <exception>
#include <leash/net/asio.hpp>
#include <leash/net/read_full.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <leash/try.hpp>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace {

using leash::Context;
using leash::Result;
using leash::net::Conn;

void say(const std::string& text) { std::printf("%s\n", text.c_str()); }

// snippet: ask
asio::awaitable<std::string> ask(asio::ip::tcp::socket socket, std::string question) {
  co_await asio::async_write(socket, asio::buffer(question), asio::use_awaitable);
  std::string answer(4, '\0');
  co_await asio::async_read(socket, asio::buffer(answer), asio::use_awaitable);
  co_return answer;
}
// end snippet

Result<void> run(const Context& ctx) {
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const std::string address = to_string(leash::net::from_asio(acceptor.local_endpoint()));

  // snippet: out
  leash::net::TcpDialer tcp;
  leash::net::TrackedDialer dialer(tcp);
  const auto dialled = LEASH_TRY(dialer.dial(ctx, "tcp", address));
  auto socket = LEASH_TRY(leash::net::to_asio(*dialled, asio::any_io_executor(loop.get_executor())));
  // end snippet
  // snippet: in
  const std::unique_ptr<Conn> conn = LEASH_TRY(leash::net::adopt(ctx, acceptor.accept()));
  // end snippet

  // The answer lies ready before the question is sent, so that one thread will do.
  LEASH_TRY(conn->write("pong"));
  asio::co_spawn(loop, ask(std::move(socket), "ping"), [](const std::exception_ptr& thrown, const std::string& answer) {
    say("the answer: " + (thrown ? "none" : answer));
  });
  loop.run();
  std::array<char, 4> question{};
  LEASH_TRY(read_full(*conn, std::as_writable_bytes(std::span(question))));
  say("the question: " + std::string(question.data(), question.size()));
  return conn->close();
}

}  // namespace

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  const auto done = run(ctx);
  if (!done) say(to_string(done.error()));
  const leash::track::Report report = tracker.close();
  say(to_string(report));
  return done && report.ok() ? 0 : 1;
}
