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
/// The addresses of a host are tried in the resolver's order. When the Context has a deadline, each gets its share of
/// what remains, at least two seconds. If none answers, the first failure is the one reported, and all of them are its
/// causes.
class TcpDialer final : public Dialer {
 public:
  struct Options {
    /// Null means the machine's.
    std::shared_ptr<Resolver> resolver = nullptr;

    /// How long a connection may be silent before it is probed, and then the time between probes; zero probes never.
    std::chrono::seconds keep_alive{15};

    /// Whether small writes go out at once.
    bool no_delay = true;

    /// The numeric address to connect from ("127.0.0.1:0"). Empty lets the system choose.
    std::string local_address = {};
  };

  TcpDialer();
  explicit TcpDialer(Options options);

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

  const Options options_;
};

}  // namespace LEASH_NAMESPACE::net
