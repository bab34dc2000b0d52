#include <asio/co_spawn.hpp>
#include <asio/system_error.hpp>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "async_client.hpp"
#include "nginx.hpp"

// Streams as the clients of a server that others have written.

using leash::Context;
using leash::net::Stream;

namespace {

/// The code of a coroutine that has thrown one.
asio::error_code thrown_code(const std::exception_ptr& thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const asio::system_error& error) {
    return error.code();
  }
  return {};
}

/// Sends a request, and returns the body of its answer, which must be 200.
asio::awaitable<std::string> fetch(Stream& stream, std::string& rest, std::string request) {
  co_await asio::async_write(stream, asio::buffer(request), asio::use_awaitable);
  const std::string text = co_await read_through(stream, rest, "\r\n\r\n");
  const HttpHead head = HttpHead::parse(std::string_view(text).substr(0, text.size() - 2));
  CHECK(head.first_line.starts_with("HTTP/1.1 200 "));
  co_return co_await read_exactly(stream, rest, head.content_length());
}

}  // namespace

TEST_CASE("nginx: streams that are kept alive bring a big body each, at once, and an end") {
  with_server<Nginx>([](Nginx& nginx, const Context& context) {
    AsyncClient client;
    const std::string expected = patterned(Nginx::big_size);
    const auto visit = [&](std::string network, std::string address) -> asio::awaitable<void> {
      Stream stream = must(co_await client.dialer.async_dial(context, network, address, asio::use_awaitable));
      CHECK(to_string(stream.remote_address()) == address);
      std::string rest;
      const std::string body = co_await fetch(stream, rest, get("/big"));
      // Not with ==, which would print them.
      CHECK((body == expected));
      CHECK(co_await fetch(stream, rest, get("/small", close_field)) == "small\n");
      CHECK(rest.empty());
      CHECK(co_await failure_of_read(stream) == asio::error::eof);
      must(stream.close());
    };
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
      for (const auto& [network, address] :
           {std::pair<std::string, std::string>{"tcp", nginx.address()}, {"unix", nginx.path()}}) {
        asio::co_spawn(client.loop, visit(network, address), [&](const std::exception_ptr& thrown) {
          CHECK(!thrown);
          ++ended;
        });
      }
    }
    client.loop.run();
    CHECK(ended == 6);
  });
}

TEST_CASE("nginx: requests that are sent at once are answered one after the other") {
  with_server<Nginx>([](Nginx& nginx, const Context& context) {
    AsyncClient client;
    Stream stream = client.dial(context, "tcp", nginx.address());
    std::string rest;
    run(client.loop, [](Stream& conn, std::string& unread) -> asio::awaitable<void> {
      CHECK(co_await fetch(conn, unread, get("/small") + get("/big") + get("/small")) == "small\n");
      CHECK((co_await fetch(conn, unread, get("/small", close_field)) == patterned(Nginx::big_size)));
      CHECK(co_await fetch(conn, unread, "") == "small\n");
      CHECK(co_await fetch(conn, unread, "") == "small\n");
      CHECK(co_await failure_of_read(conn) == asio::error::eof);
    }(stream, rest));
  });
}

TEST_CASE("nginx: a server that resets, and one that is killed in the middle of a body") {
  with_server<Nginx>([](Nginx& nginx, const Context& context) {
    AsyncClient client;
    Stream reset = client.dial(context, "tcp", nginx.address());
    const std::vector<std::string> ask{get("/reset")};
    run(client.loop, write_each(reset, ask));
    CHECK(run(client.loop, failure_of_read(reset)) == asio::error::connection_reset);
    CHECK(run(client.loop, failure_of_read(reset)) == asio::error::connection_reset);

    Stream cut_off = client.dial(context, "unix", nginx.path());
    const std::vector<std::string> slow{get("/slow")};
    std::string rest;
    run(client.loop, write_each(cut_off, slow));
    run(client.loop, read_through(cut_off, rest, "\r\n\r\n"));
    asio::error_code code;
    asio::co_spawn(client.loop, read_exactly(cut_off, rest, Nginx::big_size),
                   [&](const auto& exception, auto) { code = thrown_code(exception); });
    run_ready(client.loop);
    CHECK(!code);
    CHECK(nginx.end(SIGKILL) == -SIGKILL);
    client.loop.restart();
    client.loop.run();
    CHECK(code == asio::error::eof);
    CHECK(rest.size() < Nginx::big_size);
  });
}
