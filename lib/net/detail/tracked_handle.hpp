#pragma once

#include <asio/error_code.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/socket_tag.hpp>
#include <source_location>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// What a tracked socket and a tracked acceptor have in common: `Base`, which is Asio's own, and its tag. The tag is
/// the first base class, and so is destroyed after the descriptor was closed. Without tracking it takes no room.
///
/// The functions of Base that open, close or use it are hidden by ones with the same parameters and the site last.
template <class Base>
class TrackedHandle : SocketTag, public Base {
 protected:
  using Site = std::source_location;

 public:
  using typename Base::native_handle_type;
  using typename Base::protocol_type;

  TrackedHandle(TrackedHandle&& other) noexcept : SocketTag(std::move(other)), Base(std::move(other.base())) { look(); }
  TrackedHandle& operator=(TrackedHandle&& other) noexcept {
    if (this == &other) return *this;
    end();
    base() = std::move(other.base());
    tag() = std::move(other.tag());
    look();
    return *this;
  }
  ~TrackedHandle() { end(); }

  void open(const protocol_type& protocol = protocol_type(), Site site = Site::current()) {
    const Opens opens(*this, site);
    Base::open(protocol);
  }
  auto open(const protocol_type& protocol, asio::error_code& code, Site site = Site::current()) {
    const Opens opens(*this, site);
    return Base::open(protocol, code);
  }

  void assign(const protocol_type& protocol, const native_handle_type& native, Site site = Site::current()) {
    const Opens opens(*this, site);
    Base::assign(protocol, native);
  }
  auto assign(const protocol_type& protocol, const native_handle_type& native, asio::error_code& code,
              Site site = Site::current()) {
    const Opens opens(*this, site);
    return Base::assign(protocol, native, code);
  }

  void close(Site site = Site::current()) {
    const Closes closes(*this, site);
    Base::close();
  }
  auto close(asio::error_code& code, Site site = Site::current()) {
    const Closes closes(*this, site);
    return Base::close(code);
  }

  native_handle_type release(Site site = Site::current()) {
    touch(site);
    const native_handle_type native = Base::release();
    tag().released(site);
    return native;
  }
  native_handle_type release(asio::error_code& code, Site site = Site::current()) {
    touch(site);
    const native_handle_type native = Base::release(code);
    if (!code) tag().released(site);
    return native;
  }

  void cancel(Site site = Site::current()) {
    touch_if_open(site);
    Base::cancel();
  }
  auto cancel(asio::error_code& code, Site site = Site::current()) {
    touch_if_open(site);
    return Base::cancel(code);
  }

  native_handle_type native_handle() {
    look();
    return Base::native_handle();
  }

 protected:
  template <class... Arguments>
  explicit TrackedHandle(SocketTag tag, Arguments&&... arguments)
      : SocketTag(std::move(tag)), Base(std::forward<Arguments>(arguments)...) {
    look();
  }

  Base& base() noexcept { return *this; }
  SocketTag& tag() noexcept { return *this; }
  const SocketTag& tag() const noexcept { return *this; }

  void touch(Site site) {
    if constexpr (tracking_enabled) tag().use(Base::native_handle(), site);
  }
  void touch_if_open(Site site) {
    if constexpr (tracking_enabled) tag().use_if_open(Base::native_handle(), site);
  }
  void look() noexcept {
    if constexpr (tracking_enabled) tag().look(Base::native_handle());
  }

  /// During an operation that opens it, whether that throws or not.
  class Opens {
   public:
    Opens(TrackedHandle& handle, Site site) noexcept : handle_(handle), site_(site) {}
    Opens(const Opens&) = delete;
    Opens& operator=(const Opens&) = delete;
    ~Opens() {
      if constexpr (tracking_enabled) handle_.tag().opened(handle_.Base::native_handle(), site_);
    }

   private:
    TrackedHandle& handle_;
    Site site_;
  };

 private:
  /// The same with one that closes it.
  class Closes {
   public:
    Closes(TrackedHandle& handle, Site site) noexcept : handle_(handle), site_(site) {}
    Closes(const Closes&) = delete;
    Closes& operator=(const Closes&) = delete;
    ~Closes() { handle_.tag().closed(site_); }

   private:
    TrackedHandle& handle_;
    Site site_;
  };

  void end() noexcept {
    if constexpr (tracking_enabled) tag().end(Base::native_handle());
  }
};

}  // namespace LEASH_NAMESPACE::net::detail
