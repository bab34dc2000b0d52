#pragma once

#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

namespace LEASH_NAMESPACE::net {

/// Puts a tag on every connection that it dials, with the call's site and the Context's notes.
///
/// The tracker is that of the Context, else the fallback. Where there is neither, or where tracking is compiled out,
/// `dial` returns the inner connection itself. When the tracker is closed, it fails with `track::errc::tracker_closed`
/// and leaves nothing open.
class TrackedDialer final : public ProxyDialer {
 public:
  struct Options {
    /// The tracker for those Contexts that have none.
    std::optional<track::Tracker> fallback = std::nullopt;
  };

  explicit TrackedDialer(Dialer& inner LEASH_LIFETIMEBOUND);
  TrackedDialer(Dialer& inner LEASH_LIFETIMEBOUND, Options options);

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override;

  std::optional<track::Tracker> fallback_;
};

}  // namespace LEASH_NAMESPACE::net
