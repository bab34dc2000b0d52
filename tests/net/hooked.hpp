#pragma once

#include <cstddef>
#include <functional>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <span>
#include <string_view>

#include "support.hpp"

/// A hook that is a function which a test sets.
class Hook final : public leash::net::NetworkHook {
 public:
  using NetworkHook::Next;
  std::function<leash::Result<void>(leash::net::Operation&, Next)> function = [](leash::net::Operation&, Next next) {
    return next();
  };

 private:
  leash::Result<void> around(leash::net::Operation& operation, Next next) override { return function(operation, next); }
};

/// A network, and the same with a hook.
struct Hooked {
  explicit Hooked(Over over) : network(over), dialer(network.dialer, hook), binder(network.binder, hook) {}

  Network network;
  Hook hook;
  leash::net::HookedDialer dialer;
  leash::net::HookedBinder binder;
};

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A hook's function that does not carry out, and fails.
inline leash::Result<void> fails_by_hook(leash::net::Operation& operation, Hook::Next) {
  return operation.fail(std::errc::io_error, "by the hook");
}

/// One that carries out, and fails then.
inline leash::Result<void> broken_afterwards(leash::net::Operation& operation, Hook::Next next) {
  static_cast<void>(next());
  return operation.fail(std::errc::io_error, "by the hook");
}
