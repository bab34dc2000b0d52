// A connection that is dialled first is lost when the second one cannot be dialled.
//
// A local `std::unique_ptr<Conn>` would be closed by its destructor. What really happens in C++: the connection was
// already put where it outlives the function (a session table), or a callback holds it (a `std::shared_ptr`), and the
// early return forgets to take it out.

#include <cstdio>
#include <functional>
#include <iostream>
#include <leash/net/memory_network.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace relay {

using leash::Context;
using leash::Result;
using leash::net::Conn;

/// Connects a source with a destination.
class Client {
 public:
  explicit Client(leash::net::Dialer& dialer) : dialer_(dialer) {}

  Result<void> connect(const Context& ctx, const std::string& name, const std::string& source,
                       const std::string& destination) {
    auto from = dialer_.dial(ctx, "tcp", source);
    if (!from) return std::unexpected(from.error());
    sessions_[name].push_back(std::move(*from));

    auto to = dialer_.dial(ctx, "tcp", destination);
    if (!to) return std::unexpected(to.error());  // Bug: the session with half of its connections stays in the table.
    sessions_[name].push_back(std::move(*to));
    return {};
  }

  Result<void> subscribe(const Context& ctx, const std::string& source, const std::string& destination) {
    auto from = dialer_.dial(ctx, "tcp", source);
    if (!from) return std::unexpected(from.error());
    const std::shared_ptr<Conn> shared = std::move(*from);
    on_message_.emplace_back([shared](const std::string& text) { return shared->write(text); });

    auto to = dialer_.dial(ctx, "tcp", destination);
    if (!to) return std::unexpected(to.error());  // Bug: the callback, and in it the connection, stays registered.
    return {};
  }

 private:
  leash::net::Dialer& dialer_;
  std::map<std::string, std::vector<std::unique_ptr<Conn>>> sessions_;
  std::vector<std::function<Result<void>(const std::string&)>> on_message_;
};

}  // namespace relay

int main() {
  leash::net::MemoryNetwork network;
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::net::TrackedDialer dialer(network);

  auto source = network.bind(ctx, "tcp", "source:7000");
  if (!source) return 1;

  relay::Client client(dialer);
  for (const char* name : {"alice", "bob"}) {
    const auto connected = client.connect(ctx.with_note(name), name, "source:7000", "destination:7001");
    if (!connected) std::cout << name << ": " << connected.error() << "\n";
  }
  const auto subscribed = client.subscribe(ctx, "source:7000", "destination:7001");
  if (!subscribed) std::cout << "subscribe: " << subscribed.error() << "\n";

  std::cout << "\n" << tracker.close() << "\n";
  return 0;
}
