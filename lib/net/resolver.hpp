#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/ip_address.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net {

/// Finds the addresses of a host name. A test that must not depend on a name service has a StaticResolver, a
/// ScriptedResolver or one of its own.
/// Thread-safe: any number of threads may call `resolve` at once.
class Resolver {
 public:
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver();

  /// Returns the addresses of `host` for `network` ("tcp", "tcp4" or "tcp6"), in the order in which a dial should
  /// prefer them; at least one, and none of the other family. A `host` that is a numeric address is its own answer. An
  /// IPv6 address that stands for an IPv4 address is one of IPv4, and returned as that. Ends at once when the Context
  /// is done. In a range-for loop write `leash::take(resolver.resolve(…))` and not `resolver.resolve(…).value()`: see
  /// `leash::take`.
  ///
  /// Errors: `invalid_argument` for another network, a NUL in `host`, and a `host` that is made of numbers but is no
  /// IPv4 address (see `Dialer::dial`), before anything is asked; `address_family_not_supported` if `host` has
  /// addresses of the other family alone; `no_such_device` for an interface that is not there; a `net::errc`,
  /// `timed_out`, `operation_canceled`.
  [[nodiscard]] Result<std::vector<IpAddress>> resolve(Call call, std::string_view network, std::string_view host);

  // What a call without a Context is told.
  Result<std::vector<IpAddress>> resolve(NoContext, std::string_view);

  void async_resolve(Call call, std::string_view network, std::string_view host,
                     Function<void(Result<std::vector<IpAddress>>)> done) {
    done(resolve(call, network, host));
  }

  /// The resolver of the machine: `getaddrinfo`, which nothing can interrupt, in up to 32 background threads. When the
  /// Context is done, `resolve` returns, and leaves the thread behind until `getaddrinfo` does. While all threads are
  /// busy, `resolve` waits for one; if the Context is done before, the Error's detail says so. If the process or the
  /// machine has no more descriptors, the error is `too_many_files_open` or `too_many_files_open_in_system`, whatever
  /// `getaddrinfo` says.
  static const std::shared_ptr<Resolver>& system();

 protected:
  Resolver() = default;

  /// What an implementation provides: numeric addresses as text, such as `IpAddress::parse` reads. `network` is one of
  /// the three, and `host` no numeric address. `resolve` leaves out addresses of the other family. An empty list means
  /// that the host has no address of any. It must return once the Context is done: whoever resolves waits for it, and
  /// an answer that comes later counts for nothing. What it throws leaves `resolve`, and a `dial` or `bind` that asked,
  /// with nothing left open.
  virtual Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) = 0;
};

}  // namespace LEASH_NAMESPACE::net
