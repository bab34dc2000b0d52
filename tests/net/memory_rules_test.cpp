#include <limits>
#include <stdexcept>

#include "counting_clock.hpp"
#include "support.hpp"

// Rules of a MemoryNetwork. All time is that of a FakeClock.

using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::net::Conn;
using leash::net::Listener;
using leash::net::MemoryHost;
using leash::net::MemoryNetwork;
using leash::net::Traffic;
using leash::net::TrafficRule;

namespace {

/// Two hosts, and a connection from the one to the other, made before any rule.
struct Hosts {
  explicit Hosts(MemoryNetwork::Options options = {}) : network(options) {
    near = must(web.dial(context, "tcp", "db:5432"));
    far = must(listener->accept(context));
  }

  /// A connection that is made now.
  Pair dial() {
    Pair pair;
    pair.near = must(web.dial(context, "tcp", "db:5432"));
    pair.far = must(listener->accept(context));
    return pair;
  }

  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  Context context = Context::background().with_clock(clock);
  MemoryNetwork network;
  MemoryHost web = network.host("web");
  MemoryHost db = network.host("db");
  std::unique_ptr<Listener> listener = must(db.bind(context, "tcp", ":5432"));
  std::unique_ptr<Conn> near;
  std::unique_ptr<Conn> far;
};

/// What is there to be read now; empty if a read would wait.
std::string there_now(Hosts& hosts, Conn& conn) {
  // A read under a deadline that has passed fails, whatever is there.
  auto reader = in_thread([&] { return read_some(conn); });
  if (reader.is_blocked()) must(conn.set_read_deadline(hosts.clock->now()));
  const auto text = reader.get();
  must(conn.set_read_deadline(std::nullopt));
  if (!text) CHECK(text.error().timeout());
  return text ? *text : std::string();
}

}  // namespace

TEST_CASE("latency: what is sent arrives later, in both directions") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  must(hosts.near->write("question"));
  hosts.clock->advance(49ms);
  CHECK(there_now(hosts, *hosts.far).empty());
  hosts.clock->advance(1ms);
  CHECK(there_now(hosts, *hosts.far) == "question");
  must(hosts.far->write("answer"));
  CHECK(there_now(hosts, *hosts.near).empty());
  hosts.clock->advance(50ms);
  CHECK(there_now(hosts, *hosts.near) == "answer");
}

TEST_CASE("latency: a read that waits is woken when the clock gets there") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  auto reader = in_thread([&] { return read_some(*hosts.far); });
  CHECK(reader.is_blocked());
  must(hosts.near->write("hello"));
  CHECK(reader.is_blocked());
  hosts.clock->advance(49ms);
  CHECK(reader.is_blocked());
  hosts.clock->advance(1ms);
  CHECK(must(reader.get()) == "hello");
}

TEST_CASE("latency: what was sent one after the other arrives so") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  must(hosts.near->write("a"));
  hosts.clock->advance(20ms);
  must(hosts.near->write("b"));
  hosts.clock->advance(30ms);
  CHECK(there_now(hosts, *hosts.far) == "a");
  hosts.clock->advance(19ms);
  CHECK(there_now(hosts, *hosts.far).empty());
  hosts.clock->advance(1ms);
  CHECK(there_now(hosts, *hosts.far) == "b");
}

TEST_CASE("latency: the end and a reset take as long") {
  const Watchdog watchdog;
  Hosts hosts;
  const Pair second = hosts.dial();
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  must(hosts.near->write("last"));
  must(hosts.near->close());
  must(second.near->write("lost"));
  must(second.near->reset());
  auto end = in_thread([&] { return read_all(*hosts.far); });
  auto reset = in_thread([&] { return read_some(*second.far); });
  CHECK(end.is_blocked());
  CHECK(reset.is_blocked());
  must(second.far->write("not known yet"));
  hosts.clock->advance(50ms);
  CHECK(must(end.get()) == "last");
  CHECK(error_of(reset.get()) == std::errc::connection_reset);
  CHECK(error_of(second.far->write("x")) == std::errc::connection_reset);
}

