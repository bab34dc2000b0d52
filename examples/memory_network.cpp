// A network in memory whose hosts are named, and whose traffic is slow, cut off and cut short: docs/memory_network.md
// shows the parts of this program.

#include <array>
#include <chrono>
#include <cstdio>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/try.hpp>
#include <memory>
#include <string>

namespace {

using leash::Context;
using leash::Result;
using leash::net::Conn;
using leash::net::MemoryNetwork;
using leash::net::Traffic;
using namespace std::chrono_literals;

Result<std::string> read(Conn& conn) {
  std::array<char, 64> buffer{};
  const std::size_t count = LEASH_TRY(conn.read(std::as_writable_bytes(std::span(buffer))));
  return std::string(buffer.data(), count);
}

void say(const std::string& text) { std::printf("%s\n", text.c_str()); }

Result<void> run() {
  // snippet: hosts
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  MemoryNetwork network;
  auto web = network.host("web");
  auto db = network.host("db");

  const auto listener = LEASH_TRY(db.bind(ctx, "tcp", ":5432"));
  const auto near = LEASH_TRY(web.dial(ctx, "tcp", "db:5432"));
  const auto far = LEASH_TRY(listener->accept(ctx));
  say(to_string(near->local_address()) + " -> " + to_string(near->remote_address()));
  // end snippet

  // snippet: latency
  {
    const auto slow = network.latency("db", 50ms);
    LEASH_TRY(near->write("select 1"));
    clock->advance(50ms);  // Without this line the read would wait for ever.
    say(LEASH_TRY(read(*far)));
  }
  // end snippet

  // snippet: partition
  auto cut = network.partition(Traffic::between("web", "db"));
  LEASH_TRY(near->write("still there?"));
  LEASH_TRY(far->set_read_deadline(clock->now()));
  say(to_string(read(*far).error()));
  cut.end();  // Healed.
  LEASH_TRY(far->set_read_deadline(std::nullopt));
  say(LEASH_TRY(read(*far)));
  // end snippet

  // snippet: short
  const auto few = network.short_reads("db:5432", 3);
  LEASH_TRY(far->write("row 1"));
  say(LEASH_TRY(read(*near)));
  say(LEASH_TRY(read(*near)));
  // end snippet

  // snippet: reset
  const auto refused = network.refuse("db");
  network.reset("db");
  say(to_string(read(*near).error()));
  say(to_string(web.dial(ctx, "tcp", "db:5432").error()));
  // end snippet
  return {};
}

}  // namespace

int main() {
  const auto done = run();
  if (done) return 0;
  std::printf("%s\n", to_string(done.error()).c_str());
  return 1;
}
