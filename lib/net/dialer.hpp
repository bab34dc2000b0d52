#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/endpoint.hpp>
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

  /// Connects to `address` over `network`. `network` is "tcp", or "tcp4" or "tcp6" for IPv4 or IPv6 only (an IPv6
  /// address that stands for an IPv4 address is one of IPv4); `address` is then `host:port` (see `split_host_port`); an
  /// empty host is this machine. A host that is made of numbers (each label is all digits, or `0x` and hexadecimal
  /// digits) is an IPv4 address of four decimal numbers, or malformed: `127.1` and `0x7f.1`, which inet_aton(3) reads
  /// as 127.0.0.1, are refused before any name is looked up. Or it is "unix" (unix(7), stream sockets), and `address`
  /// is a path, or an abstract name that begins with `@`. UDP is out of scope. A dial that fails leaves nothing open.
  ///
  /// Cancellation and the deadline of the Context end a dial at once, but have no effect on the connection that it
  /// returns. The connection's own deadlines go by the Context's clock.
  ///
  /// Errors: `invalid_argument` for a malformed address or an unknown network, `address_family_not_supported` if the
  /// host has no address of the network's family, a `net::errc` if the name cannot be resolved, `connection_refused`,
  /// `no_such_file_or_directory` (of "unix"), `timed_out`, `operation_canceled`.
  [[nodiscard]] Result<std::unique_ptr<Conn>> dial(Call call, std::string_view network, std::string_view address);

  /// Connects to `endpoint` over "tcp", and fails as for its text.
  [[nodiscard]] Result<std::unique_ptr<Conn>> dial(Call call, const Endpoint& endpoint);

  // What a call without a Context is told.
  Result<std::unique_ptr<Conn>> dial(NoContext, std::string_view);
  Result<std::unique_ptr<Conn>> dial(NoContext);

 protected:
  Dialer() = default;

  /// What an implementation provides. The Context was not done when this was called.
  virtual Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) = 0;

 private:
  friend class ProxyDialer;
};

}  // namespace LEASH_NAMESPACE::net
