#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/tracked_async_listener.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Puts a tag on every AsyncListener that it binds, and on every Stream that such a listener accepts; as TrackedBinder
/// otherwise, and with the sites and stacks of a TrackedAsyncDialer.
class TrackedAsyncBinder final : public ProxyAsyncBinder {
 public:
  using Options = TrackedBinder::Options;

  explicit TrackedAsyncBinder(AsyncBinder& inner LEASH_LIFETIMEBOUND) : ProxyAsyncBinder(inner) {}
  TrackedAsyncBinder(AsyncBinder& inner LEASH_LIFETIMEBOUND, Options options)
      : ProxyAsyncBinder(inner), options_(std::move(options)) {}

 private:
  using Bound = Result<std::unique_ptr<AsyncListener>>;

  void do_async_bind(Call call, std::string_view network, std::string_view address, BindHandler handler) override {
    if constexpr (!tracking_enabled) {
      return ProxyAsyncBinder::do_async_bind(call, network, address, std::move(handler));
    }
    std::optional<detail::TagRequest> request;
    if (track::Tracker* const tracker = track::detail::tracker_for(call.context(), options_.fallback)) {
      if (Result<void> open = tracker->check(call, {kinds::listener, address}, "bind"); !open) {
        return detail::post_completion(do_executor(), std::move(handler), Bound(std::unexpected(open.error())));
      }
      request.emplace(*tracker, call, "bind", address);
    }
    auto tag_and_call = [asked = std::move(request), options = options_](BindHandler&& inner, Bound bound) mutable {
      // Without a tag it is wrapped all the same: the Context of an accept may have a tracker.
      track::Tag tag;
      if (!bound) track::detail::note_failed_opening(bound.error().code());
      if (bound && asked) {
        Result<track::Tag> made =
            asked->tag(kinds::listener, to_string((*bound)->address()), (*bound)->native_handle());
        if (!made) return inner(Bound(std::unexpected(made.error())));
        tag = *std::move(made);
      }
      if (bound) {
        bound = std::make_unique<detail::TrackedAsyncListener>(*std::move(bound), std::move(tag), std::move(options));
      }
      inner(std::move(bound));
    };
    os::open_for_tag([&] {
      ProxyAsyncBinder::do_async_bind(call, network, address,
                                      BindHandler(detail::WrappedHandler(std::move(handler), std::move(tag_and_call))));
    });
  }

  Options options_;
};

}  // namespace LEASH_NAMESPACE::net
