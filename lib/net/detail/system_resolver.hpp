#pragma once

#include <netdb.h>

#include <functional>
#include <leash/config.hpp>
#include <leash/net/resolver.hpp>

namespace LEASH_NAMESPACE::net::detail {

/// `getaddrinfo` in a detached thread for each call. Nothing can interrupt it, so when the Context is done the thread
/// is left behind, and ends when `getaddrinfo` does.
class SystemResolver final : public Resolver {
 public:
  using Lookup = std::function<int(const char* host, const char* service, const addrinfo* hints, addrinfo** found)>;

  /// `lookup` is for tests: a name service that hangs, or fails in a certain way. What it finds is freed with
  /// `freeaddrinfo`.
  explicit SystemResolver(Lookup lookup = ::getaddrinfo);

 private:
  Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) override;

  const Lookup lookup_;
};

}  // namespace LEASH_NAMESPACE::net::detail
