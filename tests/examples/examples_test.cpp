#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <leash/config.hpp>
#include <regex>
#include <string>

#include "run_program.hpp"
#include "source_line.hpp"
#include "without_columns.hpp"

namespace {

/// Runs an example from the root of the sources, where its excerpts are found.
Outcome run_example(const std::string& name, const std::string& arguments = {}) {
  return run_program("cd '" + std::string(SOURCES) + "' && '" + EXAMPLES + "/" + name + "' " + arguments);
}

/// Whether a page of the documentation has exactly this as a block.
bool page_shows(const std::string& page, const std::string& output) {
  std::ifstream in(std::string(SOURCES) + "/docs/" + page + ".md");
  return std::string(std::istreambuf_iterator<char>(in), {}).contains("```\n" + output + "```\n");
}

}  // namespace

TEST_CASE("connection_leak reports the connections behind the failed dials") {
  const Outcome outcome = run_example("connection_leak");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("bob: dial destination:7001: Connection refused"));
  if constexpr (leash::tracking_enabled) {
    const std::string file = "examples/connection_leak.cpp";
    const std::string dial = "dialer_.dial(ctx, \"tcp\", source)";
    CHECK(leash_test::without_columns(outcome.output)
              .contains(source_line(file, dial) + ": error: 2 connections not closed [leaked]"));
    CHECK(leash_test::without_columns(outcome.output)
              .contains(source_line(file, dial, 2) + ": error: 1 connection not closed [leaked]"));
    CHECK(outcome.output.contains("  while: alice"));
    CHECK(outcome.output.contains("2 findings: 3 connections. 3 handles opened, 0 closed."));
  } else {
    CHECK(outcome.output.contains("Nothing was tracked"));
  }
}

TEST_CASE("a sweep finds both bugs of connection_leak while every dial succeeds, and nothing once they are mended") {
  const Outcome leaky = run_example("connection_leak", "--sweep");
  CAPTURE(leaky.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(leaky.status == 1);
    const std::string text = leash_test::without_columns(leaky.output);
    for (const int bug : {1, 2}) {
      const std::string opened = source_line("examples/connection_leak.cpp", "dialer_.dial(ctx, \"tcp\", source)", bug);
      CHECK(text.contains(opened + ": error: 1 of 4 failing operations leaks this connection [leaked]"));
    }
  }
  const Outcome mended = run_example("connection_leak", "--sweep --mended");
  CAPTURE(mended.output);
  CHECK(mended.status == 0);
  CHECK(mended.output.contains("sweep: 4 points, "));
}

TEST_CASE("asio_session_leak names the accept of the sessions that a callback keeps") {
  const Outcome leaky = run_example("asio_session_leak", "--leaky");
  CAPTURE(leaky.output);
  if constexpr (leash::tracking_enabled) {
    CHECK(leaky.status != 0);
    const std::string accept = source_line("examples/asio_session_leak.cpp", "listener_->async_accept(");
    CHECK(leash_test::without_columns(leaky.output).contains(accept + ": error: "));
    CHECK(leaky.output.contains("3 not closed: 3 connections"));
    CHECK(leaky.output.contains("  while: chat server > a session"));
    CHECK(leaky.output.contains("last used at " + source_line("examples/asio_session_leak.cpp", "async_read_some(")));
  }
  const Outcome mended = run_example("asio_session_leak");
  CAPTURE(mended.output);
  CHECK(mended.status == 0);
}

TEST_CASE("echo_server holds and echoes the connections of a second process, and loses none") {
#ifdef LEASH_ALL_TESTS
  const std::string count = "10000", messages = "20000";
#else
  const std::string count = "1000", messages = "2000";
#endif
  const Outcome outcome = run_example("echo_server", count);
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains(count + " connections at once, " + messages + " messages\n"));
  if constexpr (leash::tracking_enabled) CHECK(outcome.output.contains("Nothing was left open."));
}

