#pragma once

#include <cstddef>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/async_proxy.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/touch.hpp>
#include <leash/net/detail/wrapped_handler.hpp>
#include <leash/net/kinds.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/tag.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

using leash::detail::Ref;

/// The tag of an asynchronous connection, which the operations under way on it share.
class SharedTag : public leash::detail::RefCounted {
 public:
  explicit SharedTag(track::Tag tag) noexcept : tag_(std::move(tag)) {}

  /// The tag as long as the connection has it; then an empty one.
  template <class Body>
  void use(Body body) {
    const std::lock_guard<os::Mutex> lock(mutex_);
    body(tag_);
  }

  /// The connection ends.
  void end() {
    track::Tag ended;
    const std::lock_guard<os::Mutex> lock(mutex_);
    ended = std::move(tag_);
  }

 private:
  friend void destroy(SharedTag* tag) noexcept { delete tag; }

  os::Mutex mutex_;
  track::Tag tag_;
};

/// An asynchronous connection with its tag. As for a TrackedConn, any thread may call `reset` to stop one that its
/// owner is using, so that neither a `reset` after a `close` nor the owner's first `close` after a `reset` is a double
/// close.
class TrackedAsyncConn final : public ProxyAsyncConn {
 public:
  TrackedAsyncConn(std::unique_ptr<AsyncConn> inner, track::Tag tag)
      : ProxyAsyncConn(std::move(inner)), tag_(new SharedTag(std::move(tag))) {}
  ~TrackedAsyncConn() override {
    // The descriptor is closed before its tag ends.
    drop_inner();
    tag_->end();
  }

 private:
  enum class State : unsigned char { open, closed, reset };

  void do_async_read(ReadBuffers buffers, TransferHandler handler, std::source_location site) override {
    ProxyAsyncConn::do_async_read(buffers, counted<&track::Tag::add_bytes_in>(std::move(handler), site), site);
  }
  void do_async_write(WriteBuffers buffers, TransferHandler handler, std::source_location site) override {
    ProxyAsyncConn::do_async_write(buffers, counted<&track::Tag::add_bytes_out>(std::move(handler), site), site);
  }

  std::size_t do_read(ReadBuffers buffers, asio::error_code& code, std::source_location site) override {
    touch(site);
    const std::size_t count = ProxyAsyncConn::do_read(buffers, code, site);
    note_result<&track::Tag::add_bytes_in>(*tag_, code, count);
    return count;
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location site) override {
    touch(site);
    const std::size_t count = ProxyAsyncConn::do_write(buffers, code, site);
    note_result<&track::Tag::add_bytes_out>(*tag_, code, count);
    return count;
  }

  Result<void> do_shutdown_write(std::source_location site) override {
    touch(site);
    Result<void> result = ProxyAsyncConn::do_shutdown_write(site);
    if (!result) tag_->use([](track::Tag& tag) { tag.set_failed(); });
    return result;
  }
  Result<void> do_close(std::source_location site) override {
    Result<void> closed = ProxyAsyncConn::do_close(site);
    end_as(State::closed, [&](track::Tag& tag) { tag.close(site); });
    return closed;
  }
  Result<void> do_reset(std::source_location site) override {
    Result<void> closed = ProxyAsyncConn::do_reset(site);
    tag_->use([&](track::Tag& tag) {
      if (state_ != State::open) return;
      state_ = State::reset;
      tag.close(site);
    });
    return closed;
  }
  Result<int> do_release(std::source_location site) override {
    const os::Opening opening;
    Result<int> descriptor = ProxyAsyncConn::do_release(site);
    if (descriptor) end_as(State::closed, [&](track::Tag& tag) { tag.release(site); });
    return descriptor;
  }
  void do_note(std::string_view text, std::source_location site) override {
    tag_->use([&](track::Tag& tag) { tag.note(text, site); });
    ProxyAsyncConn::do_note(text, site);
  }

  void touch(std::source_location site) {
    tag_->use([site](track::Tag& tag) { detail::touch(tag, site); });
  }

  template <class End>
  void end_as(State state, End end) {
    tag_->use([&](track::Tag& tag) {
      if (std::exchange(state_, state) != State::reset) end(tag);
    });
  }

  template <auto add_bytes>
  static void note_result(SharedTag& shared, const asio::error_code& code, std::size_t count) {
    shared.use([&](track::Tag& tag) {
      if (count != 0) (tag.*add_bytes)(count);
      if (code) tag.set_failed();
    });
  }

  /// The handler of an operation that is called at `site`.
  template <auto add_bytes>
  TransferHandler counted(TransferHandler handler, std::source_location site) {
    touch(site);
    const auto count_and_call = [tag = tag_](TransferHandler&& inner, const asio::error_code& code, std::size_t count) {
      note_result<add_bytes>(*tag, code, count);
      inner(code, count);
    };
    return TransferHandler(WrappedHandler(std::move(handler), count_and_call));
  }

  const Ref<SharedTag> tag_;
  State state_ = State::open;  ///< Under the mutex of the tag.
};

/// What an asynchronous operation needs to put a tag on what it opens: everything is copied when it begins.
struct TagRequest {
  track::Tracker tracker;
  Context context;
  std::source_location site;
  std::string_view operation;  ///< A literal.
  std::string subject;
  track::Request request;

  TagRequest(track::Tracker& tracker_, Call call, std::string_view operation_, std::string_view subject_)
      : tracker(tracker_),
        context(call.context()),
        site(call.site()),
        operation(operation_),
        subject(subject_),
        request(tracker_.request(call)) {}

  Result<track::Tag> tag(track::Kind kind, std::string_view name, int descriptor) {
    Result<track::Tag> made =
        tracker.try_create(Call(context, site), {kind, name, descriptor, track::OnDrop::closed}, operation, request);
    if (made) return made;
    return fail(operation, subject, made.error().code(), made.error().detail());
  }

  /// `stream`, if it was opened, with its tag. If the tracker was closed meanwhile, it is closed.
  Result<Stream> tagged(Result<Stream> stream) {
    if (!stream) {
      track::detail::note_failed_opening(stream.error().code());
      return stream;
    }
    const std::string name = ends(stream->local_address(), stream->remote_address());
    Result<track::Tag> made = tag(kinds::connection, name, stream->native_handle());
    if (!made) return std::unexpected(std::move(made).error());
    return Stream(std::make_unique<TrackedAsyncConn>(stream->take(), *std::move(made)));
  }
};

}  // namespace LEASH_NAMESPACE::net::detail
