#include <csignal>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <leash/try.hpp>
#include <optional>

#include "http.hpp"
#include "nginx.hpp"
#include "support.hpp"

// leash as the client of a server that others have written.

using leash::Context;
using leash::Error;
using leash::Result;
using leash::tracking_enabled;
using leash::net::Conn;
using leash::net::TcpDialer;
using leash::net::TrackedDialer;

namespace {

/// The body of an answer that must be 200.
Result<std::string> body_of(HttpReader& reader) {
  const std::optional<HttpHead> head = LEASH_TRY(reader.head());
  if (!head) return leash::fail("read", "answer", std::errc::connection_aborted);
  if (!head->first_line.starts_with("HTTP/1.1 200 ")) {
    return leash::fail("read", "answer", std::errc::protocol_error, head->first_line);
  }
  return reader.body(head->content_length());
}

/// Runs `check` with a server, and a dialer and a Context that track. What they opened must be closed in the end.
template <class Check>
void with_nginx(Check check) {
  with_server<Nginx>([&](Nginx& nginx, const Context& context) {
    TcpDialer tcp;
    TrackedDialer dialer(tcp);
    check(nginx, dialer, context);
  });
}

}  // namespace

TEST_CASE("nginx: answers over TCP and over a path, and its close is the end of the stream") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context& context) {
    for (const auto& [network, address] :
         {std::pair<std::string, std::string>{"tcp", nginx.address()}, {"unix", nginx.path()}}) {
      CAPTURE(network);
      const auto conn = must(dialer.dial(context, network, address));
      CHECK(to_string(conn->remote_address()) == address);
      HttpReader reader(*conn);
      must(conn->write(get("/small", close_field)));
      CHECK(must(body_of(reader)) == "small\n");
      CHECK(must(read_some(*conn)).empty());
      must(conn->close());
    }
  });
}

TEST_CASE("nginx: a connection that is kept alive serves one request after the other") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context& context) {
    for (const auto& [network, address] :
         {std::pair<std::string, std::string>{"tcp", nginx.address()}, {"unix", nginx.path()}}) {
      CAPTURE(network);
      const auto conn = must(dialer.dial(context, network, address));
      HttpReader reader(*conn);
      must(conn->write(get("/small")));
      CHECK(must(body_of(reader)) == "small\n");
      must(conn->write(get("/small") + get("/small", close_field)));
      CHECK(must(body_of(reader)) == "small\n");
      CHECK(must(body_of(reader)) == "small\n");
      CHECK_FALSE(must(reader.head()).has_value());
    }
  });
}

TEST_CASE("nginx: a big body comes whole, to several clients at once") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context& context) {
    std::vector<InThread<Result<std::string>>> clients;
    for (const bool over_tcp : {true, false, true, false}) {
      clients.push_back(in_thread([&, over_tcp]() -> Result<std::string> {
        const auto conn =
            LEASH_TRY(dialer.dial(context, over_tcp ? "tcp" : "unix", over_tcp ? nginx.address() : nginx.path()));
        HttpReader reader(*conn);
        LEASH_TRY(conn->write(get("/big", close_field)));
        std::string body = LEASH_TRY(body_of(reader));
        const auto more = LEASH_TRY(reader.head());
        if (more) return leash::fail("read", "end", std::errc::protocol_error, more->first_line);
        LEASH_TRY(conn->close());
        return body;
      }));
    }
    const std::string expected = patterned(Nginx::big_size);
    // Not with ==, which would print them.
    for (auto& client : clients) CHECK((must(client.get()) == expected));
  });
}

TEST_CASE("nginx: a server that does not answer but closes is an end, and one that resets is an Error") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context& context) {
    const auto ended = must(dialer.dial(context, "tcp", nginx.address()));
    must(ended->write(get("/end")));
    CHECK(must(read_some(*ended)).empty());

    const auto reset = must(dialer.dial(context, "tcp", nginx.address()));
    must(reset->write(get("/reset")));
    CHECK(to_string(error_of(read_some(*reset))) == "read " + name_of(*reset) + ": Connection reset by peer");
    CHECK(error_of(reset->write("more")) == std::errc::connection_reset);
    CHECK(error_of(read_some(*reset)) == std::errc::connection_reset);
  });
}

