#pragma once

#include <leash/config.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <leash/net/proxy.hpp>

namespace LEASH_NAMESPACE::net {

/// A dialer whose `dial`, and the operations of the connections that it dials, fail as the plan in the Context of the
/// `dial` says (`fault::Plan`), or as a run of `fault::sweep` wants it.
///
///     FaultDialer faulty(network);
///     TrackedDialer dialer(faulty);
///
/// Where that Context has no plan, `dial` returns the inner connection itself. What a fault resets or ends looks so at
/// this end only: the peer sees the connection end when it is closed here. `close` and `reset` close in any case.
///
/// `inner` must outlive it; connections need neither, but meet no faults once it was destroyed.
class FaultDialer final : public ProxyDialer {
 public:
  explicit FaultDialer(Dialer& inner LEASH_LIFETIMEBOUND);
  ~FaultDialer() override;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

  const std::unique_ptr<NetworkHook> hook_;
  HookedDialer hooked_;
};

}  // namespace LEASH_NAMESPACE::net
