#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/basic_stream_socket.hpp>
#include <asio/ip/tcp.hpp>
#include <concepts>
#include <cstddef>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/tracked_handle.hpp>
#include <leash/net/kinds.hpp>
#include <source_location>
#include <utility>

namespace LEASH_NAMESPACE::net {

template <class Protocol, class Executor>
class BasicTrackedAcceptor;

/// A socket of Asio with a tag, for programs that have such sockets: one changes the type, and passes a Context where
/// a socket is made.
///
///     using Socket = leash::net::TrackedSocket;  // was: asio::ip::tcp::socket
///     Socket socket(ctx, loop);                  // was: Socket socket(loop);
///
/// It is an `asio::basic_stream_socket`, with all that this has, and goes where that goes: `asio::async_connect`,
/// `asio::async_read`, `asio::ssl::stream`. The tag, from the Context's tracker, has the line and the stack where the
/// socket was made; that is what a report shows of one that is never destroyed or closed, as when a session that holds
/// it is owned by its own handlers. A socket that was closed or moved from and is opened again gets a new tag, with
/// the line that opens it if that is one of the functions below, else with that of the first one.
///
/// The functions that are declared here hide Asio's: they have the same parameters, after these the site, and the same
/// results. They note the last use, and count the bytes of synchronous operations. What goes past them, by way of a
/// reference to a base class, as in `asio::async_connect`, is noticed when the next of them is called, and when the
/// socket is moved or destroyed: until then the tag has neither the descriptor nor the addresses. If it was closed that
/// way, a report before that calls it leaked, and says that it was perhaps closed through its base if the descriptor's
/// number no longer means this socket.
///
/// Findings are the use of a socket after `close` or `release`, but not a second `close`, a `shutdown` or a `cancel`:
/// Asio's programs do that in each handler that sees an error. If the tracker is closed, the socket works without a
/// tag, and that it was made is the finding `opened-after-end`.
///
/// Threads: as with Asio's. Where tracking is compiled out, it is as large as Asio's socket, and executes the same
/// instructions.
template <class Protocol, class Executor = asio::any_io_executor>
class BasicTrackedSocket : public detail::TrackedHandle<asio::basic_stream_socket<Protocol, Executor>> {
  using Handle = detail::TrackedHandle<asio::basic_stream_socket<Protocol, Executor>>;
  using typename Handle::Site;

 public:
  /// Asio's socket.
  using Base = asio::basic_stream_socket<Protocol, Executor>;
  using typename Base::endpoint_type;
  using typename Base::message_flags;
  using typename Base::shutdown_type;
  using lowest_layer_type = BasicTrackedSocket;
  template <class OtherExecutor>
  struct rebind_executor {
    using other = BasicTrackedSocket<Protocol, OtherExecutor>;
  };

  /// What Asio's constructors make of `arguments`, one of Asio's sockets among them. Throws what they do, and
  /// `std::bad_alloc`.
  template <class... Arguments>
    requires(sizeof...(Arguments) > 0 && std::constructible_from<Base, Arguments...>)
  explicit BasicTrackedSocket(Call call, Arguments&&... arguments)
      : Handle(detail::SocketTag(call, kinds::connection), std::forward<Arguments>(arguments)...) {}

  /// Takes a socket of another protocol or executor, and its tag.
  template <class OtherProtocol, class OtherExecutor>
    requires std::constructible_from<Base, asio::basic_stream_socket<OtherProtocol, OtherExecutor>>
  // NOLINTNEXTLINE(google-explicit-constructor): as Asio's
  BasicTrackedSocket(BasicTrackedSocket<OtherProtocol, OtherExecutor>&& other)
      : Handle(std::move(other.tag()), std::move(other.base())) {}

  // What a call without a Context is told.
  template <class... Arguments>
  explicit BasicTrackedSocket(NoContext, Arguments&&...);

  /// Takes a socket of Asio, as one that was made where this was.
  BasicTrackedSocket& operator=(Base&& other) {
    this->base() = std::move(other);
    this->tag().expect_again();
    this->look();
    return *this;
  }

  /// This one, so that to close the lowest layer of an `asio::ssl::stream` is to close this.
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  const lowest_layer_type& lowest_layer() const noexcept { return *this; }

  void connect(const endpoint_type& peer, Site site = Site::current()) {
    const typename Handle::Opens opens(*this, site);
    Base::connect(peer);
  }
  auto connect(const endpoint_type& peer, asio::error_code& code, Site site = Site::current()) {
    const typename Handle::Opens opens(*this, site);
    return Base::connect(peer, code);
  }
  template <class Token = asio::default_completion_token_t<Executor>>
  decltype(auto) async_connect(const endpoint_type& peer, Token&& token = Token(), Site site = Site::current()) {
    if constexpr (tracking_enabled) {
      // As Asio does before it initiates anything; if it fails, Asio tries again, and gives that error to the handler.
      // When the operation was initiated, this may be gone.
      asio::error_code code;
      if (!this->is_open()) this->open(peer.protocol(), code, site);
      this->touch_if_open(site);
    }
    return Base::async_connect(peer, std::forward<Token>(token));
  }

