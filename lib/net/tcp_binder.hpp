#pragma once

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/resolver.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net {

/// Listens for TCP connections.
///
/// For an empty host it listens at all interfaces: for "tcp" over IPv6 and IPv4, or over IPv4 alone where the machine
/// has no IPv6. For a host with several addresses it listens at the first IPv4 address or, if there is none, at the
/// first.
class TcpBinder final : public Binder {
 public:
  struct Options {
    /// Null means `Resolver::system()`.
    std::shared_ptr<Resolver> resolver = nullptr;

    /// Of the connections that are accepted; see `TcpDialer::Options`.
    std::chrono::seconds keep_alive{15};
    bool no_delay = true;

    /// How many connections may wait to be accepted (listen(2)). The system may allow fewer.
    int backlog = 4096;
  };

  TcpBinder();
  explicit TcpBinder(Options options);

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const Options options_;
};

}  // namespace LEASH_NAMESPACE::net
