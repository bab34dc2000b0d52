#include <array>
#include <atomic>
#include <cstring>
#include <leash/clock.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/read_full.hpp>
#include <random>

#include "support.hpp"

// The checks of Go's nettest.TestConn, over every network.

using leash::Clock;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::net::Conn;

namespace {

std::string random_text(std::size_t size) {
  std::mt19937 random(42);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

/// Shows that a connection works, and in what order its bytes come, after whatever was done to it.
void check_works(Conn& a, Conn& b) {
  must(a.write("there"));
  CHECK(must(read_up_to(b, 5)) == "there");
  must(b.write("back"));
  CHECK(must(read_up_to(a, 4)) == "back");
}

Clock::time_point past() { return leash::Clock::real()->now() - 1h; }

}  // namespace

NETWORK_TEST("Conn: a mebibyte in pieces of a kibibyte, then the end") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  const std::string sent = random_text(std::size_t{1} << 20U);
  auto writer = in_thread([&] {
    for (std::size_t start = 0; start < sent.size(); start += 1024) {
      must(pair.near->write(std::string_view(sent).substr(start, 1024)));
    }
    must(pair.near->close());
  });
  const std::string received = must(read_all(*pair.far));
  writer.get();
  CHECK(received.size() == sent.size());
  CHECK((received == sent));
  CHECK(must(read_some(*pair.far)).empty());
}

NETWORK_TEST("Conn: a thousand times to and fro") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto peer = in_thread([&] {
    for (;;) {
      const std::string text = must(read_up_to(*pair.far, 4));
      if (text.empty()) return;
      must(pair.far->write(text));
    }
  });
  for (int i = 1000; i < 2000; ++i) {
    must(pair.near->write(std::to_string(i)));
    REQUIRE(must(read_up_to(*pair.near, 4)) == std::to_string(i));
  }
  must(pair.near->close());
  peer.get();
}

NETWORK_TEST("Conn: racing reads time out and let go of their buffers") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto writer = in_thread([&] {
    while (pair.far->write(std::string(512, 'x'))) {
    }
  });
  std::vector<InThread<void>> readers;
  for (int i = 0; i < 6; ++i) {
    readers.push_back(in_thread([&] {
      std::vector<std::byte> buffer(1024);
      must(pair.near->set_read_deadline(Clock::real()->now() + 1ms));
      for (int j = 0; j < 10; ++j) {
        const Result<std::size_t> count = pair.near->read(buffer);
        buffer.assign(1024, std::byte{1});
        if (!count) {
          CHECK(count.error().timeout());
          must(pair.near->set_read_deadline(Clock::real()->now() + 1ms));
        }
      }
    }));
  }
  for (auto& reader : readers) reader.get();
  must(pair.near->close());
  writer.get();
}

NETWORK_TEST("Conn: racing writes time out and let go of their buffers") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto reader = in_thread([&] {
    for (;;) {
      const Result<std::string> text = read_some(*pair.far);
      if (!text || text->empty()) return;
    }
  });
  std::vector<InThread<void>> writers;
  for (int i = 0; i < 6; ++i) {
    writers.push_back(in_thread([&] {
      std::string buffer(std::size_t{256} * 1024, 'y');
      must(pair.near->set_write_deadline(Clock::real()->now() + 1ms));
      for (int j = 0; j < 10; ++j) {
        const Result<void> written = pair.near->write(buffer);
        std::ranges::fill(buffer, 'z');
        if (!written) {
          CHECK(written.error().timeout());
          must(pair.near->set_write_deadline(Clock::real()->now() + 1ms));
        }
      }
    }));
  }
  for (auto& writer : writers) writer.get();
  must(pair.near->close());
  reader.get();
}

NETWORK_TEST("Conn: writes at once do not mix") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  const std::size_t size = std::size_t{300} * 1024;
  std::vector<InThread<void>> writers;
  for (const char c : {'a', 'b', 'c'}) {
    writers.push_back(in_thread([&, c] { must(pair.near->write(std::string(size, c))); }));
  }
  for (std::size_t i = 0; i < writers.size(); ++i) {
    const std::string text = must(read_up_to(*pair.far, size));
    CHECK(text.find_first_not_of(text.front()) == std::string::npos);
  }
  for (auto& writer : writers) writer.get();
}

NETWORK_TEST("Conn: a read deadline does not touch writes") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->set_read_deadline(past()));
  CHECK(error_of(read_some(*pair.near)).timeout());
  must(pair.near->write("still"));
  CHECK(must(read_up_to(*pair.far, 5)) == "still");
}

NETWORK_TEST("Conn: a write deadline does not touch reads") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->set_write_deadline(past()));
  CHECK(error_of(pair.near->write("x")).timeout());
  must(pair.far->write("still"));
  CHECK(must(read_up_to(*pair.near, 5)) == "still");
}