TEST_CASE("nginx: killed in the middle of a body, the server is at its end or has reset, and no dial finds it") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context& context) {
    const auto begin = [&](std::string_view network, const std::string& address) {
      auto conn = must(dialer.dial(context, network, address));
      must(conn->write(get("/slow")));
      std::string first(1, '\0');
      REQUIRE(must(conn->read(std::as_writable_bytes(std::span(first)))) == 1);
      return conn;
    };
    const auto idle = begin("tcp", nginx.address());
    const auto writing = begin("tcp", nginx.address());
    const auto unread = begin("tcp", nginx.address());
    const auto over_path = begin("unix", nginx.path());
    // While it answers, nginx reads nothing more.
    must(unread->write(get("/small")));
    CHECK(nginx.end(SIGKILL) == -SIGKILL);

    const std::string got = must(read_all(*idle));
    CHECK(got.starts_with("TTP/1.1 200 OK"));
    CHECK(got.size() < Nginx::big_size);
    CHECK(must(read_all(*over_path)).size() < Nginx::big_size);

    const Error lost = error_of(read_all(*unread));
    CHECK(to_string(lost) == "read " + name_of(*unread) + ": Connection reset by peer");

    const Error unsent = error_of(writing->write(std::string(too_much, 'w')));
    CHECK((unsent == std::errc::connection_reset || unsent == std::errc::broken_pipe));
    CHECK(unsent.operation() == "write");
    CHECK(unsent.subject() == name_of(*writing));
    CHECK(unsent.detail().ends_with(" of " + std::to_string(too_much) + " bytes written"));

    CHECK(to_string(error_of(dialer.dial(context, "tcp", nginx.address()))) ==
          "dial " + nginx.address() + ": Connection refused");
    CHECK(to_string(error_of(dialer.dial(context, "unix", nginx.path()))) ==
          "dial " + nginx.path() + ": Connection refused");
  });
}

TEST_CASE("nginx: a server that is told to end closes what is kept alive") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context& context) {
    const auto conn = must(dialer.dial(context, "tcp", nginx.address()));
    HttpReader reader(*conn);
    must(conn->write(get("/small")));
    CHECK(must(body_of(reader)) == "small\n");
    auto end = in_thread([&] { return reader.head(); });
    CHECK(end.is_blocked());
    CHECK(nginx.end(SIGTERM) == 0);
    CHECK_FALSE(must(end.get()).has_value());
  });
}

TEST_CASE("nginx: a connection that is left open is reported, with its addresses and what came over it") {
  with_nginx([](Nginx& nginx, TrackedDialer& dialer, const Context&) {
    auto [tracker, context] = leash::track::with_tracker(Context::background(), {.on_late = [](const auto&) {}});
    const auto closed = must(dialer.dial(context, "unix", nginx.path()));
    must(closed->close());
    const auto conn = must(dialer.dial(context, "tcp", nginx.address()));
    HttpReader reader(*conn);
    must(conn->write(get("/big")));
    must(body_of(reader));
    const leash::track::Report report = tracker.close();
    if constexpr (tracking_enabled) {
      REQUIRE(report.groups.size() == 1);
      const leash::track::Group& group = report.groups[0];
      CHECK(group.rule == leash::track::Rule::leaked);
      CHECK(group.count == 1);
      CHECK(group.instances[0].name == name_of(*conn));
      CHECK(group.instances[0].name.ends_with(" -> " + nginx.address()));
      CHECK(group.instances[0].bytes_in > Nginx::big_size);
      CHECK(group.instances[0].bytes_out == get("/big").size());
      CHECK(to_string(report).contains("nginx_test.cpp"));
    }
  });
}