TEST_CASE("file_leak reports the file in the cache and the lost error of the writer") {
  const Outcome outcome = run_example("file_leak");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("stat data.csv.index: No such file or directory"));
  if constexpr (leash::tracking_enabled) {
    const std::string file = "examples/file_leak.cpp";
    CHECK(leash_test::without_columns(outcome.output)
              .contains(source_line(file, "files_.open(") + ": error: 1 file not closed [leaked]"));
    CHECK(leash_test::without_columns(outcome.output)
              .contains(source_line(file, "files.create(") + ": error: 1 file dropped without close() [dropped]"));
    CHECK(outcome.output.contains("last used at " + source_line(file, "->write(line)")));
    CHECK(outcome.output.contains("2 findings: 2 files. 2 handles opened, 1 closed."));
  }
}

TEST_CASE("from_asio shows where the sessions were accepted that the server keeps") {
  const Outcome outcome = run_example("from_asio");
  CHECK(outcome.status == 0);
  CHECK(outcome.output.starts_with("before: all seems well\n"));
  if (leash::tracking_enabled) {
    CHECK(outcome.output.contains("2 open: 2 connections from_asio.cpp:"));
    CHECK(outcome.output.contains("2 places: 2 connections. 5 handles opened, 3 closed."));
  }
}

TEST_CASE("from_std_filesystem does what its page says") {
  const Outcome outcome = run_example("from_std_filesystem");
  CHECK(outcome.status == 0);
  CHECK(outcome.output ==
        "b.log, 4 bytes\n"
        "1 header\n"
        "longest line: 5\n"
        "a = 1\n"
        "[a = ]\n"
        "home/notes/today.txt\n"
        "clean_path ../../etc/passwd: Path escapes the root\n");
}

TEST_CASE("decorators does what its page says") {
  const Outcome outcome = run_example("decorators");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  const std::string file = "examples/decorators.cpp";
  const std::string logged = source_line(file, "logging.stat(") + ": stat var/logs/old.txt\n" +
                             source_line(file, "logging.remove(") +
                             ": remove var/logs/old.txt: Read-only file system\n";
  CHECK(outcome.output == "5 calls, 5 bytes read\n" + logged +
                              "remove_all var: Operation not permitted (not in the cache)\n"
                              "write b: No space left on device (over the quota)\n");
  CHECK(page_shows("file_systems", logged));
}

TEST_CASE("memory_network does what its page says") {
  const Outcome outcome = run_example("memory_network");
  CHECK(outcome.status == 0);
  CHECK(outcome.output ==
        "web:49152 -> db:5432\n"
        "select 1\n"
        "read db:5432 -> web:49152: Connection timed out\n"
        "still there?\n"
        "row\n"
        " 1\n"
        "read web:49152 -> db:5432: Connection reset by peer\n"
        "dial db:5432: Connection refused\n");
}

TEST_CASE("network_hooks does what its page says") {
  const Outcome outcome = run_example("network_hooks");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  const std::string file = "examples/network_hooks.cpp";
  // The port that a connection comes from is of no matter.
  const std::string output =
      std::regex_replace(outcome.output, std::regex("127.0.0.1:[0-9]+ ->"), "127.0.0.1:49153 ->");
  const std::string ends = "127.0.0.1:49153 -> server:80";
  const std::string logged = source_line(file, "logged.dial(") + ": dial tcp server:80: " + ends + "\n" +
                             source_line(file, "conn->write(\"hello\")") + ": Conn::write " + ends + ": 5 bytes\n" +
                             source_line(file, "conn->close()") + ": Conn::close " + ends + "\n" +
                             source_line(file, "conn->write(\"more\")") + ": Conn::write " + ends +
                             ": 4 bytes: Bad file descriptor (0 of 4 bytes written)\n";
  CHECK(output == "7 calls, 5 bytes written\n" + logged + "127.0.0.1:5432\nslow: yes\n");
  CHECK(page_shows("networks", logged));
}

