#include <leash/net/kinds.hpp>
#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/detail/tracked_listener.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

TrackedListener::TrackedListener(std::unique_ptr<Listener> inner, track::Tag tag,
                                 std::optional<track::Tracker> fallback)
    : ProxyListener(std::move(inner)), tag_(std::move(tag)), fallback_(std::move(fallback)) {}

Result<std::unique_ptr<Conn>> TrackedListener::do_accept(Call call) {
  tag_.touch(call.site());
  track::Tracker* tracker = track::find_tracker(call.context());
  if (tracker == nullptr && fallback_) tracker = &*fallback_;
  if (tracker == nullptr) return ProxyListener::do_accept(call);

  if (tracker->closed()) {
    const Result<void> refused = tracker->check(call, {kinds::connection, to_string(do_address())}, "accept");
    return std::unexpected(refused.error());
  }
  Result<std::unique_ptr<Conn>> conn = ProxyListener::do_accept(call);
  if (!conn) return conn;
  return track_conn(*tracker, *std::move(conn), call, "accept");
}

Result<void> TrackedListener::do_close(std::source_location site) {
  Result<void> closed = ProxyListener::do_close(site);
  tag_.close(site);
  return closed;
}

}  // namespace LEASH_NAMESPACE::net::detail