NETWORK_TEST("Conn: under a deadline in the past nothing moves, and without it all is well") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.far->write("waiting"));
  CHECK(must(read_up_to(*pair.near, 1)) == "w");

  must(pair.near->set_deadline(past()));
  const Error write_error = error_of(pair.near->write("lost"));
  CHECK(write_error.timeout());
  CHECK(write_error.operation() == "write");
  CHECK(write_error.subject() == name_of(*pair.near));
  CHECK(write_error.detail() == "0 of 4 bytes written");
  CHECK(write_error.transferred() == 0);
  const Error read_error = error_of(read_some(*pair.near));
  CHECK(read_error.timeout());
  CHECK(read_error.operation() == "read");
  CHECK(read_error.subject() == name_of(*pair.near));
  CHECK(error_of(pair.near->read({})).timeout());

  must(pair.near->set_deadline(std::nullopt));
  CHECK(must(read_up_to(*pair.near, 6)) == "aiting");
  check_works(*pair.near, *pair.far);
}

NETWORK_TEST("Conn: a deadline set while operations wait ends them") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto reader = in_thread([&] { return read_some(*pair.near); });
  auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
  reader.wait_until_blocked();
  writer.wait_until_blocked();
  must(pair.near->set_deadline(past()));
  CHECK(error_of(reader.get()).timeout());
  CHECK(error_of(writer.get()).timeout());
}

NETWORK_TEST("Conn: a deadline goes by the Context's clock, and not earlier") {
  const Watchdog watchdog;
  Network network(over);
  const auto clock = std::make_shared<FakeClock>();
  for (const bool accepted : {false, true}) {
    CAPTURE(accepted);
    const Pair pair = make_pair(network, Context::background().with_clock(clock));
    Conn* const conn = accepted ? pair.far.get() : pair.near.get();
    must(conn->set_deadline(clock->now() + 30s));
    auto reader = in_thread([&] { return read_some(*conn); });
    auto writer = in_thread([&] { return conn->write(std::string(too_much, 'w')); });
    clock->advance(29s);
    CHECK(reader.is_blocked());
    CHECK(writer.is_blocked());
    clock->advance(1s);
    CHECK(error_of(reader.get()).timeout());
    CHECK(error_of(writer.get()).timeout());
    CHECK(error_of(read_some(*conn)).timeout());
  }
}

NETWORK_TEST("Conn: a later deadline replaces an earlier one") {
  const Watchdog watchdog;
  Network network(over);
  const auto clock = std::make_shared<FakeClock>();
  const Pair pair = make_pair(network, Context::background().with_clock(clock));
  must(pair.near->set_read_deadline(clock->now() + 1s));
  must(pair.near->set_read_deadline(clock->now() + 30s));
  auto reader = in_thread([&] { return read_some(*pair.near); });
  clock->advance(29s);
  CHECK(reader.is_blocked());
  must(pair.near->set_read_deadline(std::nullopt));
  clock->advance(1h);
  CHECK(reader.is_blocked());
  must(pair.near->set_read_deadline(clock->now() + 1s));
  clock->advance(1s);
  CHECK(error_of(reader.get()).timeout());
}

NETWORK_TEST("Conn: a deadline in the near future fires, by the machine's clock") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  const auto deadline = Clock::real()->now() + 50ms;
  must(pair.near->set_deadline(deadline));
  CHECK(error_of(read_some(*pair.near)).timeout());
  CHECK(error_of(pair.near->write(std::string(too_much, 'w'))).timeout());
  CHECK(Clock::real()->now() >= deadline);
}

NETWORK_TEST("Conn: a close from another thread ends what waits") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  const std::string name = name_of(*pair.near);
  auto reader = in_thread([&] { return read_some(*pair.near); });
  auto second_reader = in_thread([&] { return read_some(*pair.near); });
  auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
  reader.wait_until_blocked();
  second_reader.wait_until_blocked();
  writer.wait_until_blocked();
  must(pair.near->close());
  const Error read_error = error_of(reader.get());
  CHECK(read_error == std::errc::bad_file_descriptor);
  CHECK(to_string(read_error) == "read " + name + ": Bad file descriptor");
  CHECK(error_of(second_reader.get()) == std::errc::bad_file_descriptor);
  CHECK(error_of(writer.get()) == std::errc::bad_file_descriptor);
}

NETWORK_TEST("Conn: a reset from another thread ends what waits") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  auto reader = in_thread([&] { return read_some(*pair.near); });
  auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
  reader.wait_until_blocked();
  writer.wait_until_blocked();
  must(pair.near->reset());
  CHECK(error_of(reader.get()) == std::errc::bad_file_descriptor);
  CHECK(error_of(writer.get()) == std::errc::bad_file_descriptor);
}

