#pragma once

#include <netdb.h>

#include <cstddef>
#include <functional>
#include <leash/config.hpp>
#include <leash/net/resolver.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// Calls `getaddrinfo` in background threads; a second time, for any family, where a host has no address of the one
/// that was asked for, so that `resolve` tells it from a host that does not exist, and somebody still waits. Nothing
/// can interrupt that function, so a thread whose question is no longer wanted, because the Context is done, is left
/// behind until `getaddrinfo` returns. There are at most `max_threads` threads, those left behind included; further
/// questions wait until one is free, as long as their Context allows.
class SystemResolver final : public Resolver {
 public:
  static constexpr std::size_t max_threads = 32;

  using Lookup = std::function<int(const char* host, const char* service, const addrinfo* hints, addrinfo** found)>;

  /// Tests pass another `lookup`: a name service that hangs, or fails in a certain way. The result of `lookup` is freed
  /// with `freeaddrinfo`.
  explicit SystemResolver(Lookup lookup = ::getaddrinfo);

 private:
  class Queue;

  Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) override;

  const std::shared_ptr<Queue> queue_;
};

}  // namespace LEASH_NAMESPACE::net::detail
