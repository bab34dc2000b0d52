#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <latch>
#include <leash/net/tracked_binder.hpp>
#include <leash/track/tracker.hpp>
#include <leash/try.hpp>
#include <optional>

#include "http.hpp"
#include "program.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

// leash as the server of a client that others have written.

using leash::Context;
using leash::Error;
using leash::Result;
using leash::tracking_enabled;
using leash::net::Address;
using leash::net::Conn;
using leash::net::TcpBinder;
using leash::net::TrackedBinder;

namespace {

constexpr std::size_t big_size = std::size_t{5} << 20U;

struct Request {
  HttpHead head;
  std::string body;

  bool begins_with(std::string_view text) const { return head.first_line.starts_with(text); }
};

/// A server of HTTP/1.1: each connection in a thread of its own.
class HttpServer {
 public:
  /// The body of the answer. Is called by any number of threads at once.
  using Answer = std::function<std::string(const Request&)>;

  HttpServer(std::unique_ptr<leash::net::Listener> listener, const Context& context, Answer answer)
      : listener_(std::move(listener)),
        answer_(std::move(answer)),
        acceptor_(in_thread([this, context] { return accept(context); })) {}
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() {
    const bool was_stopped = listener_->native_handle() == -1;
    if (!was_stopped) static_cast<void>(stop());
  }

  Address address() const { return listener_->address(); }

  struct Served {
    int connections = 0;
    std::vector<Error> errors = {};  ///< Of those that did not end as they should.
  };

  /// Takes no more connections, and waits until the clients have ended theirs.
  Served stop() {
    must(listener_->close());
    return acceptor_.get();
  }

 private:
  Served accept(const Context& context) {
    Served served;
    std::vector<InThread<Result<void>>> clients;
    for (;;) {
      auto conn = listener_->accept(context);
      if (!conn) {
        if (conn.error() != std::errc::bad_file_descriptor) served.errors.push_back(conn.error());
        break;
      }
      ++served.connections;
      clients.push_back(in_thread([this, conn = *std::move(conn)]() -> Result<void> {
        const Result<void> result = serve(*conn);
        LEASH_TRY(conn->close());
        return result;
      }));
    }
    for (auto& client : clients) {
      if (const Result<void> result = client.get(); !result) served.errors.push_back(result.error());
    }
    return served;
  }

  Result<void> serve(Conn& conn) const {
    HttpReader reader(conn);
    for (;;) {
      std::optional<HttpHead> head = LEASH_TRY(reader.head());
      if (!head) return {};
      if (head->field("expect") == "100-continue") LEASH_TRY(conn.write("HTTP/1.1 100 Continue\r\n\r\n"));
      const std::size_t length = head->content_length();
      std::string body = LEASH_TRY(reader.body(length));
      if (body.size() < length) return leash::fail("receive", name_of(conn), std::errc::connection_aborted);
      const Request request{*std::move(head), std::move(body)};
      const std::string answer = answer_(request);
      const std::string answer_head =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(answer.size()) + "\r\n\r\n";
      if (request.begins_with("HEAD ")) {
        LEASH_TRY(conn.write(answer_head));
      } else {
        LEASH_TRY(conn.writev(std::array{std::as_bytes(std::span(answer_head)), std::as_bytes(std::span(answer))}));
      }
    }
  }

  const std::unique_ptr<leash::net::Listener> listener_;
  const Answer answer_;
  InThread<Served> acceptor_;
};

/// What a test of curl has.
struct CurlBench {
  std::string program;
  TempDir directory = {};
  TcpBinder tcp = {};
  TrackedBinder binder{tcp};
  Context context;

