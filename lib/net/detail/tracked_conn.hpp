#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/net/proxy.hpp>
#include <leash/track/detail/tagged.hpp>
#include <leash/track/tag.hpp>
#include <memory>
#include <string>

namespace LEASH_NAMESPACE::net::detail {

/// A connection with its tag.
///
/// Any thread may call `reset` to stop a connection that its owner is using. So neither a `reset` after a `close` nor
/// the owner's first `close` after a `reset` counts as a double close.
class TrackedConn final : track::detail::Tagged, public ProxyConn {
 public:
  TrackedConn(std::unique_ptr<Conn> inner, track::Tag tag);

 private:
  template <class Operation>
  auto use(std::source_location site, Operation operation);
  template <class Read>
  Result<std::size_t> read_by(std::source_location site, Read read);
  template <class Write>
  Result<void> write_by(std::source_location site, std::size_t size, Write write);

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override;
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  void do_note(std::string_view text, std::source_location site) override;
  Result<int> do_release(std::source_location site) override;

  /// Whether the connection was closed: not yet, by `close` or `release`, or so far only by `reset`.
  enum class State : unsigned char { open, closed, reset };

  std::atomic<State> state_{State::open};
};

/// The name that the tag of a connection gets: its local and its remote address.
[[nodiscard]] std::string name_of(const Conn& conn);

}  // namespace LEASH_NAMESPACE::net::detail
