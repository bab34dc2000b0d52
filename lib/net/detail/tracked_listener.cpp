#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/detail/tracked_listener.hpp>
#include <leash/net/kinds.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <leash/track/errc.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

TrackedListener::TrackedListener(std::unique_ptr<Listener> inner, track::Tag tag, TrackedBinder::Options options)
    : Tagged(std::move(tag)), ProxyListener(std::move(inner)), options_(std::move(options)) {}

/// A connection that is a child of this listener.
Result<std::unique_ptr<Conn>> TrackedListener::accept_child(Call call) {
  auto conn = os::open_for_tag([&] { return ProxyListener::do_accept(call); });
  if (!conn) {
    track::detail::note_failed_opening(conn.error().code());
    return conn;
  }
  track::Tag tag =
      tag_.child({kinds::connection, name_of(**conn), (*conn)->native_handle(), track::OnDrop::closed}, call.site());
  if (!tag) {
    // The error is the tracker's; that of closing what nobody has used yet adds nothing to it.
    static_cast<void>((*conn)->close(call.site()));
    return fail("accept", to_string(do_address()), make_error_code(track::errc::tracker_closed));
  }
  return std::make_unique<TrackedConn>(*std::move(conn), std::move(tag));
}

Result<std::unique_ptr<Conn>> TrackedListener::do_accept(Call call) {
  tag_.touch(call.site());
  if (options_.accepted_are_children && tag_) return accept_child(call);
  const auto accept = [&] { return ProxyListener::do_accept(call); };
  track::Tracker* const tracker = track::detail::tracker_for(call.context(), options_.fallback);
  if (tracker == nullptr) return accept();
  const std::string subject = to_string(do_address());
  return track::detail::open_tracked(*tracker, call, "accept", kinds::connection, subject, accept, name_of,
                                     [](std::unique_ptr<Conn>&& conn, track::Tag&& tag) {
                                       return std::make_unique<TrackedConn>(std::move(conn), std::move(tag));
                                     });
}

Result<void> TrackedListener::do_close(std::source_location site) {
  Result<void> closed = ProxyListener::do_close(site);
  tag_.close(site);
  return closed;
}

Result<int> TrackedListener::do_release(std::source_location site) {
  const os::Opening opening;
  Result<int> descriptor = ProxyListener::do_release(site);
  if (descriptor) tag_.release(site);
  return descriptor;
}

}  // namespace LEASH_NAMESPACE::net::detail
