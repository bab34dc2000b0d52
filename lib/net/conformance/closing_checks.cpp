#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/signals.hpp>
#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

/// TCP learns by an answer that the peer is gone: whether that is read before or while writing decides between the two.
constexpr std::initializer_list<std::errc> peer_gone{std::errc::broken_pipe, std::errc::connection_reset};

/// Writes until the connection refuses: a transport may learn only by an answer that the peer is gone.
Error write_until_error(Trial& t, Conn& conn) {
  const std::string data(1024, 'w');
  for (std::size_t written = 0; written <= t.plenty().size(); written += data.size()) {
    const Result<void> result = conn.write(data);
    if (!result) return result.error();
  }
  t.abandon("a write to fail when the peer has gone",
            "writes of " + std::to_string(t.plenty().size()) + " bytes succeeded");
}

void expect_peer_gone(Trial& t, const Error& error, std::string_view what) {
  t.expect(error == std::errc::broken_pipe || error == std::errc::connection_reset,
           std::string(what) + " to fail with Broken pipe or Connection reset by peer",
           "it failed: " + to_string(error));
}

/// What each operation of a connection that was ended says.
void expect_ended(Trial& t, Conn& conn, std::string_view how) {
  const auto after = [&](std::string_view operation) { return std::string(operation) + " after " + std::string(how); };
  t.must_fail(read_some(conn), closed, after("read"));
  t.must_fail(conn.read({}), closed, after("a read of nothing"));
  t.must_fail(conn.readv({}), closed, after("readv"));
  t.must_fail(conn.write("x"), closed, after("write"));
  t.must_fail(conn.write(""), closed, after("a write of nothing"));
  const std::string_view text("x");
  const std::span<const std::byte> piece = std::as_bytes(std::span(text));
  t.must_fail(conn.writev(std::span(&piece, 1)), closed, after("writev"));
  t.must_fail(conn.close_write(), closed, after("close_write"));
  t.must_fail(conn.set_deadline(std::nullopt), closed, after("set_deadline"));
  t.must_fail(conn.set_read_deadline(std::nullopt), closed, after("set_read_deadline"));
  t.must_fail(conn.set_write_deadline(t.past()), closed, after("set_write_deadline"));
  t.must_fail(conn.release(), closed, after("release"));
  conn.note("after it was ended");
  t.expect(conn.native_handle() == -1, after("native_handle") + " to be -1",
           "it is " + std::to_string(conn.native_handle()));
}

void use_after_close(Trial& t) {
  Conn& conn = t.ends().here;
  t.must(conn.close(), "close");
  expect_ended(t, conn, "close");
}

void use_after_reset(Trial& t) {
  Conn& conn = t.ends().here;
  t.must(conn.reset(), "reset");
  expect_ended(t, conn, "reset");
}

void double_close(Trial& t) {
  Conn& conn = t.ends().here;
  t.must(conn.close(), "close");
  t.must_fail(conn.close(), closed, "a second close");
  t.must_fail(conn.reset(), closed, "reset after close");
  Conn& other = t.ends().here;
  t.must(other.reset(), "reset");
  t.must_fail(other.reset(), closed, "a second reset");
  t.must_fail(other.close(), closed, "close after reset");
}

void one_of_many_closes_succeeds(Trial& t) {
  for (int round = 0; round < 10; ++round) {
    Conn& conn = t.ends().here;
    std::vector<Task<Result<void>>> closes;
    for (int i = 0; i < 3; ++i) closes.push_back(t.start([&conn] { return conn.close(); }));
    int succeeded = 0;
    for (auto& close : closes) {
      const Result<void> result = close.get();
      if (result) {
        ++succeeded;
      } else {
        t.must_fail(result, closed, "a close that comes too late");
      }
    }
    if (succeeded != 1) t.abandon("one of three closes at once to succeed", std::to_string(succeeded) + " did");
  }
}

/// What ends a connection, seen from what waits on it.
template <class End>
void expect_ends_waiting_reads(Trial& t, std::string_view how, End end) {
  Conn& conn = t.ends().here;
  auto reader = t.start([&conn] { return read_some(conn); });
  auto second_reader = t.start([&conn] { return read_some(conn); });
  reader.must_wait("a read without data");
  second_reader.must_wait("a read without data");
  end(conn);
  const std::string what = "a read that waits when the connection is ended by " + std::string(how);
  t.must_fail(reader.get(), closed, what);
  t.must_fail(second_reader.get(), closed, what);
}

