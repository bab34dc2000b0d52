#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TrackedDialer::TrackedDialer(Dialer& inner) : ProxyDialer(inner) {}

TrackedDialer::TrackedDialer(Dialer& inner, Options options)
    : ProxyDialer(inner), fallback_(std::move(options.fallback)) {}

Result<std::unique_ptr<Conn>> TrackedDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  if constexpr (tracking_enabled) {
    track::Tracker* tracker = track::find_tracker(call.context());
    if (tracker == nullptr && fallback_) tracker = &*fallback_;
    if (tracker != nullptr) {
      if (auto open_yet = tracker->check(call, {kinds::connection, address}, "dial"); !open_yet) {
        return std::unexpected(std::move(open_yet).error());
      }
      Result<std::unique_ptr<Conn>> conn =
          os::open_for_tag([&] { return ProxyDialer::do_dial(call, network, address); });
      if (!conn) return conn;
      return detail::track_conn(*tracker, *std::move(conn), call, "dial", address);
    }
  }
  return ProxyDialer::do_dial(call, network, address);
}

}  // namespace LEASH_NAMESPACE::net
