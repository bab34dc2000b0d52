// A connection that is dialled first is lost when the second one cannot be dialled.
//
// A local `std::unique_ptr<Conn>` would be closed by its destructor. What really happens in C++: the connection was
// already put where it outlives the function (a session table), or a callback holds it (a `std::shared_ptr`), and the
// early return forgets to take it out.
//
// `connection_leak --sweep` finds both bugs from a test in which every dial succeeds; with `--mended` nothing is found.

#include <algorithm>
#include <functional>
#include <iostream>
#include <leash/fault/sweep.hpp>
#include <leash/net/fault_dialer.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <leash/try.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace relay {

using leash::Context;
using leash::Result;
using leash::net::Conn;

/// Connects a source with a destination.
class Client {
 public:
  Client(leash::net::Dialer& dialer, bool mended) : dialer_(dialer), mended_(mended) {}

  Result<void> connect(const Context& ctx, const std::string& name, const std::string& source,
                       const std::string& destination) {
    auto from = dialer_.dial(ctx, "tcp", source);
    if (!from) return std::unexpected(from.error());
    sessions_[name].push_back(std::move(*from));

    auto to = dialer_.dial(ctx, "tcp", destination);
    if (!to) {
      // Bug, if this is not done: the session with half of its connections stays in the table.
      if (mended_) sessions_.erase(name);
      return std::unexpected(to.error());
    }
    sessions_[name].push_back(std::move(*to));
    return {};
  }

  void disconnect(const std::string& name) { sessions_.erase(name); }

  Result<void> subscribe(const Context& ctx, const std::string& source, const std::string& destination) {
    auto from = dialer_.dial(ctx, "tcp", source);
    if (!from) return std::unexpected(from.error());
    const std::shared_ptr<Conn> shared = std::move(*from);
    on_message_.emplace_back([shared](const std::string& text) { return shared->write(text); });

    auto to = dialer_.dial(ctx, "tcp", destination);
    if (!to) {
      // Bug, if this is not done: the callback, and in it the connection, stays registered.
      if (mended_) on_message_.pop_back();
      return std::unexpected(to.error());
    }
    return {};
  }

  void unsubscribe() { on_message_.pop_back(); }

 private:
  leash::net::Dialer& dialer_;
  const bool mended_;
  std::map<std::string, std::vector<std::unique_ptr<Conn>>> sessions_;
  std::vector<std::function<Result<void>(const std::string&)>> on_message_;
};

}  // namespace relay

namespace {

int leak() {
  leash::net::MemoryNetwork network;
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::net::TrackedDialer dialer(network);

  auto source = network.bind(ctx, "tcp", "source:7000");
  if (!source) return 1;

  relay::Client client(dialer, false);
  for (const char* name : {"alice", "bob"}) {
    const auto connected = client.connect(ctx.with_note(name), name, "source:7000", "destination:7001");
    if (!connected) std::cout << name << ": " << connected.error() << "\n";
  }
  const auto subscribed = client.subscribe(ctx, "source:7000", "destination:7001");
  if (!subscribed) std::cout << "subscribe: " << subscribed.error() << "\n";

  std::cout << "\n" << tracker.close() << "\n";
  return 0;
}

int sweep(bool mended) {
  const auto test = [mended](const leash::Context& ctx) -> leash::Result<void> {
    leash::net::MemoryNetwork network;
    const auto source = LEASH_TRY(network.bind(leash::Context::background(), "tcp", "source:7000"));
    const auto destination = LEASH_TRY(network.bind(leash::Context::background(), "tcp", "destination:7001"));
    leash::net::FaultDialer faulty(network);
    leash::net::TrackedDialer dialer(faulty);
    const auto client = std::make_shared<relay::Client>(dialer, mended);
    leash::fault::keep_until_verdict(ctx, client);

    LEASH_TRY(client->connect(ctx, "alice", "source:7000", "destination:7001"));
    client->disconnect("alice");
    LEASH_TRY(client->subscribe(ctx, "source:7000", "destination:7001"));
    client->unsubscribe();
    return {};
  };
  const leash::fault::SweepResult result = leash::fault::sweep(test);
  std::cout << result << "\n";
  return result.ok() ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string_view> options(arguments + 1, arguments + count);
  const auto has = [&](std::string_view option) { return std::ranges::find(options, option) != options.end(); };
  return has("--sweep") ? sweep(has("--mended")) : leak();
}
