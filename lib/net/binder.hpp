#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/net/listener.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// Opens listeners. Any number of threads may bind at once.
class Binder {
 public:
  Binder(const Binder&) = delete;
  Binder& operator=(const Binder&) = delete;
  virtual ~Binder();

  /// Listens at `address` over `network`; both are written as for `Dialer::dial`, but an empty host means all
  /// interfaces. For port 0 the system chooses a free port, which `Listener::address` tells. A bind that fails leaves
  /// nothing open.
  ///
  /// Errors: `address_in_use`, `address_not_available`, `permission_denied`, and those of `Dialer::dial` except
  /// `connection_refused`.
  [[nodiscard]] Result<std::unique_ptr<Listener>> bind(Call call, std::string_view network, std::string_view address);

  /// Listens at `endpoint` over "tcp", and fails as for its text.
  [[nodiscard]] Result<std::unique_ptr<Listener>> bind(Call call, const Endpoint& endpoint);

  // What a call without a Context is told.
  Result<std::unique_ptr<Listener>> bind(NoContext, std::string_view);
  Result<std::unique_ptr<Listener>> bind(NoContext);

 protected:
  Binder() = default;

  /// What an implementation provides. The Context was not done when this was called.
  virtual Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) = 0;

 private:
  friend class ProxyBinder;
};

}  // namespace LEASH_NAMESPACE::net
