#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/async_result.hpp>
#include <asio/error_code.hpp>
#include <concepts>
#include <cstddef>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/socket_tag.hpp>
#include <leash/net/kinds.hpp>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// Any stream of Asio's requirements with a tag: a serial port, a pipe, a TLS stream, one of the program's own. For
/// sockets there is TrackedSocket.
///
///     leash::net::TrackedStream<asio::serial_port> port(ctx, "the scales", loop, "/dev/ttyS0");
///
/// `NextLayer` is the type of the stream, or a reference to one that lives elsewhere. Reads and writes go to it, and
/// note the last use; synchronous ones count bytes. What else it can do, it does by `next_layer()`. If its lowest layer
/// has a descriptor, reports show that, and a closing that goes past this is noticed as a TrackedSocket notices it.
/// A stream that was closed is not tracked again if it is opened again.
///
/// Findings and threads: as with a TrackedSocket. Where tracking is compiled out, it is as large as the stream.
template <class NextLayer>
class TrackedStream : detail::SocketTag {
  using Site = std::source_location;

 public:
  using next_layer_type = std::remove_reference_t<NextLayer>;
  using lowest_layer_type = typename next_layer_type::lowest_layer_type;
  using executor_type = typename next_layer_type::executor_type;

  /// Makes the stream of `arguments`, which reports call `name`. Throws what that does, and `std::bad_alloc`.
  template <class... Arguments>
    requires std::constructible_from<NextLayer, Arguments...>
  explicit TrackedStream(Call call, std::string_view name, Arguments&&... arguments)
      : SocketTag(call, kinds::stream, name), next_layer_(std::forward<Arguments>(arguments)...) {
    look();
  }

  TrackedStream(TrackedStream&& other) noexcept(std::is_nothrow_move_constructible_v<NextLayer>)
      : SocketTag(std::move(other)), next_layer_(std::forward<NextLayer>(other.next_layer_)) {
    look();
  }
  TrackedStream& operator=(TrackedStream&& other) noexcept(std::is_nothrow_move_assignable_v<NextLayer>)
    requires(!std::is_reference_v<NextLayer>)
  {
    if (this == &other) return *this;
    end();
    next_layer_ = std::move(other.next_layer_);
    static_cast<SocketTag&>(*this) = std::move(static_cast<SocketTag&>(other));
    look();
    return *this;
  }
  ~TrackedStream() { end(); }

  // What a call without a Context is told.
  template <class... Arguments>
  explicit TrackedStream(NoContext, Arguments&&...);

  executor_type get_executor() noexcept { return next_layer_.get_executor(); }
  next_layer_type& next_layer() noexcept { return next_layer_; }
  const next_layer_type& next_layer() const noexcept { return next_layer_; }
  lowest_layer_type& lowest_layer() { return next_layer_.lowest_layer(); }
  const lowest_layer_type& lowest_layer() const { return next_layer_.lowest_layer(); }

  /// Closes the lowest layer. Throws what that throws; it counts as closed in any case.
  void close(Site site = Site::current()) {
    const Closes closes(*this, site);
    lowest_layer().close();
  }
  void close(asio::error_code& code, Site site = Site::current()) {
    const Closes closes(*this, site);
    lowest_layer().close(code);
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, Site site = Site::current()) {
    touch(site);
    return read(next_layer_.read_some(buffers));
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, asio::error_code& code, Site site = Site::current()) {
    touch(site);
    return read(next_layer_.read_some(buffers, code));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  decltype(auto) async_read_some(const Buffers& buffers, Token&& token = Token(), Site site = Site::current()) {
    touch(site);
    return next_layer_.async_read_some(buffers, std::forward<Token>(token));
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, Site site = Site::current()) {
    touch(site);
    return written(next_layer_.write_some(buffers));
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, asio::error_code& code, Site site = Site::current()) {
    touch(site);
    return written(next_layer_.write_some(buffers, code));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  decltype(auto) async_write_some(const Buffers& buffers, Token&& token = Token(), Site site = Site::current()) {
    touch(site);
    return next_layer_.async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  static constexpr bool has_descriptor = requires(lowest_layer_type& layer) {
    { layer.native_handle() } -> std::convertible_to<int>;
    layer.is_open();
  };

  class Closes {
   public:
    Closes(TrackedStream& stream, Site site) noexcept : stream_(stream), site_(site) {}
    Closes(const Closes&) = delete;
    Closes& operator=(const Closes&) = delete;
    ~Closes() { stream_.closed(site_); }

   private:
    TrackedStream& stream_;
    Site site_;
  };

  /// That of the lowest layer; -1 if it is not open, or has none.
  int descriptor() {
    if constexpr (has_descriptor) {
      return lowest_layer().is_open() ? static_cast<int>(lowest_layer().native_handle()) : -1;
    } else {
      return -1;
    }
  }
  void touch(Site site) {
    if constexpr (tracking_enabled) this->use(descriptor(), site);
  }
  void look() {
    if constexpr (tracking_enabled) SocketTag::look(descriptor());
  }
  void end() {
    if constexpr (tracking_enabled && has_descriptor) SocketTag::end(descriptor());
  }

  std::size_t read(std::size_t size) noexcept {
    this->add_bytes_in(size);
    return size;
  }
  std::size_t written(std::size_t size) noexcept {
    this->add_bytes_out(size);
    return size;
  }

  NextLayer next_layer_;
};

}  // namespace LEASH_NAMESPACE::net
