#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/dialer.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net {

namespace detail {
class Switchboard;
}

/// A network in memory, for tests: a dial reaches the listeners that were bound in the same MemoryNetwork.
///
/// Every name is a host; a dial to one where nothing is bound is `connection_refused`. "localhost" is 127.0.0.1. For
/// port 0 the network chooses a free port from 49152 up. A bind to an empty host, `0.0.0.0` or `::` listens at every
/// host. A dial succeeds when the connection is in the listener's queue, and waits while that queue is full.
/// Connections have deadlines as TCP connections have.
///
/// Two things differ from TCP: a write fails as soon as the peer has closed, and a close with unread data does not
/// reset the connection. Handles may outlive the network. Thread-safe.
class MemoryNetwork final : public Dialer, public Binder {
 public:
  struct Options {
    /// How many bytes each direction of a connection holds before a write waits. The constructor throws
    /// `std::logic_error` for 0.
    std::size_t buffer = std::size_t{64} * 1024;

    /// How many connections a listener's queue holds before a dial waits. The constructor throws `std::logic_error` for
    /// 0.
    std::size_t backlog = 128;
  };

  MemoryNetwork();
  explicit MemoryNetwork(Options options);
  ~MemoryNetwork() override;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const std::shared_ptr<detail::Switchboard> switchboard_;
};

}  // namespace LEASH_NAMESPACE::net
