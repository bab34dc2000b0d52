#pragma once

#include <leash/config.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/tracked_async_conn.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <leash/track/errc.hpp>
#include <memory>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// An asynchronous listener with its tag.
class TrackedAsyncListener final : public ProxyAsyncListener {
 public:
  TrackedAsyncListener(std::unique_ptr<AsyncListener> inner, track::Tag tag, TrackedBinder::Options options)
      : ProxyAsyncListener(std::move(inner)),
        tag_(new SharedTag(std::move(tag))),
        options_(std::move(options)),
        subject_(to_string(do_address())) {}
  ~TrackedAsyncListener() override {
    drop_inner();
    tag_->end();
  }

 private:
  void do_async_accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler) override {
    bool has_tag = false;
    tag_->use([&](track::Tag& tag) {
      tag.touch(call.site());
      has_tag = static_cast<bool>(tag);
    });
    if (options_.accepted_are_children && has_tag) return accept_child(call, executor, std::move(handler));
    track::Tracker* const tracker = track::detail::tracker_for(call.context(), options_.fallback);
    if (tracker == nullptr) return ProxyAsyncListener::do_async_accept(call, executor, std::move(handler));
    if (Result<void> open = tracker->check(call, {kinds::connection, subject_}, "accept"); !open) {
      return post_completion(executor, std::move(handler), Result<Stream>(std::unexpected(open.error())));
    }
    auto tag_and_call = [request = TagRequest(*tracker, call, "accept", subject_)](AcceptHandler&& inner,
                                                                                   Result<Stream> accepted) mutable {
      inner(request.tagged(std::move(accepted)));
    };
    accept(call, executor, std::move(handler), std::move(tag_and_call));
  }

  /// Accepts a connection that is a child of this listener.
  void accept_child(Call call, const asio::any_io_executor& executor, AcceptHandler handler) {
    auto tag_and_call = [listener = tag_, site = call.site(), subject = subject_](AcceptHandler&& inner,
                                                                                  Result<Stream> accepted) {
      if (!accepted) {
        track::detail::note_failed_opening(accepted.error().code());
        return inner(std::move(accepted));
      }
      const std::string name = ends(accepted->local_address(), accepted->remote_address());
      track::Tag tag;
      listener->use([&](track::Tag& parent) {
        tag = parent.child({kinds::connection, name, accepted->native_handle(), track::OnDrop::closed}, site);
      });
      if (!tag) return inner(fail("accept", subject, make_error_code(track::errc::tracker_closed)));
      inner(Stream(std::make_unique<TrackedAsyncConn>(accepted->take(), std::move(tag))));
    };
    accept(call, executor, std::move(handler), std::move(tag_and_call));
  }

  template <class TagAndCall>
  void accept(Call call, const asio::any_io_executor& executor, AcceptHandler handler, TagAndCall tag_and_call) {
    os::open_for_tag([&] {
      ProxyAsyncListener::do_async_accept(call, executor,
                                          AcceptHandler(WrappedHandler(std::move(handler), std::move(tag_and_call))));
    });
  }

  Result<void> do_close(std::source_location site) override {
    Result<void> closed = ProxyAsyncListener::do_close(site);
    tag_->use([site](track::Tag& tag) { tag.close(site); });
    return closed;
  }

  Result<int> do_release(std::source_location site) override {
    const os::Opening opening;
    Result<int> descriptor = ProxyAsyncListener::do_release(site);
    if (descriptor) tag_->use([site](track::Tag& tag) { tag.release(site); });
    return descriptor;
  }

  const Ref<SharedTag> tag_;
  TrackedBinder::Options options_;
  const std::string subject_;  ///< Its address, for errors.
};

}  // namespace LEASH_NAMESPACE::net::detail
