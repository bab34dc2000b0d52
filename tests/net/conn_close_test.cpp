#include "support.hpp"

// What Go's nettest.TestConn does not check: the ends of connections, over every network.

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::net::Conn;

namespace {

void check_closed(Conn& conn) {
  const auto check = [&](const Error& error, std::string_view operation) {
    CHECK(error == std::errc::bad_file_descriptor);
    CHECK(error.operation() == operation);
    CHECK(error.subject() == name_of(conn));
  };
  check(error_of(read_some(conn)), "read");
  check(error_of(conn.read({})), "read");
  check(error_of(conn.write("x")), "write");
  check(error_of(conn.write("")), "write");
  check(error_of(conn.close_write()), "close_write");
  check(error_of(conn.close()), "close");
  check(error_of(conn.reset()), "reset");
  check(error_of(conn.release()), "release");
  check(error_of(conn.set_deadline(std::nullopt)), "set_deadline");
  check(error_of(conn.set_read_deadline(std::nullopt)), "set_deadline");
  check(error_of(conn.set_write_deadline(std::nullopt)), "set_deadline");
  CHECK(conn.native_handle() == -1);
}

/// Writes until the connection refuses: TCP learns only by an answer that the peer is gone.
Error write_until_error(Conn& conn) {
  for (;;) {
    Result<void> written = conn.write("more");
    if (!written) return std::move(written).error();
  }
}

}  // namespace

NETWORK_TEST("Conn: every operation after close fails, also a second close") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->close());
  check_closed(*pair.near);
  must(pair.far->reset());
  check_closed(*pair.far);
}

NETWORK_TEST("Conn: the addresses of both ends belong together, also after close") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  const auto check = [&] {
    CHECK(pair.near->local_address() == pair.far->remote_address());
    CHECK(pair.near->remote_address() == pair.far->local_address());
    CHECK(pair.near->remote_address() == pair.listener->address());
    CHECK(pair.near->local_address().network == "tcp");
    CHECK(pair.near->local_address().host == "127.0.0.1");
    CHECK(pair.near->local_address().port != 0);
  };
  check();
  must(pair.near->close());
  must(pair.far->close());
  must(pair.listener->close());
  check();
}

NETWORK_TEST("Conn: of two closes at once one succeeds") {
  const Watchdog watchdog;
  Network network(over);
  for (int round = 0; round < 20; ++round) {
    const Pair pair = make_pair(network);
    auto first = in_thread([&] { return pair.near->close(); });
    auto second = in_thread([&] { return pair.near->close(); });
    const Result<void> a = first.get();
    const Result<void> b = second.get();
    CHECK(a.has_value() != b.has_value());
    CHECK((a ? b : a).error() == std::errc::bad_file_descriptor);
  }
}

NETWORK_TEST("Conn: what was written before a close is read, then the end, again and again") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->write("the rest"));
  must(pair.near->close());
  CHECK(must(read_all(*pair.far)) == "the rest");
  CHECK(must(read_some(*pair.far)).empty());
}

NETWORK_TEST("Conn: the destructor closes") {
  const Watchdog watchdog;
  Network network(over);
  Pair pair = make_pair(network);
  must(pair.near->write("the rest"));
  pair.near.reset();
  CHECK(must(read_all(*pair.far)) == "the rest");
}

NETWORK_TEST("Conn: after the peer has closed, writing fails and raises no signal") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.far->close());
  const Error error = write_until_error(*pair.near);
  // TCP learns of the end by an answer: whether that is read before or while writing decides between the two.
  const bool expected = error == std::errc::broken_pipe || (!network.in_memory && error == std::errc::connection_reset);
  CHECK_MESSAGE(expected, to_string(error));
  CHECK(error.operation() == "write");
  CHECK(error.subject() == name_of(*pair.near));
  CHECK(error.detail() == "0 of 4 bytes written");
}

NETWORK_TEST("Conn: a write that waits ends when the peer closes") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
  writer.wait_until_blocked();
  must(pair.far->close());
  const Error error = error_of(writer.get());
  // What was written is unread. TCP may report the end first.
  const bool expected = error == std::errc::connection_reset || (!network.in_memory && error == std::errc::broken_pipe);
  CHECK_MESSAGE(expected, to_string(error));
}

NETWORK_TEST("Conn: a close with unread data resets the connection") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->write("unread"));
  CHECK(must(read_up_to(*pair.far, 1)) == "u");
  must(pair.far->close());
  CHECK(error_of(read_some(*pair.near)) == std::errc::connection_reset);
  must_fail(pair.near->write("x"));
}

NETWORK_TEST("Conn: the first write after the peer has closed succeeds, and what the peer had written is there") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.far->write("the rest"));
  must(pair.far->close());
  CHECK(must(read_up_to(*pair.near, 4)) == "the ");
  must(pair.near->write("nobody reads this"));
  const Error error = write_until_error(*pair.near);
  CHECK(error == std::errc::broken_pipe);
  CHECK(must(read_all(*pair.near)) == "rest");
}