template <class End>
void expect_ends_waiting_writes(Trial& t, std::string_view how, End end) {
  Conn& conn = t.ends().here;
  auto writer = t.start([&conn, data = t.plenty()] { return conn.write(data); });
  auto second_writer = t.start([&conn, data = t.plenty()] { return conn.write(data); });
  writer.must_wait("a write that nobody reads");
  second_writer.must_wait("a write that nobody reads");
  end(conn);
  const std::string what = "a write that waits when the connection is ended by " + std::string(how);
  t.must_fail(writer.get(), closed, what);
  t.must_fail(second_writer.get(), closed, what);
}

void close_ends_waiting_reads(Trial& t) {
  expect_ends_waiting_reads(t, "close", [&](Conn& conn) { t.must(conn.close(), "close"); });
}

void close_ends_waiting_writes(Trial& t) {
  expect_ends_waiting_writes(t, "close", [&](Conn& conn) { t.must(conn.close(), "close"); });
}

void reset_ends_waiting_reads(Trial& t) {
  expect_ends_waiting_reads(t, "reset", [&](Conn& conn) { t.must(conn.reset(), "reset"); });
}

void reset_ends_waiting_writes(Trial& t) {
  expect_ends_waiting_writes(t, "reset", [&](Conn& conn) { t.must(conn.reset(), "reset"); });
}

void close_delivers(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&t, &here] {
    t.must(here.write("the rest"), "a write");
    t.must(here.close(), "close");
  });
  t.expect_text(t.must(read_all(there), "the peer's reading after close"), "the rest",
                "the peer's reading after close");
  writer.get();
  for (int again = 0; again < 2; ++again) expect_end(t, read_some(there), "each of the peer's reads at the end");
}

void peer_close_ends_waiting_read(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&there] { return read_some(there); });
  reader.must_wait("a read without data");
  t.must(here.close(), "close");
  expect_end(t, reader.get(), "a read that waits when the peer closes");
}

void peer_close_ends_waiting_write(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there, data = t.plenty()] { return there.write(data); });
  writer.must_wait("a write that nobody reads");
  t.must(here.close(), "close");
  t.must_fail(writer.get(), peer_gone, "a write that waits when the peer closes");
}

void write_after_peer_close(Trial& t) {
  const auto [here, there] = t.ends();
  const SignalGuard guard;
  t.must(there.close(), "the peer's close");
  expect_peer_gone(t, write_until_error(t, here), "a write after the peer has closed");
  expect_peer_gone(t, write_until_error(t, here), "each write after the peer has closed");
  t.must(here.close(), "close after the peer has closed");
}

void no_sigpipe(Trial& t) {
  const auto [here, there] = t.ends();
  SignalGuard guard;
  t.must(there.close(), "the peer's close");
  static_cast<void>(write_until_error(t, here));
  static_cast<void>(write_until_error(t, here));
  t.expect(!guard.sigpipe_raised(), "a write to raise no SIGPIPE", "it raised one");
}

void destructor_closes(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&t, &here] {
    t.must(here.write("the rest"), "a write");
    t.destroy(here);
  });
  const std::string got = t.must(read_all(there), "the peer's reading after the destructor");
  t.expect_text(got, "the rest", "the peer's reading after the destructor");
  writer.get();
}

void close_with_unread_data_resets(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there, data = t.plenty()] { return there.write(data); });
  t.must(read_up_to(here, 4), "a read");
  // Then there is data, however little the connection holds.
  writer.must_wait("a write of which the most is not read");
  t.must(here.close(), "close with unread data");
  t.must_fail(read_some(there), std::errc::connection_reset,
              "the peer's read after a close with data that was not read");
}

void half_close(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&t, &here] {
    t.must(here.write("question"), "a write");
    t.must(here.close_write(), "close_write");
  });
  t.expect_text(t.must(read_all(there), "the peer's reading after close_write"), "question", "the peer's reading");
  writer.get();
  expect_end(t, read_some(there), "each of the peer's reads at the end");
  expect_transfer(t, there, here, "answer", "after the reading end's close_write");
  auto reader = t.start([&here] { return read_some(here); });
  reader.must_wait("a read after close_write");
  t.must(there.close(), "the peer's close");
  expect_end(t, reader.get(), "a read when the peer closes");
  t.must(here.close(), "close after close_write");
}

void write_after_half_close(Trial& t) {
  Conn& here = t.ends().here;
  const SignalGuard guard;
  t.must(here.close_write(), "close_write");
  const Error error = t.error_of(here.write("more"), std::errc::broken_pipe, "a write after close_write");
  t.expect(error.detail() == "0 of 4 bytes written", "the detail \"0 of 4 bytes written\"",
           "it is \"" + std::string(error.detail()) + "\"");
}

void half_close_ends_waiting_read_of_peer(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&there] { return read_some(there); });
  reader.must_wait("a read without data");
  t.must(here.close_write(), "close_write");
  expect_end(t, reader.get(), "the peer's read that waits at close_write");
}

