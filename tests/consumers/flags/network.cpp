#include <cstddef>
#include <future>
#include <leash/leash.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "network.hpp"

using leash::Context;

namespace {

std::string read_some(leash::net::Conn& conn) {
  std::vector<std::byte> buffer(64);
  const auto got = conn.read(buffer);
  return got ? std::string(reinterpret_cast<const char*>(buffer.data()), *got) : std::string();
}

/// Sends one text there and back, and ends a read that waits by closing its connection in another thread.
bool talk(const Context& ctx, leash::net::Dialer& dialer, leash::net::Binder& binder, std::string_view address) {
  auto listener = binder.bind(ctx, "tcp", address).value();
  std::unique_ptr<leash::net::Conn> accepted;
  std::jthread server([&] { accepted = listener->accept(ctx).value(); });
  const auto dialled = dialer.dial(ctx, "tcp", to_string(listener->address())).value();
  server.join();
  const std::string text = "a text that is longer than what a string holds itself";
  bool right = dialled->write(text).has_value();
  std::promise<std::string> got;
  std::string more = "nothing";
  std::jthread reader([&] {
    got.set_value(read_some(*accepted));
    more = read_some(*accepted);
  });
  right = got.get_future().get() == text && right;
  right = accepted->close().has_value() && right;
  reader.join();
  return right && more.empty() && dialled->close() && listener->close();
}

}  // namespace

bool use_network() {
  auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  leash::net::MemoryNetwork memory;
  leash::net::TrackedDialer memory_dialer(memory);
  leash::net::TcpDialer tcp;
  leash::net::TrackedDialer tcp_dialer(tcp);
  leash::net::TcpBinder binder;
  leash::net::TrackedBinder tcp_binder(binder);
  bool right = true;
  for (int round = 0; round < 20; ++round) {
    right = talk(ctx, memory_dialer, memory, "localhost:80") && right;
    right = talk(ctx, tcp_dialer, tcp_binder, "127.0.0.1:0") && right;
  }
  return right && tracker.close().ok();
}
