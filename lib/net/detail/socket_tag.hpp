#pragma once

#include <atomic>
#include <cstddef>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/detail/touch.hpp>
#include <leash/net/kinds.hpp>
#include <leash/os/turn.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/request.hpp>
#include <leash/track/tag.hpp>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

#if LEASH_TRACKING

/// What an accept keeps until it has the connection: where that was asked for.
struct AcceptPlace {
  Context context;
  std::source_location site;
  track::Request request;
};

/// The tag of a socket of Asio, or of another stream. Code that knows only the socket (a base class) opens and closes
/// it without telling the tag: each function that is given the socket's `descriptor`, -1 if it is not open, looks what
/// has become of it.
///
/// Once the socket was closed or moved from, the next opening gets a new tag, from the Context that this was made with.
/// Nothing fails: if the tracker is closed, that is the finding `opened-after-end`, and the socket has no tag. Any
/// number of threads may call `use`, `use_if_open`, `opened` and the functions that add bytes at once, since Asio lets
/// them send, receive, connect and shut down at once; the others are for one thread at a time, as closing a socket is.
class SocketTag {
 public:
  /// The tag of a socket that is made by `call`. Throws `std::bad_alloc`.
  SocketTag(Call call, const track::Kind& kind);

  /// That of a stream which is called `name` and is tracked until it is closed, not when it is opened again.
  SocketTag(Call call, const track::Kind& kind, std::string_view name);

  /// That of a connection which was accepted; without a tag yet if it is not open. Throws `std::bad_alloc`.
  SocketTag(const AcceptPlace& place, int descriptor);

  /// Takes the tag. `other` keeps what it needs for a socket that is opened in it later.
  SocketTag(SocketTag&& other) noexcept;
  SocketTag& operator=(SocketTag&& other) noexcept;
  ~SocketTag() = default;

  /// Looks at the socket before it is used at `site`. A closing that went past this counts as done there.
  void use(int descriptor, std::source_location site) noexcept {
    look(descriptor, site, site_);
    touch(tag_, site);
  }

  /// The same before an operation that does nothing to a socket that is not open, and so is no use of it then.
  void use_if_open(int descriptor, std::source_location site) noexcept {
    look(descriptor, site, site_);
    if (descriptor != none) touch(tag_, site);
  }

  /// Only looks.
  void look(int descriptor) noexcept { look(descriptor, {}, site_); }

  /// Looks after an operation at `site` that opens the socket.
  void opened(int descriptor, std::source_location site) noexcept { look(descriptor, site, site); }

  /// The socket is about to be opened by `site`, which is not the place where it was made: an accept.
  void expect(std::source_location site) noexcept;
  /// The same at the place where it was made.
  void expect_again() noexcept { expect(site_); }

  /// The socket was closed at `site`. To close what is closed is no finding, since Asio has nothing against it.
  void closed(std::source_location site) noexcept;

  /// Its descriptor was given to the user at `site`.
  void released(std::source_location site) noexcept;

  /// The socket is about to be destroyed or assigned to: if it is not open, there is nothing that could be dropped.
  void end(int descriptor) noexcept {
    if (descriptor == none) closed({});
  }

  /// A place for a connection that is accepted at `site`, with the Context of this.
  AcceptPlace accept_place(std::source_location site) const noexcept;

  void add_bytes_in(std::size_t bytes) noexcept { tag_.add_bytes_in(bytes); }
  void add_bytes_out(std::size_t bytes) noexcept { tag_.add_bytes_out(bytes); }

 private:
  static constexpr int none = -1;
  static constexpr int nameless = -2;

  void look(int descriptor, std::source_location closed_at, std::source_location opened_at) noexcept {
    if (named_.load(std::memory_order_acquire) != descriptor) look_closely(descriptor, closed_at, opened_at);
  }
  void look_closely(int descriptor, std::source_location closed_at, std::source_location opened_at) noexcept;
  /// Gives the socket a new tag.
  void acquire(std::source_location site, std::string_view name);
  /// Tells the tag what the socket is, as far as its addresses are known.
  void identify(int descriptor);
  /// The tag stands for this socket no more.
  void forget() noexcept;

  track::Tag tag_;
  Context context_;
  std::source_location site_;  ///< Where the socket was made.
  const track::Kind* kind_;
  /// The descriptor that the tag has with its addresses; `none` if the socket was not open; `nameless` if it was, but
  /// had no peer.
  std::atomic<int> named_{none};
  os::Turn looking_;       ///< Held by the thread that looks closely, of those that use the socket at once.
  int descriptor_ = none;  ///< The one that the tag has.
  bool ended_ = false;     ///< The tag was closed, or moved to another socket.
  bool has_name_ = false;  ///< The name is the user's.
};

#else

struct AcceptPlace {};

class SocketTag {
 public:
  SocketTag(Call, const track::Kind&) noexcept {}
  SocketTag(Call, const track::Kind&, std::string_view) noexcept {}
  SocketTag(AcceptPlace, int) noexcept {}
  void use(int, std::source_location) noexcept {}
  void use_if_open(int, std::source_location) noexcept {}
  void look(int) noexcept {}
  void opened(int, std::source_location) noexcept {}
  void expect(std::source_location) noexcept {}
  void expect_again() noexcept {}
  void closed(std::source_location) noexcept {}
  void released(std::source_location) noexcept {}
  void end(int) noexcept {}
  AcceptPlace accept_place(std::source_location) const noexcept { return {}; }
  void add_bytes_in(std::size_t) noexcept {}
  void add_bytes_out(std::size_t) noexcept {}
};

#endif

}  // namespace LEASH_NAMESPACE::net::detail
