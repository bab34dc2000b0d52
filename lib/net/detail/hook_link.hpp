#pragma once

#include <leash/config.hpp>
#include <leash/detail/hook_link.hpp>
#include <leash/net/network_hook.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/result.hpp>

namespace LEASH_NAMESPACE::net::detail {

using HookLink = leash::detail::HookLink<NetworkHook>;
using leash::detail::Ref;

/// Passes `operation`, which takes the descriptor out of a handle by `release`, through the hook. The descriptor is
/// closed unless the caller gets it, which the hook may forbid afterwards.
template <class Release>
[[nodiscard]] Result<int> pass_release(const HookLink& link, Operation operation, Release release) {
  os::Descriptor released;
  Result<int> result = link.pass<int>(operation, [&] {
    Result<int> descriptor = release();
    if (descriptor) released = os::Descriptor(*descriptor);
    return descriptor;
  });
  if (result) static_cast<void>(released.release());
  return result;
}

}  // namespace LEASH_NAMESPACE::net::detail
