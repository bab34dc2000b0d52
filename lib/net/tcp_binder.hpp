#pragma once

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/resolver.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net {

/// Listens for TCP connections.
///
/// An empty host is every interface: of both families for "tcp", where the machine has both. Of a host with several
/// addresses it is the first IPv4 address, if there is one, else the first.
class TcpBinder final : public Binder {
 public:
  struct Options {
    /// Null means the machine's.
    std::shared_ptr<Resolver> resolver = nullptr;

    /// For the connections that are accepted: as in `TcpDialer::Options`.
    std::chrono::seconds keep_alive{15};
    bool no_delay = true;

    /// How many connections may wait to be accepted; the system has a limit of its own.
    int backlog = 4096;
  };

  TcpBinder();
  explicit TcpBinder(Options options);

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const Options options_;
};

}  // namespace LEASH_NAMESPACE::net
