#pragma once

#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/dialer.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net {

namespace detail {
struct MemoryView;
class Switchboard;
}  // namespace detail

/// A MemoryNetwork as one of its hosts sees it: made by `MemoryNetwork::host`. Thread-safe, and may outlive the
/// network.
///
/// Connections that it dials come from this host. Paths of the network "unix" are those of the network, and shared by
/// all its hosts. "localhost", the loopback addresses and an empty host are this host,
/// to dial and to bind: what listens at its localhost is reached from other hosts too. A bind to another host is
/// `address_not_available`.
class MemoryHost final : public Dialer, public Binder {
 public:
  ~MemoryHost() override;

  /// Lower case, as addresses have it.
  const std::string& name() const noexcept { return name_; }

 private:
  friend class MemoryAsyncNetwork;

  detail::MemoryView view() const;

  friend class MemoryNetwork;

  MemoryHost(std::shared_ptr<detail::Switchboard> switchboard, std::string_view name);

  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  const std::shared_ptr<detail::Switchboard> switchboard_;
  const std::string name_;
};

}  // namespace LEASH_NAMESPACE::net