NETWORK_TEST("Conn: every method at once") {
  const Watchdog watchdog;
  Network network(over);
  for (int round = 0; round < 10; ++round) {
    const Pair pair = make_pair(network);
    std::vector<InThread<void>> threads;
    for (int i = 0; i < 8; ++i) {
      threads.push_back(in_thread([&, i] {
        Conn& conn = i % 2 == 0 ? *pair.near : *pair.far;
        for (int j = 0; j < 20; ++j) {
          const auto soon = Clock::real()->now() + 1ms;
          static_cast<void>(conn.set_read_deadline(soon));
          static_cast<void>(read_some(conn));
          static_cast<void>(conn.set_write_deadline(soon));
          static_cast<void>(conn.write(std::string(300, 'm')));
          static_cast<void>(conn.set_deadline(past()));
          static_cast<void>(conn.native_handle());
          CHECK(conn.local_address().port != 0);
          CHECK(conn.remote_address().port != 0);
          if (i == 0 && j == 15) static_cast<void>(conn.close_write());
          if (i == 1 && j == 18) static_cast<void>(conn.close());
        }
      }));
    }
    for (auto& thread : threads) thread.get();
  }
}

NETWORK_TEST("read_full: reads until the buffer is full or the stream ends") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  std::string buffer(6, '?');
  const auto bytes = [&] { return std::as_writable_bytes(std::span(buffer)); };
  must(pair.far->write("abc"));
  auto whole = in_thread([&] { return leash::net::read_full(*pair.near, bytes()); });
  CHECK(whole.is_blocked());
  must(pair.far->write("defgh"));
  CHECK(must(whole.get()) == 6);
  CHECK(buffer == "abcdef");
  must(pair.far->close_write());
  CHECK(must(leash::net::read_full(*pair.near, bytes())) == 2);
  CHECK(buffer.starts_with("gh"));
  CHECK(must(leash::net::read_full(*pair.near, bytes())) == 0);
}

NETWORK_TEST("Conn: a deadline at the beginning of time ends a read that follows one that has waited") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  must(pair.near->set_read_deadline(Clock::real()->now() + 1h));
  auto reader = in_thread([&] { return read_some(*pair.near); });
  reader.wait_until_blocked();
  must(pair.far->write("x"));
  must(reader.get());
  must(pair.near->set_read_deadline(Clock::time_point::min()));
  CHECK(error_of(read_some(*pair.near)).timeout());
}

NETWORK_TEST("Conn: several buffers are read and written as one") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  std::string sent;
  std::vector<std::string> pieces;
  for (int i = 0; i < 150; ++i)
    pieces.push_back(std::string(static_cast<std::size_t>(i * i % 7000), static_cast<char>('a' + i % 26)));
  std::vector<std::span<const std::byte>> spans;
  for (const std::string& piece : pieces) {
    spans.push_back(std::as_bytes(std::span(piece)));
    sent += piece;
  }
  auto writer = in_thread([&] { return pair.near->writev(spans); });
  std::string received;
  while (received.size() < sent.size()) {
    std::array<std::byte, 3> first{};
    std::array<std::byte, 1000> second{};
    const std::array<std::span<std::byte>, 3> buffers{std::span<std::byte>(), std::span<std::byte>(first),
                                                      std::span<std::byte>(second)};
    const std::size_t count = must(pair.far->readv(buffers));
    REQUIRE(count > 0);
    for (std::size_t at = 0; at < count; ++at) received += static_cast<char>(at < 3 ? first[at] : second[at - 3]);
  }
  CHECK((received == sent));
  must(writer.get());
  const std::array<std::span<std::byte>, 2> nothing{};
  CHECK(must(pair.far->readv(nothing)) == 0);
  must(pair.near->close());
  CHECK(error_of(pair.near->writev(spans)) == std::errc::bad_file_descriptor);
}

namespace {

/// Has no `do_writev` of its own; its third write fails when it has written a byte.
class ThirdWriteFails final : public leash::net::ProxyConn {
 public:
  using ProxyConn::ProxyConn;

 private:
  Result<void> do_write(std::span<const std::byte> data, std::source_location) override {
    if (++writes_ < 3) return {};
    return leash::fail("write", "here -> there", std::errc::connection_reset, "the third", std::vector<Error>(),
                       data.empty() ? 0U : 1U);
  }
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override {
    return Conn::do_writev(data, site);
  }

  int writes_ = 0;
};

}  // namespace

TEST_CASE("Conn: writev of an implementation that only has write tells how much of all pieces was written") {
  leash::net::MemoryNetwork network;
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  ThirdWriteFails conn(make_pair(network, network).near);
  const std::array pieces{bytes("ab"), bytes("cde"), bytes("fg"), bytes("h")};
  const Error error = error_of(conn.writev(pieces));
  CHECK(error == std::errc::connection_reset);
  CHECK(error.transferred() == 6);
  CHECK(error.detail() == "6 of 8 bytes written");
  REQUIRE(error.causes().size() == 1);
  CHECK(error.causes().front().detail() == "the third");
  // Of a single piece it is the Error of the write.
  CHECK(error_of(conn.writev(std::array{bytes("xyz")})).detail() == "the third");
}
