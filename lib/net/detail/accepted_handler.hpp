#pragma once

#include <asio/associator.hpp>
#include <asio/error_code.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/socket_tag.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// Takes the socket that Asio has accepted, and calls `Target` with what `make(place, socket)` makes of it. Has the
/// associates of Target.
template <class Target, class Make>
class AcceptedHandler {
 public:
  template <class Source>
  AcceptedHandler(Source&& target, AcceptPlace place, Make make)
      : target_(std::forward<Source>(target)), place_(std::move(place)), make_(make) {}

  template <class Socket>
  void operator()(const asio::error_code& code, Socket accepted) {
    std::move(target_)(code, make_(place_, std::move(accepted)));
  }

  const Target& target() const noexcept { return target_; }

 private:
  Target target_;
  [[no_unique_address]] AcceptPlace place_;
  [[no_unique_address]] Make make_;
};

}  // namespace LEASH_NAMESPACE::net::detail

template <template <class, class> class Associator, class Target, class Make, class Default>
struct asio::associator<Associator, leash::net::detail::AcceptedHandler<Target, Make>, Default>
    : Associator<Target, Default> {
  using Handler = leash::net::detail::AcceptedHandler<Target, Make>;

  static auto get(const Handler& handler) noexcept { return Associator<Target, Default>::get(handler.target()); }
  static auto get(const Handler& handler, const Default& otherwise) noexcept {
    return Associator<Target, Default>::get(handler.target(), otherwise);
  }
};