void half_close_of_both(Trial& t) {
  const auto [here, there] = t.ends();
  const auto ends_writing = [&t](Conn& conn, std::string_view text) {
    return t.start([&t, &conn, text] {
      t.must(conn.write(text), "a write");
      t.must(conn.close_write(), "close_write");
    });
  };
  auto writer = ends_writing(here, "to");
  auto peer_writer = ends_writing(there, "fro");
  t.expect_text(t.must(read_all(here), "reading where both ends end writing"), "fro", "reading to the end");
  t.expect_text(t.must(read_all(there), "reading where both ends end writing"), "to", "reading to the end");
  writer.get();
  peer_writer.get();
  t.must(here.close(), "close");
  t.must(there.close(), "the peer's close");
}

void reset_fails_the_peer(Trial& t) {
  const auto [here, there] = t.ends();
  constexpr auto reset = std::errc::connection_reset;
  auto reader = t.start([&there] { return read_some(there); });
  reader.must_wait("a read without data");
  t.must(here.reset(), "reset");
  t.must_fail(reader.get(), reset, "a read that waits when the peer resets");
  for (int again = 0; again < 2; ++again) {
    t.must_fail(there.write("x"), reset, "each write after the peer has reset");
    t.must_fail(read_some(there), reset, "each read after the peer has reset");
  }
  t.must(there.close(), "close after the peer has reset");
}

void reset_fails_waiting_write_of_peer(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there, data = t.plenty()] { return there.write(data); });
  writer.must_wait("a write that nobody reads");
  t.must(here.reset(), "reset");
  t.must_fail(writer.get(), std::errc::connection_reset, "a write that waits when the peer resets");
}

void reset_discards(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&here, data = t.plenty()] { return here.write(data); });
  writer.must_wait("a write that nobody reads");
  t.must(here.reset(), "reset");
  t.must_fail(writer.get(), closed, "a write that waits when the connection is reset");
  t.must_fail(read_all(there), std::errc::connection_reset, "the peer's reading after a reset");
}

void every_method_at_once(Trial& t) {
  for (int round = 0; round < 5; ++round) {
    const auto [here, there] = t.ends();
    std::vector<Task<void>> threads;
    for (int i = 0; i < 8; ++i) {
      Conn& conn = i % 2 == 0 ? here : there;
      threads.push_back(t.start([&t, &conn, i] {
        for (int j = 0; j < 20; ++j) {
          const Clock::time_point soon = t.after(std::chrono::milliseconds(1));
          static_cast<void>(conn.set_read_deadline(soon));
          static_cast<void>(read_some(conn));
          static_cast<void>(conn.set_write_deadline(soon));
          static_cast<void>(conn.write(std::string(300, 'm')));
          static_cast<void>(conn.set_deadline(t.past()));
          static_cast<void>(conn.native_handle());
          static_cast<void>(name_of(conn));
          conn.note("at work");
          if (i == 0 && j == 15) static_cast<void>(conn.close_write());
          if (i == 1 && j == 17) static_cast<void>(conn.close());
          if (i == 2 && j == 18) static_cast<void>(conn.reset());
        }
      }));
    }
    for (auto& thread : threads) thread.get();
    t.must_fail(here.close(), closed, "close after reset");
    t.must_fail(there.close(), closed, "a second close");
  }
}

}  // namespace

std::vector<Check> closing_checks() {
  return {
      {"close-ends-waiting-reads", close_ends_waiting_reads},
      {"close-ends-waiting-writes", close_ends_waiting_writes},
      {"reset-ends-waiting-reads", reset_ends_waiting_reads},
      {"reset-ends-waiting-writes", reset_ends_waiting_writes},
      {"every-method-at-once", every_method_at_once},
      {"use-after-close", use_after_close},
      {"use-after-reset", use_after_reset},
      {"double-close", double_close},
      {"one-of-many-closes-succeeds", one_of_many_closes_succeeds},
      {"close-delivers", close_delivers},
      {"close-with-unread-data-resets", close_with_unread_data_resets},
      {"destructor-closes", destructor_closes},
      {"peer-close-ends-waiting-read", peer_close_ends_waiting_read},
      {"peer-close-ends-waiting-write", peer_close_ends_waiting_write},
      {"write-after-peer-close", write_after_peer_close},
      {"no-sigpipe", no_sigpipe},
      {"half-close", half_close},
      {"write-after-half-close", write_after_half_close},
      {"half-close-ends-waiting-read-of-peer", half_close_ends_waiting_read_of_peer},
      {"half-close-of-both", half_close_of_both},
      {"reset-fails-the-peer", reset_fails_the_peer},
      {"reset-fails-waiting-write-of-peer", reset_fails_waiting_write_of_peer},
      {"reset-discards", reset_discards},
  };
}

}  // namespace LEASH_NAMESPACE::net::conformance