TEST_CASE("tcp does what its page says") {
  const Outcome outcome = run_example("tcp");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  const std::string output = std::regex_replace(outcome.output, std::regex(":[0-9]+"), ":5432");
  const std::string refused =
      "dial db.internal:5432: Connection refused; caused by connect 127.0.0.1:5432: Connection refused, "
      "connect 127.0.0.2:5432: Connection refused\n";
  const std::string unresolved =
      "dial db.internal:5432: Host not found, try again\n"
      "dial db.internal:5432: Connection timed out (while resolving db.internal)\n";
  CHECK(output == "hello, leash\naccept 127.0.0.1:5432: Operation canceled\n" + refused + unresolved +
                      "from 127.0.0.2, 20000 ms\n");
  CHECK(page_shows("networks", refused));
  CHECK(page_shows("networks", unresolved));
}

TEST_CASE("asio_bridge takes a connection out to Asio, and one in") {
  const Outcome outcome = run_example("asio_bridge");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.starts_with("the answer: pong\nthe question: ping\n"));
  if constexpr (leash::tracking_enabled) {
    CHECK(outcome.output.contains("Nothing was left open. 2 handles opened, 2 closed."));
  }
}

TEST_CASE("async_network_hooks takes the time of the slow line, by its clock") {
  const Outcome outcome = run_example("async_network_hooks");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output == "2500 bytes in 25 ms\n");
}

TEST_CASE("coroutines counts rows after the calls that started it are over") {
  const Outcome outcome = run_example("coroutines");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.starts_with("2 rows\n3 rows\nopen missing.csv: No such file or directory\n"));
}

TEST_CASE("list lists a directory by any name that the system has for it") {
  const Outcome relative = run_example("list' 'examples/../lib/../examples/./mirror");
  CAPTURE(relative.output);
  CHECK(relative.status == 0);
  CHECK(relative.output.contains("client.cpp\n"));
  const Outcome absolute = run_example("list' '" SOURCES "/examples/mirror/");
  CHECK(absolute.output == relative.output);
  const Outcome missing = run_example("list' '/missing");
  CHECK(missing.status == 1);
  CHECK(missing.output == "list: read_dir missing: No such file or directory\n");
}

TEST_CASE("in_production shows what is open at two levels, and a verdict that knows what stays open") {
  const Outcome outcome = run_example("in_production");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  if constexpr (leash::tracking_enabled) {
    const std::string file = "examples/in_production.cpp";
    const std::string open = source_line(file, "files_.open(");
    CHECK(leash_test::without_columns(outcome.output).contains(open + ": note: 120 files open [open]"));
    CHECK(outcome.output.contains("held: 120 files open " + open + "\n"));
    CHECK(outcome.output.contains("open{kind=\"file\"} 121\noldest_seconds "));
    CHECK(outcome.output.contains("2 places: 121 files. 121 handles opened, 0 closed."));
    CHECK(leash_test::without_columns(outcome.output).contains(open + ": error: 120 files not closed [leaked]"));
#ifdef LEASH_EXPECT_LINES
    // A member that is defined in its class.
    CHECK(outcome.output.contains(open + "  service::Service::answer(…)\n"));
    CHECK(outcome.output.contains(source_line(file, "service.answer(ctx") + "   service::serve("));
#endif
    CHECK(outcome.output.contains("max=1: 1 finding, 1 resource  # the log stays open"));
    CHECK(outcome.output.contains("1 finding: 120 files. 121 handles opened, 0 closed."));
  }
}

TEST_CASE("tag_your_own reports the slots and the stream under their own names") {
  const Outcome outcome = run_example("tag_your_own");
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  if constexpr (leash::tracking_enabled) {
    const std::string file = "examples/tag_your_own.cpp";
    CHECK(leash_test::without_columns(outcome.output)
              .contains(source_line(file, "Slot first(ctx") + ": error: 1 slot not closed [leaked]"));
    CHECK(leash_test::without_columns(outcome.output)
              .contains(source_line(file, "make_unique<app::Stream>(ctx") +
                        ": error: 1 directory stream not closed [leaked]"));
    CHECK(outcome.output.contains("3 findings: 2 slots, 1 directory stream. 4 handles opened, 1 closed."));
  }
}
