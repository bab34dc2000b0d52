#pragma once

#include <asio/awaitable.hpp>
#include <leash/context.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <list>
#include <string>
#include <utility>

namespace service {

/// Connections to one server, which answers each line with a line. A connection is used again until it fails.
class Pool {
 public:
  Pool(leash::net::AsyncDialer& dialer, std::string address, bool leaky)
      : dialer_(dialer), address_(std::move(address)), leaky_(leaky) {}

  /// The server's answer. If a connection that was used before has meanwhile ended, asks on a new one.
  asio::awaitable<leash::Result<std::string>> ask(leash::Context ctx, std::string question);

  /// Closes the connections that nobody uses.
  void close();

 private:
  using Conns = std::list<leash::net::Stream>;

  asio::awaitable<leash::Result<Conns::iterator>> lend_new(leash::Context ctx);
  asio::awaitable<leash::Result<std::string>> exchange(leash::Context ctx, leash::net::Stream& conn,
                                                       const std::string& question);
  void discard(Conns::iterator conn);

  leash::net::AsyncDialer& dialer_;
  const std::string address_;
  Conns idle_;
  Conns lent_;
  const bool leaky_;
};

}  // namespace service