TEST_CASE("latency: it takes a round trip to learn that the peer has closed") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  must(hosts.far->close());
  must(hosts.near->write("a"));
  hosts.clock->advance(99ms);
  must(hosts.near->write("b"));
  hosts.clock->advance(1ms);
  CHECK(error_of(hosts.near->write("c")) == std::errc::broken_pipe);
  CHECK(must(read_all(*hosts.near)).empty());
}

TEST_CASE("latency: a write to a full buffer is woken by the answer to it") {
  const Watchdog watchdog;
  Hosts hosts(MemoryNetwork::Options{.buffer = 4});
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  must(hosts.far->close());
  auto writer = in_thread([&] { return hosts.near->write("0123456789abcdef"); });
  CHECK(writer.is_blocked());
  // The bytes reach the closed end after 50 ms, and make room; its answer is here after 100 ms.
  hosts.clock->advance(50ms);
  CHECK(writer.is_blocked());
  hosts.clock->advance(50ms);
  const Error error = error_of(writer.get());
  CHECK(error == std::errc::broken_pipe);
  CHECK(error.detail() == "8 of 16 bytes written");
}

TEST_CASE("latency: a dial takes a round trip, also one that is refused") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency(Traffic::from_to("web", ""), 30ms);
  const TrafficRule slower = hosts.network.latency(Traffic::from_to("", "web"), 20ms);
  auto dial = in_thread([&] { return hosts.web.dial(hosts.context, "tcp", "db:5432"); });
  auto refused = in_thread([&] { return hosts.web.dial(hosts.context, "tcp", "db:1"); });
  CHECK(dial.is_blocked());
  CHECK(refused.is_blocked());
  hosts.clock->advance(49ms);
  CHECK(dial.is_blocked());
  CHECK(refused.is_blocked());
  hosts.clock->advance(1ms);
  must(dial.get());
  CHECK(error_of(refused.get()) == std::errc::connection_refused);
  must(hosts.db.dial(hosts.context, "tcp", "db:5432"));
}

TEST_CASE("latency: a dial that waits ends with its Context") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  auto dial = in_thread([&] { return hosts.web.dial(hosts.context.with_timeout(60ms), "tcp", "db:5432"); });
  CHECK(dial.is_blocked());
  hosts.clock->advance(60ms);
  const Error error = error_of(dial.get());
  CHECK(error.timeout());
  CHECK(error.operation() == "dial");
  CHECK(error.subject() == "db:5432");
}

TEST_CASE("latency: several add up, and what the last one held back arrives when it ends") {
  const Watchdog watchdog;
  Hosts hosts;
  TrafficRule by_host = hosts.network.latency("db", 10ms);
  TrafficRule by_port = hosts.network.latency("db:5432", 20ms);
  TrafficRule of_another = hosts.network.latency("db:80", 1h);
  must(hosts.near->write("a"));
  hosts.clock->advance(29ms);
  CHECK(there_now(hosts, *hosts.far).empty());
  hosts.clock->advance(1ms);
  CHECK(there_now(hosts, *hosts.far) == "a");

  must(hosts.near->write("b"));
  by_host.end();
  by_host.end();
  hosts.clock->advance(19ms);
  CHECK(there_now(hosts, *hosts.far).empty());
  by_port = TrafficRule();
  CHECK(there_now(hosts, *hosts.far) == "b");
}

TEST_CASE("bandwidth: so many bytes a second, and no more") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule narrow = hosts.network.bandwidth("db", 3);
  must(hosts.near->write("0123456789"));
  CHECK(there_now(hosts, *hosts.far).empty());
  hosts.clock->advance(1s);
  CHECK(there_now(hosts, *hosts.far) == "012");
  hosts.clock->advance(666ms);
  CHECK(there_now(hosts, *hosts.far) == "3");
  hosts.clock->advance(334ms);
  CHECK(there_now(hosts, *hosts.far) == "45");
  must(hosts.near->close());
  hosts.clock->advance(1h);
  CHECK(must(read_all(*hosts.far)) == "6789");
}

