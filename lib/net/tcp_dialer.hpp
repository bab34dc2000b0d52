#pragma once

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/resolver.hpp>
#include <memory>
#include <string>

namespace LEASH_NAMESPACE::net {

/// Connects over TCP.
///
/// It tries the addresses of a host one after the other, in the resolver's order. If the Context has a deadline, the
/// remaining time is divided among the addresses that are left, but each gets two seconds at least, as far as the
/// deadline allows. If no address answers, the Error has the code of the first failure, and all failures as causes.
class TcpDialer final : public Dialer {
 public:
  struct Options {
    /// Null means `Resolver::system()`.
    std::shared_ptr<Resolver> resolver = nullptr;

    /// How long a connection may be idle before it is probed (keep-alive), and the time between probes. Zero: no
    /// probes.
    std::chrono::seconds keep_alive{15};

    /// Whether small writes are sent at once (TCP_NODELAY).
    bool no_delay = true;

    /// The numeric address and port to connect from, like "127.0.0.1:0". Empty: the system chooses.
    std::string local_address = {};
  };

  TcpDialer();
  explicit TcpDialer(Options options);

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

  const Options options_;
};

}  // namespace LEASH_NAMESPACE::net
