#include <leash/net/detail/tracked_listener.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TrackedBinder::TrackedBinder(Binder& inner) : ProxyBinder(inner) {}

TrackedBinder::TrackedBinder(Binder& inner, Options options) : ProxyBinder(inner), options_(std::move(options)) {}

Result<std::unique_ptr<Listener>> TrackedBinder::do_bind(Call call, std::string_view network,
                                                         std::string_view address) {
  const auto bind = [&] { return ProxyBinder::do_bind(call, network, address); };
  if constexpr (!tracking_enabled) return bind();
  const auto wrap = [&](std::unique_ptr<Listener>&& listener, track::Tag&& tag) {
    return std::make_unique<detail::TrackedListener>(std::move(listener), std::move(tag), options_);
  };
  if (track::Tracker* const tracker = track::detail::tracker_for(call.context(), options_.fallback)) {
    const auto name_of = [](const Listener& listener) { return to_string(listener.address()); };
    return track::detail::open_tracked(*tracker, call, "bind", kinds::listener, address, bind, name_of, wrap);
  }
  Result<std::unique_ptr<Listener>> listener = bind();
  if (!listener) return listener;
  // The listener has no tag, but is wrapped all the same: the Context of an `accept` may have a tracker.
  return wrap(*std::move(listener), track::Tag());
}

}  // namespace LEASH_NAMESPACE::net
