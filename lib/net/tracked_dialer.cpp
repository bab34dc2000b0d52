#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TrackedDialer::TrackedDialer(Dialer& inner) : ProxyDialer(inner) {}

TrackedDialer::TrackedDialer(Dialer& inner, Options options)
    : ProxyDialer(inner), fallback_(std::move(options.fallback)) {}

Result<std::unique_ptr<Conn>> TrackedDialer::do_dial(Call call, std::string_view network, std::string_view address) {
  const auto dial = [&] { return ProxyDialer::do_dial(call, network, address); };
  track::Tracker* const tracker = track::detail::tracker_for(call.context(), fallback_);
  if (tracker == nullptr) return dial();
  return track::detail::open_tracked(*tracker, call, "dial", kinds::connection, address, dial, detail::name_of,
                                     [](std::unique_ptr<Conn>&& conn, track::Tag&& tag) {
                                       return std::make_unique<detail::TrackedConn>(std::move(conn), std::move(tag));
                                     });
}

}  // namespace LEASH_NAMESPACE::net
