#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// Opens connections. Any number of threads may dial at once.
class Dialer {
 public:
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  virtual ~Dialer();

  /// Connects to `address` ("localhost:8080", "[::1]:80"; an empty host is this machine) over `network`: "tcp", or
  /// "tcp4" and "tcp6" for one family only. Cancellation and the deadline of the Context end it at once, and have no
  /// effect on a connection that stands; its deadlines go by the Context's clock. A dial that fails leaves nothing
  /// open. Errors: `invalid_argument` for an address or network that is none, `operation_not_supported` for "unix",
  /// `address_family_not_supported`, `net::errc` for a name that cannot be resolved, `connection_refused`, `timed_out`,
  /// `operation_canceled`.
  [[nodiscard]] Result<std::unique_ptr<Conn>> dial(Call call, std::string_view network, std::string_view address);

  // What a call without a Context is told.
  Result<std::unique_ptr<Conn>> dial(NoContext, std::string_view);

 protected:
  Dialer() = default;

  virtual Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) = 0;

 private:
  friend class ProxyDialer;
};

}  // namespace LEASH_NAMESPACE::net
