#pragma once

#include <initializer_list>
#include <leash/config.hpp>
#include <leash/net/conformance/trial.hpp>
#include <memory>
#include <string>
#include <system_error>

/// Shortcuts through the dialer and the binder of a trial. Each leaves the check if it fails.
namespace LEASH_NAMESPACE::net::conformance {

/// A listener at the address of the options.
Listener& listen(Trial& trial);

/// A connection to `listener`, and the one that it accepts.
Conn& dial(Trial& trial, const Listener& listener, const Context& context);
Conn& accept(Trial& trial, Listener& listener, const Context& context);

/// Both: the dialled end is `here`.
Ends connect(Trial& trial, Listener& listener);

/// What a dial fails with where no one listens: at a path of the network "unix" nothing may be there to refuse it.
std::initializer_list<std::errc> nobody_listens(const Trial& trial);

/// Dials without leaving the check.
Result<std::unique_ptr<Conn>> try_dial(const Trial& trial, const Context& context, const std::string& address);
Result<std::unique_ptr<Listener>> try_bind(const Trial& trial, const std::string& address);

}  // namespace LEASH_NAMESPACE::net::conformance
