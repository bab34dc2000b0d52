#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/resolver.hpp>
#include <leash/net/socket_options.hpp>
#include <memory>
#include <optional>

namespace LEASH_NAMESPACE::net {

/// Listens for TCP connections, and for those of the network "unix".
///
/// For an empty host it listens at all interfaces: for "tcp" over IPv6 and IPv4, or over IPv4 alone where the machine
/// has no IPv6. For a host with several addresses it listens at the first IPv4 address or, if there is none, at the
/// first. The detail of an Error tells where, if that was not written: "at 10.0.0.1:80".
///
/// The address of "unix" is a path, or an abstract name that begins with `@`. bind(2) makes the path, and fails with
/// `address_in_use` if it is there, even if nobody listens; closing or destroying the listener removes it.
class TcpBinder final : public Binder {
 public:
  struct Options {
    /// Null means `Resolver::system()`.
    std::shared_ptr<Resolver> resolver = nullptr;

    /// Of the connections that are accepted. They are set on the listening socket, of which each connection has them.
    SocketOptions socket = {};

    /// How many connections may wait to be accepted (listen(2)). The system may allow fewer.
    int backlog = 4096;

    /// The permission bits of a path of "unix": who may write to it may connect. None: 0777 without the umask. Bits
    /// that the umask takes away are set once the path is there, by its name: until then nobody may connect who may not
    /// later. Whoever may write to the directory may put something else in its place in between, which then gets them,
    /// unless it is a symbolic link; that fails the bind.
    std::optional<std::uint32_t> unix_mode = std::nullopt;
  };

  TcpBinder();
  explicit TcpBinder(Options options);

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const Options options_;
};

}  // namespace LEASH_NAMESPACE::net
