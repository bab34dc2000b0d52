#pragma once

#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/net/resolver.hpp>
#include <leash/net/socket_options.hpp>
#include <memory>
#include <string>
#include <system_error>

namespace LEASH_NAMESPACE::net {

/// Connects over TCP, and over the sockets of the network "unix".
///
/// If a host has several addresses, it races them (Happy Eyeballs, RFC 8305): the families alternate, beginning with
/// that of the resolver's first; the next attempt begins 250 ms after the last one, or at once when one fails; the
/// first that connects wins, and the others are closed before it is returned. If the Context has a deadline, an attempt
/// has a share of the time that is left, as in Go: that time divided by the addresses that are left, two seconds at
/// least. At most 32 attempts are under way at once, however many addresses there are: the next one then begins when
/// one of them ends.
///
/// If no address answers, the Error has the code of the first failure, and all failures as causes. If the Context ends
/// the dial, the Error's detail names what was under way: "while resolving db.internal", "while connecting to
/// 10.0.0.1:80"; what had failed before are causes. What `Options::resolver` and `Options::control` throw leaves the
/// dial, with nothing left open.
///
/// A dial waits in poll(2): there is no event loop. It costs a descriptor; one more, by which it is woken, the calling
/// thread makes with its first socket and keeps.
class TcpDialer final : public Dialer {
 public:
  struct Options {
    /// Null means `Resolver::system()`.
    std::shared_ptr<Resolver> resolver = nullptr;

    SocketOptions socket = {};

    /// The numeric address and port to connect from, like "127.0.0.1:0". Empty: the system chooses. For port 0 it
    /// chooses one as without a local address: connections to different places may have the same. Addresses of the
    /// other family are left out. Not for "unix".
    std::string local_address = {};

    /// Called with the descriptor of each socket before it connects, to set options that leash does not know. It must
    /// not close it. An error that it returns ends that attempt. Any number of threads may call it at once. Not for
    /// "unix".
    Function<std::error_code(int descriptor, const Endpoint& remote)> control = {};
  };

  TcpDialer();
  explicit TcpDialer(Options options);

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

  const Options options_;
};

}  // namespace LEASH_NAMESPACE::net