  /// Starts curl with these arguments. What it prints goes to the file `output`.
  Program start(const std::vector<std::string>& arguments) const {
    // Without what the user has set for it.
    std::vector<std::string> command{program, "--disable", "--noproxy", "*", "--silent", "--show-error", "--fail"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return {std::move(command), directory / "output"};
  }

  /// Runs it to its end, which must be success.
  void run(const std::vector<std::string>& arguments) const {
    CHECK_MESSAGE(start(arguments).wait() == 0, content_of(directory / "output"));
  }

  void write_file(const std::string& name, std::string_view content) const {
    std::ofstream(directory / name, std::ios::binary) << content;
  }

  std::string content(const std::string& name) const { return content_of(directory / name); }
};

std::string url_of(const HttpServer& server, std::string_view target) {
  return "http://" + to_string(server.address()) + std::string(target);
}

/// Runs `check` where there is curl. What it opened must be closed in the end.
template <class Check>
void with_curl(Check check) {
  const Watchdog watchdog;
  const auto program = find_program("curl");
  if (!program) return;
  const auto before = open_descriptors();
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  {
    CurlBench curl{.program = *program, .context = context};
    check(curl);
  }
  CHECK(open_descriptors() == before);
  // An accept that begins when the server has just been stopped is a note.
  const leash::track::Report report = tracker.close();
  CHECK_MESSAGE(report.ok(), to_string(report));
}

}  // namespace

TEST_CASE("curl: fetches bodies whole over IPv4, IPv6 and a path, by one connection") {
  with_curl([](CurlBench& curl) {
    const std::string big = patterned(big_size);
    for (const auto& [network, where] : {std::pair<std::string, std::string>{"tcp", "127.0.0.1:0"},
                                         {"tcp", "[::1]:0"},
                                         {"unix", curl.directory / "socket"}}) {
      CAPTURE(where);
      auto listener = curl.binder.bind(curl.context, network, where);
      if (!listener && where == "[::1]:0") {
        MESSAGE("skipped, there is no IPv6: ", to_string(listener.error()));
        continue;
      }
      HttpServer server(must(std::move(listener)), curl.context, [&](const Request& request) {
        return request.begins_with("GET /big ") ? big : std::string("small");
      });
      std::vector<std::string> arguments{"--output", curl.directory / "big", "--output", curl.directory / "small"};
      if (network == "unix") {
        arguments.insert(arguments.end(), {"--unix-socket", where, "http://localhost/big", "http://localhost/small"});
      } else {
        arguments.insert(arguments.end(), {url_of(server, "/big"), url_of(server, "/small")});
      }
      curl.run(arguments);
      // Not with ==, which would print them.
      CHECK((curl.content("big") == big));
      CHECK(curl.content("small") == "small");
      const HttpServer::Served served = server.stop();
      CHECK(served.errors.empty());
      CHECK(served.connections == 1);
    }
  });
}

TEST_CASE("curl: a HEAD has no body, and a POST is continued and comes whole") {
  with_curl([](CurlBench& curl) {
    HttpServer server(must(curl.binder.bind(curl.context, "tcp", "127.0.0.1:0")), curl.context,
                      [](const Request& request) {
                        if (request.begins_with("HEAD ")) return std::string("not sent");
                        return request.head.field("expect") + "\n" + request.body;
                      });
    curl.run({"--head", url_of(server, "/")});
    CHECK(curl.content("output") == "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");

    const std::string big = patterned(big_size);
    curl.write_file("body", big);
    curl.run({"--data-binary", "@" + curl.directory / "body", "--header", "Expect: 100-continue", "--expect100-timeout",
              "3600", "--output", curl.directory / "echoed", url_of(server, "/")});
    CHECK((curl.content("echoed") == "100-continue\n" + big));
    CHECK(server.stop().errors.empty());
  });
}

TEST_CASE("curl: several connections at once") {
  with_curl([](CurlBench& curl) {
    constexpr std::ptrdiff_t count = 4;
    std::latch all_asked(count);
    HttpServer server(must(curl.binder.bind(curl.context, "tcp", "127.0.0.1:0")), curl.context,
                      [&](const Request& request) {
                        all_asked.arrive_and_wait();
                        return request.head.first_line;
                      });
    std::vector<std::string> arguments{"--parallel", "--parallel-immediate"};
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const std::string name = std::to_string(i);
      arguments.insert(arguments.end(), {"--output", curl.directory / name, url_of(server, "/" + name)});
    }
    curl.run(arguments);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const std::string name = std::to_string(i);
      CHECK(curl.content(name) == "GET /" + name + " HTTP/1.1");
    }
    const HttpServer::Served served = server.stop();
    CHECK(served.errors.empty());
    CHECK(served.connections == count);
  });
}

TEST_CASE("curl: killed in the middle of a download, the server's write fails and says how far it came") {
  with_curl([](CurlBench& curl) {
    std::promise<void> asked;
    HttpServer server(must(curl.binder.bind(curl.context, "tcp", "127.0.0.1:0")), curl.context, [&](const Request&) {
      asked.set_value();
      return std::string(too_much, 'x');
    });
    Program download = curl.start({"--limit-rate", "1k", "--output", "/dev/null", url_of(server, "/")});
    asked.get_future().get();
    download.signal(SIGKILL);
    CHECK(download.wait() == -SIGKILL);
    const HttpServer::Served served = server.stop();
    REQUIRE(served.errors.size() == 1);
    const Error& error = served.errors[0];
    CHECK_MESSAGE((error == std::errc::connection_reset || error == std::errc::broken_pipe), to_string(error));
    CHECK(error.operation() == "write");
    CHECK(error.subject().starts_with(to_string(server.address()) + " -> 127.0.0.1:"));
    CHECK(error.detail().contains(" bytes written"));
  });
}

TEST_CASE("curl: killed in the middle of an upload, the server reads the end of the stream") {
  with_curl([](CurlBench& curl) {
    const auto listener = must(curl.binder.bind(curl.context, "tcp", "127.0.0.1:0"));
    curl.write_file("body", patterned(big_size));
    // "Expect:" is none: curl does not wait until it is told to go on.
    Program upload = curl.start({"--limit-rate", "1k", "--data-binary", "@" + curl.directory / "body", "--header",
                                 "Expect:", "http://" + to_string(listener->address())});
    const auto conn = must(listener->accept(curl.context));
    HttpReader reader(*conn);
    const auto head = must(reader.head());
    REQUIRE(head.has_value());
    CHECK(head->content_length() == big_size);
    CHECK(must(reader.body(1)).size() == 1);
    upload.signal(SIGKILL);
    CHECK(upload.wait() == -SIGKILL);
    CHECK(must(reader.body(big_size)).size() < big_size - 1);
    must(conn->close());
    must(listener->close());
  });
}

TEST_CASE("curl: a connection that the server leaves open is reported with the client's address") {
  with_curl([](CurlBench& curl) {
    const auto listener = must(curl.binder.bind(curl.context, "tcp", "127.0.0.1:0"));
    auto [tracker, context] = leash::track::with_tracker(Context::background(), {.on_late = [](const auto&) {}});
    const Program waiting = curl.start({"http://" + to_string(listener->address())});
    const auto conn = must(listener->accept(context));
    REQUIRE(must(HttpReader(*conn).head()).has_value());
    const leash::track::Report report = tracker.close();
    if constexpr (tracking_enabled) {
      REQUIRE(report.groups.size() == 1);
      CHECK(report.groups[0].rule == leash::track::Rule::leaked);
      CHECK(report.groups[0].instances[0].name == name_of(*conn));
      CHECK(to_string(report).contains("curl_test.cpp"));
    }
  });
}
