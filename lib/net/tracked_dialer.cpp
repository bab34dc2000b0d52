#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TrackedDialer::TrackedDialer(Dialer& inner) : ProxyDialer(inner) {}

TrackedDialer::TrackedDialer(Dialer& inner, Options options)
    : ProxyDialer(inner), fallback_(std::move(options.fallback)) {}

Result<std::unique_ptr<Conn>> TrackedDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  if constexpr (tracking_enabled) {
    std::optional<track::Tracker> tracker = track::tracker_from(call.context());
    if (!tracker) tracker = fallback_;
    if (tracker) {
      if (tracker->closed()) return std::unexpected(track::tracker_closed_error("dial", address, call.site()));
      Result<std::unique_ptr<Conn>> conn = ProxyDialer::do_dial(call, network, address);
      if (!conn) return conn;
      return detail::track_conn(*tracker, *std::move(conn), call, "dial", address);
    }
  }
  return ProxyDialer::do_dial(call, network, address);
}

}  // namespace LEASH_NAMESPACE::net
