#pragma once

#include <leash/config.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conformance/under_way.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <memory>

/// Decorators that note in `under_way` what is being done, and change nothing. It must outlive them and what they make.
namespace LEASH_NAMESPACE::net::conformance {

/// `name` is a literal: "near end".
std::unique_ptr<Conn> observed(std::unique_ptr<Conn> conn, UnderWay& under_way, const char* name);
std::unique_ptr<Dialer> observed(Dialer& dialer, UnderWay& under_way);
std::unique_ptr<Binder> observed(Binder& binder, UnderWay& under_way);

}  // namespace LEASH_NAMESPACE::net::conformance
