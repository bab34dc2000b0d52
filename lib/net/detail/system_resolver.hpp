#pragma once

#include <netdb.h>

#include <cstddef>
#include <functional>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/detail/lookup_threads.hpp>
#include <leash/net/resolver.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Calls `getaddrinfo` in background threads of its own; a second time, for any family, where a host has no address of
/// the one that was asked for, so that `resolve` tells it from a host that does not exist, if somebody still waits.
/// Nothing can interrupt that function, so a thread whose look-up is no longer wanted, because the Context is done, is
/// left behind until `getaddrinfo` returns.
class SystemResolver final : public Resolver {
 public:
  static constexpr std::size_t max_threads = LookupThreads::max_threads;

  using Lookup = std::function<int(const char* host, const char* service, const addrinfo* hints, addrinfo** found)>;

  /// Tests pass another `lookup`: a name service that hangs, or fails in a certain way. The result of `lookup` is freed
  /// with `freeaddrinfo`.
  explicit SystemResolver(Lookup lookup = ::getaddrinfo);

 private:
  Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) override;
  void do_async_resolve(Call call, std::string_view network, std::string_view host,
                        Function<void(Result<std::vector<std::string>>)> done) override;

  const std::shared_ptr<const Lookup> lookup_;
  const std::shared_ptr<LookupThreads> threads_ = std::make_shared<LookupThreads>();
};

}  // namespace LEASH_NAMESPACE::net::detail
