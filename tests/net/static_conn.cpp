// Connections in static variables, made first and so destroyed last. Exits with 0 if they still work and end in peace;
// the sanitizers see to the rest.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <leash/net/conn.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using leash::Context;
using leash::net::Conn;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "static_conn: %s\n", what);
  std::_Exit(1);
}

/// Uses its connections when almost everything else is gone.
struct Table {
  std::vector<std::unique_ptr<leash::net::Listener>> listeners;
  std::vector<std::unique_ptr<Conn>> conns;

  ~Table() {
    for (std::size_t i = 0; i + 1 < conns.size(); i += 2) {
      require(conns[i]->write("still here").has_value(), "write");
      std::byte buffer[10];
      const auto count = conns[i + 1]->read(buffer);
      require(count && *count == 10, "read");
      const auto soon = conns[i]->set_read_deadline(leash::Clock::real()->now() + 1ms);
      require(soon.has_value(), "set_read_deadline");
      const auto late = conns[i]->read(buffer);
      require(!late && late.error().timeout(), "timeout");
      const auto pending = conns[i]->set_deadline(leash::Clock::real()->now() + 1h);
      require(pending.has_value(), "set_deadline");
    }
  }
};

Table table;

void fill(leash::net::Dialer& inner_dialer, leash::net::Binder& inner_binder) {
  leash::net::TrackedDialer dialer(inner_dialer);
  leash::net::TrackedBinder binder(inner_binder);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  auto listener = binder.bind(context, "tcp", "127.0.0.1:0");
  require(listener.has_value(), "bind");
  auto near = dialer.dial(context, "tcp", to_string((*listener)->address()));
  require(near.has_value(), "dial");
  auto far = (*listener)->accept(context);
  require(far.has_value(), "accept");
  table.conns.push_back(*std::move(near));
  table.conns.push_back(*std::move(far));
  table.listeners.push_back(*std::move(listener));
}

}  // namespace

int main() {
  leash::net::MemoryNetwork memory;
  fill(memory, memory);
  leash::net::TcpDialer dialer;
  leash::net::TcpBinder binder;
  fill(dialer, binder);
}