TEST_CASE("bandwidth: a line that was idle has nothing saved up, and one that is busy goes on") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule narrow = hosts.network.bandwidth("db", 1000);
  hosts.clock->advance(1h);
  must(hosts.near->write(std::string(500, 'a')));
  must(hosts.near->write(std::string(500, 'b')));
  hosts.clock->advance(600ms);
  CHECK(there_now(hosts, *hosts.far) == std::string(500, 'a') + std::string(100, 'b'));
  must(hosts.near->write(std::string(500, 'c')));
  hosts.clock->advance(600ms);
  CHECK(there_now(hosts, *hosts.far) == std::string(400, 'b') + std::string(200, 'c'));
}

TEST_CASE("bandwidth: the strictest counts, latency comes on top, and a change applies to what is under way") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule wide = hosts.network.bandwidth("db", 1000);
  TrafficRule narrow = hosts.network.bandwidth("web", 10);
  const TrafficRule slow = hosts.network.latency("db", 1s);
  must(hosts.near->write(std::string(1010, 'x')));
  hosts.clock->advance(1999ms);
  CHECK(there_now(hosts, *hosts.far).size() == 9);
  hosts.clock->advance(1ms);
  CHECK(there_now(hosts, *hosts.far).size() == 1);
  narrow.end();
  hosts.clock->advance(500ms);
  CHECK(there_now(hosts, *hosts.far).size() == 500);
}

TEST_CASE("bandwidth: a writer that waits for room is not woken by the bytes that arrive") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<leash_test::CountingClock>();
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 4});
  const Pair pair = make_pair(network, network, Context::background().with_clock(clock));
  const TrafficRule narrow = network.bandwidth(Traffic::all(), 1);
  auto writer = in_thread([&] { return pair.near->write("01234567"); });
  CHECK(writer.is_blocked());
  CHECK(clock->last_time() == leash::Clock::time_point());
  clock->advance(4s);
  CHECK(must(read_up_to(*pair.far, 4)) == "0123");
  must(writer.get());
}

TEST_CASE("short_reads: a read returns a few bytes, and the rest later") {
  const Watchdog watchdog;
  Hosts hosts;
  TrafficRule few = hosts.network.short_reads("db", 3);
  must(hosts.near->write("01234567"));
  CHECK(must(read_some(*hosts.far)) == "012");
  CHECK(must(read_up_to(*hosts.far, 4)) == "3456");
  few.end();
  must(hosts.near->write("89"));
  CHECK(must(read_some(*hosts.far)) == "789");
}

TEST_CASE("short_writes: no read returns bytes of two pieces") {
  const Watchdog watchdog;
  Hosts hosts;
  must(hosts.near->write("before"));
  TrafficRule sliced = hosts.network.short_writes("db", 3);
  must(hosts.near->write("01234567"));
  must(hosts.near->write("89"));
  CHECK(must(read_some(*hosts.far)) == "before");
  CHECK(must(read_some(*hosts.far)) == "012");
  CHECK(must(read_up_to(*hosts.far, 1)) == "3");
  CHECK(must(read_some(*hosts.far)) == "45");
  CHECK(must(read_some(*hosts.far)) == "67");
  CHECK(must(read_some(*hosts.far)) == "89");
  must(hosts.near->write("abcdef"));
  sliced.end();
  CHECK(must(read_some(*hosts.far)) == "abcdef");
}

TEST_CASE("partition: nothing arrives, and what was sent meanwhile arrives when it has healed") {
  const Watchdog watchdog;
  Hosts hosts;
  must(hosts.near->write("before"));
  TrafficRule cut = hosts.network.partition(Traffic::between("db", "web"));
  must(hosts.near->write("during"));
  hosts.clock->advance(1h);
  CHECK(there_now(hosts, *hosts.far) == "before");
  auto reader = in_thread([&] { return read_all(*hosts.far); });
  must(hosts.near->close());
  CHECK(reader.is_blocked());
  cut.end();
  CHECK(must(reader.get()) == "during");
}

TEST_CASE("partition: what is under way when it begins does not arrive") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule slow = hosts.network.latency("db", 50ms);
  must(hosts.near->write("a"));
  hosts.clock->advance(50ms);
  must(hosts.near->write("b"));
  TrafficRule cut = hosts.network.partition("db");
  hosts.clock->advance(1h);
  CHECK(there_now(hosts, *hosts.far) == "a");
  CHECK(there_now(hosts, *hosts.far).empty());
  cut.end();
  CHECK(there_now(hosts, *hosts.far) == "b");
}

