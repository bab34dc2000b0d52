#include <sys/socket.h>

#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <csignal>
#include <leash/track/tracker.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async_client.hpp"
#include "real_server.hpp"

// Streams as the clients of a server that answers commands as they come.

using leash::Context;
using leash::net::Stream;

namespace {

class Redis : public RealServer {
 public:
  static constexpr std::string_view program = "redis-server";
  static constexpr const char* variable = "LEASH_REDIS";

  explicit Redis(const std::string& file) : RealServer(SO_REUSEADDR) {
    const std::string port = address().substr(address().rfind(':') + 1);
    start({file, "--bind", "127.0.0.1", "--port", port, "--unixsocket", path(), "--save", "", "--dir",
           directory().path()},
          "ready to accept connections at " + path());
  }
};

/// A command, as RESP has it: an array of bulk strings.
std::string redis_command(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

/// The next reply: its line, and the string that follows it, if one does.
asio::awaitable<std::string> redis_reply(Stream& stream, std::string& rest) {
  std::string reply = co_await read_through(stream, rest, "\r\n");
  if (!reply.starts_with('$') || reply == "$-1\r\n") co_return reply;
  co_return co_await read_exactly(stream, rest, std::stoul(reply.substr(1)) + 2);
}

asio::awaitable<void> check_replies(Stream& stream, std::span<const std::string> expected) {
  std::string rest;
  for (const std::string& each : expected) {
    const std::string reply = co_await redis_reply(stream, rest);
    // Not with ==, which would print them.
    CHECK_MESSAGE((reply == each), reply.substr(0, 80), " is not ", each.substr(0, 80));
  }
  CHECK(rest.empty());
}

}  // namespace

TEST_CASE("Redis: one coroutine writes 1,000 commands, and another reads their replies") {
  with_server<Redis>([](Redis& redis, const Context& context) {
    constexpr int commands = 1000;
    std::vector<std::string> sent;
    std::vector<std::string> expected;
    const auto expect = [&](const std::vector<std::string>& words, std::string reply) {
      sent.push_back(redis_command(words));
      expected.push_back(std::move(reply) + "\r\n");
    };
    // More than is in any buffer, so that the server waits for the reader.
    const std::string big(std::size_t{32} << 10U, 'v');
    for (int i = 0; i < commands / 4; ++i) {
      const std::string key = "key:" + std::to_string(i);
      expect({"SET", key, key + big}, "+OK");
      expect({"INCR", "counter"}, ":" + std::to_string(i + 1));
      expect({"INCR", key}, "-ERR value is not an integer or out of range");
      expect({"GETDEL", key}, key + big);
    }
    expect({"DEL", "counter"}, ":1");
    expect({"QUIT"}, "+OK");
    AsyncClient client;
    for (const auto& [network, address] :
         {std::pair<std::string, std::string>{"tcp", redis.address()}, {"unix", redis.path()}}) {
      CAPTURE(network);
      Stream stream = client.dial(context, network, address);
      using namespace asio::experimental::awaitable_operators;
      run(client.loop, write_each(stream, sent) && check_replies(stream, expected));
      CHECK(run(client.loop, failure_of_read(stream)) == asio::error::eof);
      must(stream.close());
    }
  });
}

TEST_CASE("Redis: a message comes to the coroutine that waits for it, and so does the end of the server") {
  with_server<Redis>([](Redis& redis, const Context& context) {
    AsyncClient client;
    Stream subscriber = client.dial(context, "unix", redis.path());
    Stream publisher = client.dial(context, "tcp", redis.address());
    std::string rest;
    const auto converse = [&](std::string command, std::string reply) {
      return
          [](Stream& stream, std::string& unread, std::string text, std::string end) -> asio::awaitable<std::string> {
            co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
            co_return co_await read_through(stream, unread, end);
          }(subscriber, rest, std::move(command), std::move(reply));
    };
    run(client.loop, converse(redis_command({"SUBSCRIBE", "news"}), ":1\r\n"));

    std::string message;
    asio::co_spawn(client.loop, read_through(subscriber, rest, "hello\r\n"),
                   [&](const std::exception_ptr& thrown, std::string text) {
                     CHECK(!thrown);
                     message = std::move(text);
                   });
    run_ready(client.loop);
    const std::vector<std::string> publish{redis_command({"PUBLISH", "news", "hello"})};
    const std::vector<std::string> received{":1\r\n"};
    run(client.loop, write_each(publisher, publish));
    run(client.loop, check_replies(publisher, received));
    client.loop.restart();
    client.loop.run();
    CHECK(message == "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");

    asio::error_code code;
    asio::co_spawn(client.loop, failure_of_read(subscriber),
                   [&](const std::exception_ptr&, asio::error_code error) { code = error; });
    run_ready(client.loop);
    CHECK(!code);
    CHECK(redis.end(SIGKILL) == -SIGKILL);
    client.loop.restart();
    client.loop.run();
    CHECK(code == asio::error::eof);
    CHECK(run(client.loop, failure_of_read(publisher)) == asio::error::eof);
    auto refused = run(client.loop, client.dialer.async_dial(context, "unix", redis.path(), asio::use_awaitable));
    CHECK(to_string(error_of(std::move(refused))) == "dial " + redis.path() + ": Connection refused");
  });
}

TEST_CASE("Redis: a stream that the client forgets is reported with the line that dialled it") {
  with_server<Redis>([](Redis& redis, const Context&) {
    auto [tracker, context] = leash::track::with_tracker(Context::background(), {.on_late = [](const auto&) {}});
    AsyncClient client;
    unsigned line = 0;
    const auto connect = [&line](Context ctx, leash::net::AsyncDialer& dialer,
                                 std::string path) -> asio::awaitable<Stream> {
      line = __LINE__ + 1;
      auto dialled = co_await dialer.async_dial(ctx, "unix", path, asio::use_awaitable);
      co_return must(std::move(dialled));
    };
    Stream stream = run(client.loop, connect(context, client.dialer, redis.path()));
    const std::vector<std::string> ping{redis_command({"PING"})};
    const std::vector<std::string> pong{"+PONG\r\n"};
    run(client.loop, write_each(stream, ping));
    run(client.loop, check_replies(stream, pong));
    const leash::track::Report report = tracker.close();
    if (!leash::tracking_enabled) return;
    REQUIRE(report.groups.size() == 1);
    const leash::track::Group& group = report.groups[0];
    CHECK(group.rule == leash::track::Rule::leaked);
    CHECK(group.opened.site.line() == line);
    CHECK(std::string_view(group.opened.site.file_name()).ends_with("redis_test.cpp"));
    CHECK(group.instances[0].name.ends_with(" -> " + redis.path()));
    CHECK(group.instances[0].bytes_in == pong[0].size());
    CHECK(group.instances[0].bytes_out == ping[0].size());
  });
}
