#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <leash/net/detail/socket.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <leash/try.hpp>
#include <optional>

#include "http.hpp"
#include "program.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

// leash as the client of a server that others have written.

using leash::Context;
using leash::Error;
using leash::Result;
using leash::tracking_enabled;
using leash::net::Conn;
using leash::net::Endpoint;
using leash::net::IpAddress;
using leash::net::TcpDialer;
using leash::net::TrackedDialer;
using leash::net::detail::SocketAddress;
using leash::os::Descriptor;

namespace {

constexpr std::size_t big_size = std::size_t{8} << 20U;

/// nginx, which listens at a port of this machine and at a path.
class Nginx {
 public:
  explicit Nginx(const std::string& program) : port_(must_open()) {
    // A port that no one takes meanwhile: this socket keeps it, and nginx may have it too (SO_REUSEPORT).
    const int on = 1;
    const SocketAddress any(Endpoint{IpAddress::loopback_v4(), 0});
    REQUIRE(::setsockopt(port_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    REQUIRE(::bind(port_.get(), any.data(), any.size()) == 0);
    address_ = to_string(SocketAddress::local_of(port_.get()).value().endpoint());
    std::ofstream(directory_ / "small") << "small\n";
    std::ofstream(directory_ / "big", std::ios::binary) << patterned(big_size);
    std::ofstream(directory_ / "nginx.conf") << configuration();
    program_.emplace(std::vector<std::string>{program, "-p", directory_.path(), "-c", directory_ / "nginx.conf"},
                     directory_ / "output");
    // It listens when it says how it waits.
    while (!log().contains("event method")) {
      REQUIRE_MESSAGE(program_->runs(), log());
      std::this_thread::yield();
    }
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  const std::string& address() const { return address_; }
  std::string path() const { return directory_ / "socket"; }
  std::string log() const { return content_of(directory_ / "output"); }

  /// Ends it by that signal, and returns what `Program::wait` does.
  int end(int signal) {
    program_->signal(signal);
    return program_->wait();
  }

 private:
  static Descriptor must_open() { return leash::net::detail::open_socket(AF_INET).value(); }

  std::string configuration() const {
    const std::string& directory = directory_.path();
    std::string text = "daemon off;\nmaster_process off;\nerror_log stderr notice;\npid " + directory + "/pid;\n" +
                       "events {}\nhttp {\n  access_log off;\n";
    for (const std::string use : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += "  " + use + "_temp_path " + directory + "/" + use + ";\n";
    }
    return text + "  server {\n    listen " + address_ + " reuseport;\n    listen unix:" + path() + ";\n    root " +
           directory + ";\n" + "    location = /slow { alias " + directory + "/big; limit_rate 1k; }\n" +
           "    location = /end { return 444; }\n" +
           "    location = /reset { reset_timedout_connection on; return 444; }\n  }\n}\n";
  }

  const TempDir directory_;
  const Descriptor port_;
  std::string address_;
  std::optional<Program> program_;
};

std::string get(std::string_view target, std::string_view more = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: nginx.test\r\n" + std::string(more) + "\r\n";
}

constexpr std::string_view close_field = "Connection: close\r\n";

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
  const Watchdog watchdog;
  const auto program = find_program("nginx", "LEASH_NGINX");
  if (!program) return;
  const auto before = open_descriptors();
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  {
    Nginx nginx(*program);
    TcpDialer tcp;
    TrackedDialer dialer(tcp);
    INFO(nginx.log());
    check(nginx, dialer, context);
  }
  CHECK(open_descriptors() == before);
  const leash::track::Report report = tracker.close();
  CHECK_MESSAGE(report.groups.empty(), to_string(report));
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
    const std::string expected = patterned(big_size);
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
    CHECK(got.size() < big_size);
    CHECK(must(read_all(*over_path)).size() < big_size);

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
      CHECK(group.instances[0].bytes_in > big_size);
      CHECK(group.instances[0].bytes_out == get("/big").size());
      CHECK(to_string(report).contains("nginx_test.cpp"));
    }
  });
}
