#pragma once

#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/detail/tagged.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>

namespace LEASH_NAMESPACE::net::detail {

/// A listener with a tag, which may be empty. Puts a tag on each connection that it accepts, if there is a tracker:
/// that of the Context, else `fallback`.
class TrackedListener final : track::detail::Tagged, public ProxyListener {
 public:
  TrackedListener(std::unique_ptr<Listener> inner, track::Tag tag, std::optional<track::Tracker> fallback);

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;

  std::optional<track::Tracker> fallback_;
};

}  // namespace LEASH_NAMESPACE::net::detail
