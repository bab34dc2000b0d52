#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/basic_socket_acceptor.hpp>
#include <asio/execution/executor.hpp>
#include <asio/execution_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/is_executor.hpp>
#include <asio/socket_base.hpp>
#include <concepts>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/accepted_handler.hpp>
#include <leash/net/detail/tracked_handle.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/tracked_socket.hpp>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::net {

namespace detail {

template <class T>
inline constexpr bool is_executor =
    asio::execution::is_executor<std::remove_cvref_t<T>>::value || asio::is_executor<std::remove_cvref_t<T>>::value;

/// What stands before the error or the token in an accept.
template <class T, class Endpoint>
concept AcceptArgument = std::derived_from<std::remove_cvref_t<T>, asio::socket_base> ||
                         std::derived_from<std::remove_cvref_t<T>, asio::execution_context> ||
                         std::same_as<std::remove_cvref_t<T>, Endpoint> || is_executor<T>;

}  // namespace detail

/// An acceptor of Asio with a tag, as a TrackedSocket is a socket with one:
///
///     using Acceptor = leash::net::TrackedAcceptor;  // was: asio::ip::tcp::acceptor
///     Acceptor acceptor(ctx, loop, endpoint);        // was: Acceptor acceptor(loop, endpoint);
///
/// An accept takes the arguments of Asio's, and after these the site. Where Asio's returns a socket or gives it to the
/// handler, this one makes it a tracked one, by the Context of the acceptor and with the line and the stack of the
/// accept. A tracked socket that is passed to an accept, to be opened by it, gets a new tag with the line of the
/// accept, by the Context that it was made with; other sockets are accepted untracked.
template <class Protocol, class Executor = asio::any_io_executor>
class BasicTrackedAcceptor : public detail::TrackedHandle<asio::basic_socket_acceptor<Protocol, Executor>> {
  using Handle = detail::TrackedHandle<asio::basic_socket_acceptor<Protocol, Executor>>;
  using typename Handle::Site;

 public:
  /// Asio's acceptor.
  using Base = asio::basic_socket_acceptor<Protocol, Executor>;
  using typename Base::endpoint_type;
  using typename Base::executor_type;
  template <class OtherExecutor>
  struct rebind_executor {
    using other = BasicTrackedAcceptor<Protocol, OtherExecutor>;
  };

  /// What Asio's constructors make of `arguments`, one of Asio's acceptors among them. Throws what they do, and
  /// `std::bad_alloc`.
  template <class... Arguments>
    requires(sizeof...(Arguments) > 0 && std::constructible_from<Base, Arguments...>)
  explicit BasicTrackedAcceptor(Call call, Arguments&&... arguments)
      : Handle(detail::SocketTag(call, kinds::listener), std::forward<Arguments>(arguments)...) {}

  /// Takes an acceptor of another protocol or executor, and its tag.
  template <class OtherProtocol, class OtherExecutor>
    requires std::constructible_from<Base, asio::basic_socket_acceptor<OtherProtocol, OtherExecutor>>
  // NOLINTNEXTLINE(google-explicit-constructor): as Asio's
  BasicTrackedAcceptor(BasicTrackedAcceptor<OtherProtocol, OtherExecutor>&& other)
      : Handle(std::move(other.tag()), std::move(other.base())) {}

  // What a call without a Context is told.
  template <class... Arguments>
  explicit BasicTrackedAcceptor(NoContext, Arguments&&...);

  /// Takes an acceptor of Asio, as one that was made where this was.
  BasicTrackedAcceptor& operator=(Base&& other) {
    this->base() = std::move(other);
    this->tag().expect_again();
    Handle::look();
    return *this;
  }

  void listen(int backlog = asio::socket_base::max_listen_connections, Site site = Site::current()) {
    const typename Handle::Opens opens(*this, site);
    Base::listen(backlog);
  }
  auto listen(int backlog, asio::error_code& code, Site site = Site::current()) {
    const typename Handle::Opens opens(*this, site);
    return Base::listen(backlog, code);
  }

