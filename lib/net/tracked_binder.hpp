#pragma once

#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

namespace LEASH_NAMESPACE::net {

/// Puts a tag on every listener that it binds, and on every connection that such a listener accepts.
///
/// The tracker for a listener is the one in the Context of its `bind`, for a connection the one in the Context of its
/// `accept`; if there is none, the fallback. If there is neither, the listener or connection gets no tag, and `accept`
/// returns the inner connection itself. Where tracking is compiled out, `bind` returns the inner listener itself. When
/// the tracker is closed, `bind` and `accept` fail with `track::errc::tracker_closed` and leave nothing open.
class TrackedBinder final : public ProxyBinder {
 public:
  struct Options {
    /// The tracker for those Contexts that have none.
    std::optional<track::Tracker> fallback = std::nullopt;

    /// Whether accepted connections are children of their listener: they are tracked by its tracker, and to close the
    /// listener before one of them is the finding `outlived-parent`. For servers that end their connections first.
    bool accepted_are_children = false;
  };

  explicit TrackedBinder(Binder& inner LEASH_LIFETIMEBOUND);
  TrackedBinder(Binder& inner LEASH_LIFETIMEBOUND, Options options);

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override;

  Options options_;
};

}  // namespace LEASH_NAMESPACE::net