NETWORK_TEST("Conn: half closed and then closed with unread data, what was written is there") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.far->write("answer"));
  must(pair.far->close_write());
  CHECK(must(read_all(*pair.near)) == "answer");
  must(pair.near->write("unread"));
  CHECK(must(read_up_to(*pair.far, 1)) == "u");
  must(pair.far->close());
  CHECK(write_until_error(*pair.near) == std::errc::broken_pipe);
  CHECK(must(read_all(*pair.near)).empty());
}

NETWORK_TEST("Conn: half closed, the other half works on") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->write("question"));
  must(pair.near->close_write());
  const Error error = error_of(pair.near->write("more"));
  CHECK(error == std::errc::broken_pipe);
  CHECK(error.detail() == "0 of 4 bytes written");
  CHECK(must(read_all(*pair.far)) == "question");
  must(pair.far->write("answer"));
  must(pair.far->close());
  CHECK(must(read_all(*pair.near)) == "answer");
  must(pair.near->close());
}

NETWORK_TEST("Conn: close_write twice is no error while the connection stands") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->close_write());
  must(pair.near->close_write());
}

NETWORK_TEST("Conn: a write that times out says how much it wrote, and that much arrives") {
  const Watchdog watchdog;
  Network network(over);
  const auto clock = std::make_shared<FakeClock>();
  const Pair pair = make_pair(network, Context::background().with_clock(clock));
  must(pair.near->set_write_deadline(clock->now() + 1s));
  auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
  CHECK(must(read_up_to(*pair.far, 1000)).size() == 1000);
  clock->advance(1s);
  const Error error = error_of(writer.get());
  CHECK(error.timeout());
  must(pair.near->close());
  const std::size_t arrived = 1000 + must(read_all(*pair.far)).size();
  CHECK(arrived < too_much);
  CHECK(error.detail() == std::to_string(arrived) + " of " + std::to_string(too_much) + " bytes written");
  CHECK(error.transferred() == arrived);
}

NETWORK_TEST("Conn: a reset makes the peer's operations fail, from then on") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  const std::string name = name_of(*pair.far);
  auto reader = in_thread([&] { return read_some(*pair.far); });
  reader.wait_until_blocked();
  must(pair.near->reset());
  const Error error = error_of(reader.get());
  CHECK(error == std::errc::connection_reset);
  CHECK(to_string(error) == "read " + name + ": Connection reset by peer");
  CHECK(error_of(pair.far->write("x")) == std::errc::connection_reset);
  CHECK(error_of(read_some(*pair.far)) == std::errc::connection_reset);
  CHECK(error_of(pair.far->write("x")) == std::errc::connection_reset);
  must(pair.far->close());
}

NETWORK_TEST("Conn: a read and a write at the same time are both told of a reset, which the kernel tells once") {
  const Watchdog watchdog;
  Network network(over);
  for (int round = 0; round < 500; ++round) {
    const Pair pair = make_pair(network);
    auto writer = in_thread([&] { return write_until_error(*pair.near); });
    auto reader = in_thread([&] { return read_some(*pair.near); });
    must(pair.far->reset());
    // A write that comes after the reset is refused, as one to a peer that is gone.
    const Error written = writer.get();
    REQUIRE_MESSAGE(written == std::errc::connection_reset, to_string(written));
    REQUIRE(error_of(reader.get()) == std::errc::connection_reset);
  }
}

NETWORK_TEST("Conn: a reset throws away what was not sent") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
  writer.wait_until_blocked();
  must(pair.near->reset());
  CHECK(error_of(writer.get()) == std::errc::bad_file_descriptor);
  CHECK(error_of(read_all(*pair.far)) == std::errc::connection_reset);
}

NETWORK_TEST("Conn: an empty read and an empty write do nothing") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  CHECK(must(pair.near->read({})) == 0);
  must(pair.near->write(""));
  must(pair.near->write("x"));
  CHECK(must(read_some(*pair.far)) == "x");
}

NETWORK_TEST("Conn: outlives the listener, the network, the clock's owner and the Context") {
  const Watchdog watchdog;
  std::unique_ptr<Conn> near;
  std::unique_ptr<Conn> far;
  {
    Network network(over);
    const Context context = Context::background().with_clock(std::make_shared<FakeClock>());
    auto [inner, source] = context.with_cancel();
    Pair pair = make_pair(network, inner);
    near = std::move(pair.near);
    far = std::move(pair.far);
    source.cancel();
  }
  must(near->set_deadline(leash::Clock::real()->now() + 24h));
  must(near->write("hello"));
  CHECK(must(read_up_to(*far, 5)) == "hello");
}

NETWORK_TEST("Conn: a clock's callback may close the connection whose deadline is being set") {
  const Watchdog watchdog;
  Network network(over);
  const auto clock = std::make_shared<FakeClock>();
  const Pair pair = make_pair(network, Context::background().with_clock(clock));
  const auto closing = clock->at(clock->now() + 1s, [&] {
    static_cast<void>(pair.near->set_deadline(clock->now() - 1s));
    static_cast<void>(pair.near->close());
  });
  must(pair.near->set_deadline(clock->now() + 1s));
  clock->advance(1s);
  check_closed(*pair.near);
  CHECK(must(read_all(*pair.far)).empty());
}