  auto accept(Site site = Site::current()) { return accept_at(site); }
  template <class A>
    requires(!std::same_as<std::remove_cvref_t<A>, std::source_location>)
  auto accept(A&& a, Site site = Site::current()) {
    return accept_at(site, std::forward<A>(a));
  }
  template <class A, class B>
    requires(!std::same_as<std::remove_cvref_t<B>, std::source_location>)
  auto accept(A&& a, B&& b, Site site = Site::current()) {
    return accept_at(site, std::forward<A>(a), std::forward<B>(b));
  }
  template <class A, class B, class C>
    requires(!std::same_as<std::remove_cvref_t<C>, std::source_location>)
  auto accept(A&& a, B&& b, C&& c, Site site = Site::current()) {
    return accept_at(site, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }

  template <class Token = asio::default_completion_token_t<Executor>>
    requires(!detail::AcceptArgument<Token, endpoint_type>)
  decltype(auto) async_accept(Token&& token = Token(), Site site = Site::current()) {
    return async_accept_at(site, std::forward<Token>(token));
  }
  template <class A, class Token = asio::default_completion_token_t<Executor>>
    requires(detail::AcceptArgument<A, endpoint_type> && !detail::AcceptArgument<Token, endpoint_type>)
  decltype(auto) async_accept(A&& a, Token&& token = Token(), Site site = Site::current()) {
    return async_accept_at(site, std::forward<Token>(token), std::forward<A>(a));
  }
  template <class A, class B, class Token = asio::default_completion_token_t<Executor>>
    requires(detail::AcceptArgument<A, endpoint_type> && detail::AcceptArgument<B, endpoint_type>)
  decltype(auto) async_accept(A&& a, B&& b, Token&& token = Token(), Site site = Site::current()) {
    return async_accept_at(site, std::forward<Token>(token), std::forward<A>(a), std::forward<B>(b));
  }

 private:
  template <class OtherProtocol, class OtherExecutor>
  friend class BasicTrackedAcceptor;

  /// The socket that Asio makes of a connection, with a tag.
  template <class OtherExecutor>
  static BasicTrackedSocket<Protocol, OtherExecutor> tracked(
      const detail::AcceptPlace& place, asio::basic_stream_socket<Protocol, OtherExecutor>&& accepted) {
    return {place, std::move(accepted)};
  }

  /// The parameter that an asynchronous accept, which may start later, keeps of an argument: a copy of an executor,
  /// else a reference.
  template <class T>
  using Kept = std::conditional_t<detail::is_executor<T>, std::remove_cvref_t<T>, T&>;

  /// Tells a tracked socket that it is to be accepted at `site`; other things are told nothing.
  template <class OtherProtocol, class OtherExecutor>
  static void expect(BasicTrackedSocket<OtherProtocol, OtherExecutor>& peer, Site site) noexcept {
    if (!peer.is_open()) peer.tag().expect(site);
  }
  template <class T>
  static void expect(T&, Site) noexcept {}

  /// Lets a tracked socket see that it was accepted.
  template <class OtherProtocol, class OtherExecutor>
  static void look(BasicTrackedSocket<OtherProtocol, OtherExecutor>& peer) noexcept {
    peer.look();
  }
  template <class T>
  static void look(T&) noexcept {}

  template <class... Arguments>
  static constexpr bool into_socket = (std::derived_from<std::remove_cvref_t<Arguments>, asio::socket_base> || ...);

  template <class... Arguments>
  auto accept_at(Site site, Arguments&&... arguments) {
    this->touch(site);
    if constexpr (into_socket<Arguments...>) {
      (expect(arguments, site), ...);
      Base::accept(arguments...);
      (look(arguments), ...);
    } else {
      const detail::AcceptPlace place = this->tag().accept_place(site);
      return tracked(place, Base::accept(std::forward<Arguments>(arguments)...));
    }
  }

  template <class Token, class... Arguments>
  decltype(auto) async_accept_at(Site site, Token&& token, Arguments&&... arguments) {
    this->touch(site);
    if constexpr (into_socket<Arguments...>) {
      (expect(arguments, site), ...);
      return Base::async_accept(std::forward<Arguments>(arguments)..., std::forward<Token>(token));
    } else {
      using Accepted = decltype(this->accept_at(site, std::forward<Arguments>(arguments)...));
      return asio::async_initiate<Token, void(asio::error_code, Accepted)>(
          Initiation<Accepted>(*this), token, this->tag().accept_place(site),
          std::tuple<Kept<Arguments>...>(arguments...));
    }
  }

  /// Starts an accept that gives the handler an `Accepted`.
  template <class Accepted>
  class Initiation {
   public:
    using executor_type = Executor;

    explicit Initiation(BasicTrackedAcceptor& acceptor) noexcept : acceptor_(&acceptor) {}

    executor_type get_executor() const noexcept { return acceptor_->get_executor(); }

    template <class Handler, class Arguments>
    void operator()(Handler&& handler, detail::AcceptPlace place, Arguments arguments) const {
      std::apply(
          [&](auto&... each) {
            acceptor_->Base::async_accept(each..., detail::AcceptedHandler<std::decay_t<Handler>, Make>(
                                                       std::forward<Handler>(handler), std::move(place), Make()));
          },
          arguments);
    }

   private:
    struct Make {
      template <class Socket>
      auto operator()(const detail::AcceptPlace& place, Socket&& accepted) const {
        return tracked(place, std::move(accepted));
      }
    };

    BasicTrackedAcceptor* acceptor_;
  };
};

/// What `asio::ip::tcp::acceptor` is, with a tag.
using TrackedAcceptor = BasicTrackedAcceptor<asio::ip::tcp>;

}  // namespace LEASH_NAMESPACE::net
