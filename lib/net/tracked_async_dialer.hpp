#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/tracked_async_conn.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Puts a tag on every Stream that it dials, with the site of the call of `async_dial`, the stack there, and the
/// Context's notes: a report names the line of the `co_await`, and not the event loop that has opened the connection.
///
/// The tracker is that of the Context, else the fallback. Where there is neither, or where tracking is compiled out, a
/// dial returns the inner Stream itself. When the tracker is closed, it fails with `track::errc::tracker_closed` and
/// leaves nothing open.
class TrackedAsyncDialer final : public ProxyAsyncDialer {
 public:
  using Options = TrackedDialer::Options;

  explicit TrackedAsyncDialer(AsyncDialer& inner LEASH_LIFETIMEBOUND) : ProxyAsyncDialer(inner) {}
  TrackedAsyncDialer(AsyncDialer& inner LEASH_LIFETIMEBOUND, Options options)
      : ProxyAsyncDialer(inner), fallback_(std::move(options.fallback)) {}

 private:
  void do_async_dial(Call call, const asio::any_io_executor& executor, std::string_view network,
                     std::string_view address, DialHandler handler) override {
    track::Tracker* const tracker = track::detail::tracker_for(call.context(), fallback_);
    if (tracker == nullptr) {
      return ProxyAsyncDialer::do_async_dial(call, executor, network, address, std::move(handler));
    }
    if (Result<void> open = tracker->check(call, {kinds::connection, address}, "dial"); !open) {
      return detail::post_completion(executor, std::move(handler), Result<Stream>(std::unexpected(open.error())));
    }
    auto tag_and_call = [request = detail::TagRequest(*tracker, call, "dial", address)](
                            DialHandler&& inner, Result<Stream> dialled) mutable {
      inner(request.tagged(std::move(dialled)));
    };
    os::open_for_tag([&] {
      ProxyAsyncDialer::do_async_dial(call, executor, network, address,
                                      DialHandler(detail::WrappedHandler(std::move(handler), std::move(tag_and_call))));
    });
  }

  std::optional<track::Tracker> fallback_;
};

}  // namespace LEASH_NAMESPACE::net
