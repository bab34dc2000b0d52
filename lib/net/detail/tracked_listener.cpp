#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/detail/tracked_listener.hpp>
#include <leash/net/kinds.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

TrackedListener::TrackedListener(std::unique_ptr<Listener> inner, track::Tag tag,
                                 std::optional<track::Tracker> fallback)
    : Tagged(std::move(tag)), ProxyListener(std::move(inner)), fallback_(std::move(fallback)) {}

Result<std::unique_ptr<Conn>> TrackedListener::do_accept(Call call) {
  tag_.touch(call.site());
  track::Tracker* tracker = track::find_tracker(call.context());
  if (tracker == nullptr && fallback_) tracker = &*fallback_;
  if (tracker == nullptr) return ProxyListener::do_accept(call);

  const std::string subject = to_string(do_address());
  if (auto open_yet = tracker->check(call, {kinds::connection, subject}, "accept"); !open_yet) {
    return std::unexpected(std::move(open_yet).error());
  }
  Result<std::unique_ptr<Conn>> conn = os::open_for_tag([&] { return ProxyListener::do_accept(call); });
  if (!conn) return conn;
  return track_conn(*tracker, *std::move(conn), call, "accept", subject);
}

Result<void> TrackedListener::do_close(std::source_location site) {
  Result<void> closed = ProxyListener::do_close(site);
  tag_.close(site);
  return closed;
}

}  // namespace LEASH_NAMESPACE::net::detail
