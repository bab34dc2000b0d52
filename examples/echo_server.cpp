// A server of 10,000 connections at once, each of which is tracked and echoed by a coroutine, in one thread. The client
// is a second process, which the server starts.
//
//     echo_server [COUNT]

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <leash/net/asio.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace {

using namespace std::chrono_literals;

using asio::use_awaitable;
using leash::Context;
using leash::Result;
using leash::net::AsyncDialer;
using leash::net::AsyncListener;
using leash::net::Stream;

constexpr auto use_code = asio::experimental::as_tuple(use_awaitable);

void rethrow(const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

class Server {
 public:
  /// Accepts connections until the Context is done.
  asio::awaitable<void> run(Context ctx, AsyncListener& listener) {
    while (!ctx.done()) {
      auto stream = co_await listener.async_accept(ctx, use_awaitable);
      if (!stream) continue;  // If there was no descriptor, the next accept waits for one.
      most_ = std::max(most_, ++open_);
      asio::co_spawn(listener.get_executor(), echo(*std::move(stream)), rethrow);
    }
  }

  std::size_t most() const { return most_; }
  std::size_t messages() const { return messages_; }

 private:
  asio::awaitable<void> echo(Stream stream) {
    std::array<char, 64> buffer{};
    for (;;) {
      const auto [ended, size] = co_await stream.async_read_some(asio::buffer(buffer), use_code);
      if (ended) break;
      const auto [failed, written] = co_await asio::async_write(stream, asio::buffer(buffer, size), use_code);
      if (failed) break;
      ++messages_;
    }
    static_cast<void>(stream.close());
    --open_;
  }

  std::size_t open_ = 0;
  std::size_t most_ = 0;
  std::size_t messages_ = 0;
};

/// Lets this process have as many descriptors as it may. Returns how many connections it can hold.
std::size_t room_for_connections() {
  constexpr rlim_t for_other_things = 100;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur - std::min(limit.rlim_cur, for_other_things);
}

/// Starts this program as the client.
pid_t start_client(std::string address, std::string count) {
  std::string program = "echo_server";
  std::string client = "--client";
  const std::array<char*, 5> arguments{program.data(), client.data(), address.data(), count.data(), nullptr};
  pid_t process = -1;
  const int failed = ::posix_spawn(&process, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ);
  return failed == 0 ? process : -1;
}

int serve(std::size_t count) {
  auto [tracker, ctx] = leash::track::with_tracker(Context::background().with_note("echo server"));
  const auto serving = ctx.with_cancel();
  asio::io_context loop(1);
  leash::net::TcpAsyncBinder tcp(loop.get_executor());
  leash::net::TrackedAsyncBinder binder(tcp);
  Server server;
  std::unique_ptr<AsyncListener> listener;
  asio::signal_set child_ended(loop, SIGCHLD);
  child_ended.async_wait([&](const asio::error_code&, int) { serving.source.cancel(); });

  pid_t client = -1;
  binder.async_bind(serving.context, "tcp", "127.0.0.1:0", [&](Result<std::unique_ptr<AsyncListener>> bound) {
    if (!bound) return serving.source.cancel(bound.error());
    listener = *std::move(bound);
    asio::co_spawn(loop, server.run(serving.context, *listener), rethrow);
    client = start_client(to_string(listener->address()), std::to_string(count));
    if (client < 0) serving.source.cancel();
  });
  loop.run();
  int status = 1;
  if (client > 0) ::waitpid(client, &status, 0);
  if (listener) static_cast<void>(listener->close());

  std::cout << server.most() << " connections at once, " << server.messages() << " messages\n";
  const auto report = tracker.close();
  std::cout << report << "\n";
  return status == 0 && server.most() == count && report.ok() ? 0 : 1;
}

/// The client's connections, and what it does with all of them at once.
class Client {
 public:
  Client(AsyncDialer& dialer, std::string address, std::size_t count)
      : dialer_(dialer), address_(std::move(address)), streams_(count) {}

  /// Opens the connections from number `first` on, one of `step` at a time.
  asio::awaitable<void> connect(Context ctx, std::size_t first, std::size_t step) {
    for (std::size_t i = first; i < streams_.size(); i += step) {
      auto stream = co_await dialer_.async_dial(ctx, "tcp", address_, use_awaitable);
      streams_[i] = leash::take(std::move(stream));
    }
  }

  asio::awaitable<void> talk(std::size_t number) {
    std::string text = std::to_string(number);
    text.resize(32, '.');
    std::string answer(text.size(), ' ');
    co_await asio::async_write(streams_[number], asio::buffer(text), use_awaitable);
    co_await asio::async_read(streams_[number], asio::buffer(answer), use_awaitable);
    if (answer != text) throw std::runtime_error("the echo of \"" + text + "\" is \"" + answer + "\"");
  }

  std::size_t size() const { return streams_.size(); }

 private:
  AsyncDialer& dialer_;
  const std::string address_;
  std::vector<Stream> streams_;
};

int connect_and_talk(const std::string& address, std::size_t count) {
  // As many dials as the backlog of the server holds in any case.
  constexpr std::size_t dials_at_once = 100;
  asio::io_context loop(1);
  leash::net::TcpAsyncDialer dialer(loop.get_executor());
  Client client(dialer, address, count);
  const Context ctx = Context::background().with_timeout(5min);
  for (std::size_t i = 0; i < dials_at_once; ++i) {
    asio::co_spawn(loop, client.connect(ctx, i, dials_at_once), rethrow);
  }
  loop.run();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < client.size(); ++i) asio::co_spawn(loop, client.talk(i), rethrow);
    loop.restart();
    loop.run();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::size_t room = room_for_connections();
  try {
    if (arguments.size() == 3 && arguments[0] == "--client") {
      return connect_and_talk(arguments[1], std::stoul(arguments[2]));
    }
    const std::size_t wanted = arguments.empty() ? 10'000 : std::stoul(arguments[0]);
    if (room < wanted) std::cout << "The limit of descriptors allows " << room << " connections.\n";
    return serve(std::min(wanted, room));
  } catch (const std::exception& error) {
    std::cerr << "echo_server: " << error.what() << "\n";
    return 2;
  }
}
