#pragma once

#include <netdb.h>

#include <cstddef>
#include <functional>
#include <leash/config.hpp>
#include <leash/net/resolver.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// `getaddrinfo` in detached threads. Nothing can interrupt it, so when the Context is done the thread is left behind,
/// and ends when `getaddrinfo` does. At most `max_threads` look up at once, those left behind included; who comes when
/// all are at it waits for one, as long as the Context allows.
class SystemResolver final : public Resolver {
 public:
  static constexpr std::size_t max_threads = 32;

  using Lookup = std::function<int(const char* host, const char* service, const addrinfo* hints, addrinfo** found)>;

  /// `lookup` is for tests: a name service that hangs, or fails in a certain way. What it finds is freed with
  /// `freeaddrinfo`.
  explicit SystemResolver(Lookup lookup = ::getaddrinfo);

 private:
  class Desk;

  Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) override;

  const std::shared_ptr<Desk> desk_;
};

}  // namespace LEASH_NAMESPACE::net::detail
