#pragma once

#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/track/detail/tagged.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// A listener with a tag, which may be empty. Puts a tag on each connection that it accepts, if there is a tracker: see
/// TrackedBinder.
class TrackedListener final : track::detail::Tagged, public ProxyListener {
 public:
  TrackedListener(std::unique_ptr<Listener> inner, track::Tag tag, TrackedBinder::Options options);

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;

  Result<std::unique_ptr<Conn>> accept_child(Call call);

  TrackedBinder::Options options_;
};

}  // namespace LEASH_NAMESPACE::net::detail
