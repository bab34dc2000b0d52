// Hooks over every operation of a network, one of them written here: docs/networks.md shows the parts of this program.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <leash/clock.hpp>
#include <leash/net/counting_hook.hpp>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <leash/net/logging_hook.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/sleep.hpp>
#include <leash/try.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using leash::Context;
using leash::Result;
using leash::net::Binder;
using leash::net::Dialer;
using namespace std::chrono_literals;

// snippet: slow
/// Each connection reads and writes 100 kB a second.
class SlowLine final : public leash::net::NetworkHook {
 private:
  Result<void> around(leash::net::Operation& operation, Next next) override {
    operation.size = std::min<std::uint64_t>(operation.size, 1000);  // A write comes again for the rest.
    LEASH_TRY(next());
    return leash::sleep_for(operation.context, operation.transferred * 10us);
  }
};
// end snippet

// snippet: redirect
/// In this test production is here.
class Redirect final : public leash::net::NetworkHook {
 private:
  Result<void> around(leash::net::Operation& operation, Next next) override {
    if (operation.address == "db.internal:5432") operation.address = "localhost:5432";
    operation.hooks_handle = false;  // No more to do: the caller gets the connection itself.
    return next();
  }
};
// end snippet

/// Sends `data` from one end of a connection to the other.
Result<void> transfer(const Context& ctx, Dialer& dialer, Binder& binder, std::string_view data) {
  const auto listener = LEASH_TRY(binder.bind(ctx, "tcp", "server:80"));
  const auto near = LEASH_TRY(dialer.dial(ctx, "tcp", "server:80"));
  const auto far = LEASH_TRY(listener->accept(ctx));
  LEASH_TRY(near->write(data));
  LEASH_TRY(near->close());
  std::vector<std::byte> buffer(data.size());
  while (LEASH_TRY(far->read(buffer)) != 0) {
  }
  return {};
}

// snippet: counting
Result<std::string> summary(const Context& ctx, Dialer& dialer, Binder& binder) {
  leash::net::CountingHook counting;
  leash::net::HookedDialer counted_dialer(dialer, counting);
  leash::net::HookedBinder counted_binder(binder, counting);
  LEASH_TRY(transfer(ctx, counted_dialer, counted_binder, "hello"));
  const leash::net::OperationCounts counts = counting.counts();
  const auto write = counts[leash::net::OperationKind::conn_write];
  return std::to_string(counts.total().calls) + " calls, " + std::to_string(write.bytes) + " bytes written";
}
// end snippet

// snippet: logging
Result<void> show(const Context& ctx, Dialer& dialer) {
  leash::net::LoggingHook logging([](std::string_view line) { std::printf("%s\n", std::string(line).c_str()); });
  leash::net::HookedDialer logged(dialer, logging);
  const auto conn = LEASH_TRY(logged.dial(ctx, "tcp", "server:80"));
  LEASH_TRY(conn->write("hello"));
  LEASH_TRY(conn->close());
  return conn->write("more");
}
// end snippet

Result<void> run(const Context& ctx) {
  leash::net::MemoryNetwork network;
  std::printf("%s\n", LEASH_TRY(summary(ctx, network, network)).c_str());
  {
    const auto listener = LEASH_TRY(network.bind(ctx, "tcp", "server:80"));
    if (show(ctx, network)) return leash::fail("run", "", std::errc::io_error);
  }

  Redirect redirect;
  leash::net::HookedDialer redirected(network, redirect);
  const auto database = LEASH_TRY(network.bind(ctx, "tcp", "localhost:5432"));
  const auto conn = LEASH_TRY(redirected.dial(ctx, "tcp", "db.internal:5432"));
  std::printf("%s\n", to_string(conn->remote_address()).c_str());

  SlowLine slow;
  leash::net::HookedDialer slowed(network, slow);
  const auto began = ctx.clock()->now();
  LEASH_TRY(transfer(ctx, slowed, network, std::string(2500, 'x')));
  std::printf("slow: %s\n", ctx.clock()->now() - began >= 25ms ? "yes" : "no");
  return {};
}

}  // namespace

int main() {
  const auto done = run(Context::background());
  if (done) return 0;
  std::printf("%s\n", to_string(done.error()).c_str());
  return 1;
}