TEST_CASE("partition: a write waits when the buffer is full, and goes on when it has healed") {
  const Watchdog watchdog;
  Hosts hosts(MemoryNetwork::Options{.buffer = 4});
  TrafficRule cut = hosts.network.partition("db");
  auto writer = in_thread([&] { return hosts.near->write("01234567"); });
  CHECK(writer.is_blocked());
  must(hosts.near->set_write_deadline(hosts.clock->now() + 1s));
  hosts.clock->advance(1s);
  CHECK(error_of(writer.get()).detail() == "4 of 8 bytes written");
  cut.end();
  CHECK(must(read_up_to(*hosts.far, 4)) == "0123");
}

TEST_CASE("partition: others are not cut off, and one direction may be") {
  const Watchdog watchdog;
  Hosts hosts;
  const auto outside = must(hosts.network.dial(hosts.context, "tcp", "db:5432"));
  const auto far_outside = must(hosts.listener->accept(hosts.context));
  const TrafficRule cut = hosts.network.partition(Traffic::from_to("web", "db"));
  must(outside->write("through"));
  CHECK(must(read_up_to(*far_outside, 7)) == "through");
  must(hosts.far->write("back"));
  CHECK(must(read_up_to(*hosts.near, 4)) == "back");
  must(hosts.near->write("there"));
  CHECK(there_now(hosts, *hosts.far).empty());
}

TEST_CASE("partition: a dial times out, or succeeds when it has healed") {
  const Watchdog watchdog;
  Hosts hosts;
  TrafficRule cut = hosts.network.partition("db");
  const auto dial = [&](const Context& context) {
    return in_thread([&hosts, context] { return hosts.web.dial(context, "tcp", "db:5432"); });
  };
  auto waiting = dial(hosts.context.with_timeout(1s));
  auto patient = dial(hosts.context);
  CHECK(waiting.is_blocked());
  CHECK(patient.is_blocked());
  hosts.clock->advance(1s);
  CHECK(error_of(waiting.get()).timeout());
  hosts.clock->advance(125s);
  CHECK(patient.is_blocked());
  hosts.clock->advance(1s);
  CHECK(error_of(patient.get()).timeout());

  auto [context, source] = hosts.context.with_cancel();
  auto cancelled = dial(context);
  CHECK(cancelled.is_blocked());
  source.cancel();
  CHECK(error_of(cancelled.get()) == std::errc::operation_canceled);

  auto healed = dial(hosts.context);
  CHECK(healed.is_blocked());
  cut.end();
  must(healed.get());
}

TEST_CASE("refuse: dials fail, connections go on, until the rule ends") {
  const Watchdog watchdog;
  Hosts hosts;
  {
    const TrafficRule refused = hosts.network.refuse("db:5432");
    const Error error = error_of(hosts.web.dial(hosts.context, "tcp", "db:5432"));
    CHECK(to_string(error) == "dial db:5432: Connection refused");
    must(hosts.near->write("still"));
    CHECK(must(read_up_to(*hosts.far, 5)) == "still");
  }
  hosts.dial();
}

TEST_CASE("reset: the connections that there are fail at both ends, later ones do not") {
  const Watchdog watchdog;
  Hosts hosts;
  must(hosts.near->write("lost"));
  auto reader = in_thread([&] { return read_some(*hosts.near); });
  CHECK(reader.is_blocked());
  const auto queued = must(hosts.web.dial(hosts.context, "tcp", "db:5432"));
  CHECK(hosts.network.reset("other") == 0);
  CHECK(hosts.network.reset(Traffic::between("db", "web")) == 2);
  CHECK(error_of(reader.get()) == std::errc::connection_reset);
  CHECK(error_of(read_some(*hosts.far)) == std::errc::connection_reset);
  CHECK(error_of(hosts.far->write("x")) == std::errc::connection_reset);
  CHECK(error_of(queued->write("x")) == std::errc::connection_reset);
  CHECK(error_of(read_some(*must(hosts.listener->accept(hosts.context)))) == std::errc::connection_reset);
  must(hosts.near->close());
  must(hosts.far->close());
  CHECK(hosts.network.reset("db") == 1);

  const Pair after = hosts.dial();
  CHECK(hosts.network.reset(Traffic::from_to("db", "db")) == 0);
  must(after.near->write("new"));
  CHECK(must(read_up_to(*after.far, 3)) == "new");
}

