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

/// A network of its own within the process, for tests: what is bound in it can be dialled in it.
///
/// Any name is a host, and exists once something is bound there; "localhost" is 127.0.0.1. Port 0 chooses one from
/// 49152 up. An empty host (or `0.0.0.0`, `::`) binds every name. Connections are buffered pipes with the deadlines of
/// real ones, by the Context's clock. A dial is complete when it stands in the listener's queue; where the queue is
/// full it waits. What differs from TCP: a write fails as soon as the peer has closed, and a close never becomes a
/// reset. Handles may outlive the network. Thread-safe.
class MemoryNetwork final : public Dialer, public Binder {
 public:
  struct Options {
    /// How many bytes each direction of a connection holds before a write waits. Not 0: `std::logic_error`.
    std::size_t buffer = std::size_t{64} * 1024;

    /// How many connections wait to be accepted before a dial waits. Not 0: `std::logic_error`.
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