  void shutdown(shutdown_type what, Site site = Site::current()) {
    this->touch_if_open(site);
    Base::shutdown(what);
  }
  auto shutdown(shutdown_type what, asio::error_code& code, Site site = Site::current()) {
    this->touch_if_open(site);
    return Base::shutdown(what, code);
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, Site site = Site::current()) {
    this->touch(site);
    return read(Base::read_some(buffers));
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, asio::error_code& code, Site site = Site::current()) {
    this->touch(site);
    return read(Base::read_some(buffers, code));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<Executor>>
  decltype(auto) async_read_some(const Buffers& buffers, Token&& token = Token(), Site site = Site::current()) {
    this->touch(site);
    return Base::async_read_some(buffers, std::forward<Token>(token));
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, Site site = Site::current()) {
    this->touch(site);
    return written(Base::write_some(buffers));
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, asio::error_code& code, Site site = Site::current()) {
    this->touch(site);
    return written(Base::write_some(buffers, code));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<Executor>>
  decltype(auto) async_write_some(const Buffers& buffers, Token&& token = Token(), Site site = Site::current()) {
    this->touch(site);
    return Base::async_write_some(buffers, std::forward<Token>(token));
  }

  template <class Buffers>
  std::size_t receive(const Buffers& buffers, Site site = Site::current()) {
    this->touch(site);
    return read(Base::receive(buffers));
  }
  template <class Buffers>
  std::size_t receive(const Buffers& buffers, message_flags flags, Site site = Site::current()) {
    this->touch(site);
    return read(Base::receive(buffers, flags));
  }
  template <class Buffers>
  std::size_t receive(const Buffers& buffers, message_flags flags, asio::error_code& code,
                      Site site = Site::current()) {
    this->touch(site);
    return read(Base::receive(buffers, flags, code));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<Executor>>
    requires(!std::convertible_to<Token, message_flags>)
  decltype(auto) async_receive(const Buffers& buffers, Token&& token = Token(), Site site = Site::current()) {
    this->touch(site);
    return Base::async_receive(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<Executor>>
  decltype(auto) async_receive(const Buffers& buffers, message_flags flags, Token&& token = Token(),
                               Site site = Site::current()) {
    this->touch(site);
    return Base::async_receive(buffers, flags, std::forward<Token>(token));
  }

  template <class Buffers>
  std::size_t send(const Buffers& buffers, Site site = Site::current()) {
    this->touch(site);
    return written(Base::send(buffers));
  }
  template <class Buffers>
  std::size_t send(const Buffers& buffers, message_flags flags, Site site = Site::current()) {
    this->touch(site);
    return written(Base::send(buffers, flags));
  }
  template <class Buffers>
  std::size_t send(const Buffers& buffers, message_flags flags, asio::error_code& code, Site site = Site::current()) {
    this->touch(site);
    return written(Base::send(buffers, flags, code));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<Executor>>
    requires(!std::convertible_to<Token, message_flags>)
  decltype(auto) async_send(const Buffers& buffers, Token&& token = Token(), Site site = Site::current()) {
    this->touch(site);
    return Base::async_send(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<Executor>>
  decltype(auto) async_send(const Buffers& buffers, message_flags flags, Token&& token = Token(),
                            Site site = Site::current()) {
    this->touch(site);
    return Base::async_send(buffers, flags, std::forward<Token>(token));
  }

 private:
  template <class OtherProtocol, class OtherExecutor>
  friend class BasicTrackedSocket;
  template <class OtherProtocol, class OtherExecutor>
  friend class BasicTrackedAcceptor;

  /// A connection that was accepted.
  BasicTrackedSocket(const detail::AcceptPlace& place, Base&& accepted)
      : Handle(detail::SocketTag(place, accepted.native_handle()), std::move(accepted)) {}

  std::size_t read(std::size_t size) noexcept {
    this->tag().add_bytes_in(size);
    return size;
  }
  std::size_t written(std::size_t size) noexcept {
    this->tag().add_bytes_out(size);
    return size;
  }
};

/// What `asio::ip::tcp::socket` is, with a tag.
using TrackedSocket = BasicTrackedSocket<asio::ip::tcp>;

/// Takes in a socket of Asio that is connected: as one that was made here, and with its addresses at once. Throws
/// `std::bad_alloc`.
template <class Protocol, class Executor>
[[nodiscard]] BasicTrackedSocket<Protocol, Executor> track(Call call,
                                                           asio::basic_stream_socket<Protocol, Executor>&& socket) {
  return BasicTrackedSocket<Protocol, Executor>(call, std::move(socket));
}

}  // namespace LEASH_NAMESPACE::net
