#pragma once

#include <leash/config.hpp>
#include <leash/detail/hook_link.hpp>
#include <leash/net/network_hook.hpp>

namespace LEASH_NAMESPACE::net::detail {

using HookLink = leash::detail::HookLink<NetworkHook>;
using leash::detail::Ref;

}  // namespace LEASH_NAMESPACE::net::detail
