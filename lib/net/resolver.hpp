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
/// Thread-safe: any number of threads may call `resolve` and `async_resolve` at once.
class Resolver : public std::enable_shared_from_this<Resolver> {
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

  /// As `resolve`, but returns at once and passes the result to `done`: exactly once, in any thread, perhaps in this
  /// call, and with no lock of leash's held. `done` must be brief, and must not throw: that ends the program. It may
  /// ask again, end the Context, and destroy whatever it likes. The Context is copied. The Resolver may be destroyed
  /// before the result: the look-up goes on, or ends with an Error.
  ///
  /// When the Context is done first, its error is the result, passed at once in the thread that ends it; an answer that
  /// comes later counts for nothing. In a child that is forked meanwhile, that is the only end: see docs/fork.md.
  ///
  /// Errors: those of `resolve`; `not_enough_memory`, or the error of a thread that cannot be started, if the look-up
  /// cannot be begun; what `do_async_resolve` says. Throws `std::logic_error` if `done` is empty, and `std::bad_alloc`
  /// if there is no memory even for an Error; `done` is then not called.
  void async_resolve(Call call, std::string_view network, std::string_view host,
                     Function<void(Result<std::vector<IpAddress>>)> done);

  // What a call without a Context is told.
  Result<std::vector<IpAddress>> resolve(NoContext, std::string_view);
  void async_resolve(NoContext, std::string_view, Function<void(Result<std::vector<IpAddress>>)>);

  /// The resolver of the machine: `getaddrinfo`, which nothing can interrupt, in up to 32 background threads, which end
  /// when nothing is left to look up. When the Context is done, `resolve` returns, and leaves the thread behind until
  /// `getaddrinfo` does. While all threads are busy, `resolve` waits for one; if the Context is done before, the
  /// Error's detail says so. If the process or the machine has no more descriptors, the error is `too_many_files_open`
  /// or `too_many_files_open_in_system`, whatever `getaddrinfo` says.
  static const std::shared_ptr<Resolver>& system();

 protected:
  Resolver() = default;

  /// What an implementation provides: numeric addresses as text, such as `IpAddress::parse` reads. `network` is one of
  /// the three, and `host` no numeric address. `resolve` leaves out addresses of the other family. An empty list means
  /// that the host has no address of any. It must return once the Context is done: whoever resolves waits for it, and
  /// an answer that comes later counts for nothing. What it throws leaves `resolve`, and a `dial` or `bind` that asked,
  /// with nothing left open.
  virtual Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) = 0;

  /// What an implementation may provide that need not wait: as `do_resolve`, but returns at once and passes the answer
  /// to `done`, in any thread, with no lock held. The first call of `done` counts. It need not look at the Context:
  /// `async_resolve` does. If it drops `done` without a call, the result is the Context's error, otherwise
  /// `operation_canceled`. The Call, whose Context it must copy, `network` and `host` are valid only during this call.
  /// The Resolver may be destroyed before the answer: whatever is needed until then must be kept alive.
  ///
  /// As it is, this calls `do_resolve` in one of up to 32 background threads, which all such resolvers share. While all
  /// are busy, the look-up waits for one, as long as its Context allows. The thread keeps the Resolver alive, perhaps
  /// longer than anyone else; so the error is `operation_not_supported` if no `std::shared_ptr` owns it. For a
  /// `std::bad_alloc` that `do_resolve` throws, the error is `not_enough_memory`, for a `std::system_error` its code,
  /// for anything else `operation_canceled`, with `what()` as the detail. What this function itself throws becomes an
  /// error in the same way.
  virtual void do_async_resolve(Call call, std::string_view network, std::string_view host,
                                Function<void(Result<std::vector<std::string>>)> done);
};

}  // namespace LEASH_NAMESPACE::net
