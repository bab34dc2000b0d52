#include <leash/net/detail/tracked_listener.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TrackedBinder::TrackedBinder(Binder& inner) : ProxyBinder(inner) {}

TrackedBinder::TrackedBinder(Binder& inner, Options options)
    : ProxyBinder(inner), fallback_(std::move(options.fallback)) {}

Result<std::unique_ptr<Listener>> TrackedBinder::do_bind(Call call, std::string_view network,
                                                         std::string_view address) {
  if constexpr (tracking_enabled) {
    track::Tracker* tracker = track::find_tracker(call.context());
    if (tracker == nullptr && fallback_) tracker = &*fallback_;
    if (tracker != nullptr) {
      if (auto open_yet = tracker->check(call, {kinds::listener, address}, "bind"); !open_yet) {
        return std::unexpected(std::move(open_yet).error());
      }
    }
    const auto bind = [&] { return ProxyBinder::do_bind(call, network, address); };
    Result<std::unique_ptr<Listener>> listener = tracker != nullptr ? os::open_for_tag(bind) : bind();
    if (!listener) return listener;
    track::Tag tag;
    if (tracker != nullptr) {
      const std::string name = to_string((*listener)->address());
      const int descriptor = (*listener)->native_handle();
      Result<track::Tag> created =
          tracker->try_create(call, {kinds::listener, name, descriptor, track::OnDrop::closed}, "bind");
      if (!created) return std::unexpected(std::move(created).error());
      tag = *std::move(created);
    }
    // Also without a tag: the Context of an `accept` may have a tracker.
    return std::make_unique<detail::TrackedListener>(*std::move(listener), std::move(tag), fallback_);
  }
  return ProxyBinder::do_bind(call, network, address);
}

}  // namespace LEASH_NAMESPACE::net