TEST_CASE("Traffic: places are written as addresses, and compared as the network compares them") {
  const Watchdog watchdog;
  Hosts hosts;
  const auto listener = must(hosts.network.bind(hosts.context, "tcp", "[::1]:80"));
  const auto v6 = must(hosts.network.dial(hosts.context, "tcp", "[::1]:80"));
  CHECK(hosts.network.reset("::1") == 1);
  CHECK(hosts.network.reset("[0:0::1]:80") == 1);
  CHECK(hosts.network.reset("[::1]:81") == 0);
  CHECK(hosts.network.reset(":80") == 1);
  CHECK(hosts.network.reset("DB") == 1);
  CHECK(hosts.network.reset(std::string("web")) == 1);
  CHECK(hosts.network.reset("localhost") == 0);
  CHECK(hosts.network.reset("/run/db.sock") == 0);
  CHECK(hosts.network.reset(Traffic::all()) == 2);
  CHECK_THROWS_AS(Traffic("db:http"), std::logic_error);
}

TEST_CASE("TrafficRule: of nothing is a mistake") {
  MemoryNetwork network;
  CHECK_THROWS_AS(static_cast<void>(network.latency("db", -1ns)), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(network.bandwidth("db", 0)), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(network.short_reads("db", 0)), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(network.short_writes("db", 0)), std::logic_error);
}

TEST_CASE("TrafficRule: may be moved, and outlives the network") {
  TrafficRule rule;
  {
    MemoryNetwork network;
    rule = network.partition("db");
    TrafficRule other = std::move(rule);
    rule = std::move(other);
  }
  rule.end();
}

TEST_CASE("latency: one without end, and a bandwidth beyond all bounds") {
  const Watchdog watchdog;
  Hosts hosts;
  const TrafficRule wide = hosts.network.bandwidth("db", std::numeric_limits<std::uint64_t>::max());
  must(hosts.near->write("x"));
  hosts.clock->advance(1ns);
  CHECK(there_now(hosts, *hosts.far) == "x");
  const TrafficRule endless = hosts.network.latency("db", leash::Clock::duration::max());
  const TrafficRule more = hosts.network.latency("db", leash::Clock::duration::max());
  must(hosts.near->write("x"));
  hosts.clock->advance(1000h);
  CHECK(there_now(hosts, *hosts.far).empty());
}

TEST_CASE("TrafficRule: rules come and go while threads read, write, dial and close") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 100, .backlog = 4});
  MemoryHost web = network.host("web");
  const auto listener = must(network.bind(Context(), "tcp", "db:80"));
  auto server = in_thread([&] {
    for (;;) {
      const auto conn = listener->accept(Context());
      if (!conn) return;
      for (;;) {
        const auto text = read_some(**conn);
        if (!text || text->empty() || !(*conn)->write(*text)) break;
      }
    }
  });
  std::vector<InThread<void>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(in_thread([&] {
      for (int j = 0; j < 30; ++j) {
        const auto conn = web.dial(Context(), "tcp", "db:80");
        if (!conn) {
          CHECK(conn.error() == std::errc::connection_refused);
          continue;
        }
        const std::string sent(70, static_cast<char>('a' + j % 26));
        if (!(*conn)->write(sent)) continue;
        const auto back = read_up_to(**conn, sent.size());
        if (back) CHECK((*back == sent || back->empty()));
      }
    }));
  }
  auto rules = in_thread([&] {
    for (int i = 0; i < 30; ++i) {
      const TrafficRule slow = network.latency("db", 100us);
      const TrafficRule narrow = network.bandwidth("web", 1'000'000);
      const TrafficRule few = network.short_reads("db:80", 7);
      const TrafficRule sliced = network.short_writes(Traffic::all(), 5);
      {
        const TrafficRule cut = network.partition(Traffic::from_to("db", "web"));
      }
      {
        const TrafficRule refused = network.refuse("db:80");
      }
      static_cast<void>(network.reset("db"));
    }
  });
  rules.get();
  for (auto& client : clients) client.get();
  must(listener->close());
  server.get();
}
