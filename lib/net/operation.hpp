#pragma once

#include <cstdint>
#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <optional>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// The operations of Dialer and Binder, and those of their handles: Listener and Conn.
enum class OperationKind : unsigned char {
  dial,
  bind,
  listener_accept,
  listener_close,
  listener_release,
  conn_read,
  conn_write,
  conn_readv,
  conn_writev,
  conn_close_write,
  conn_close,
  conn_reset,
  conn_set_deadline,
  conn_note,
  conn_release,
};

/// How many values OperationKind has.
inline constexpr std::size_t operation_kinds = static_cast<std::size_t>(OperationKind::conn_release) + 1;

/// The kind as code writes it: `dial`, `Conn::read`, `Listener::accept`.
std::string_view to_string(OperationKind kind) noexcept;

/// One call of an operation of a network or of one of its handles, as `NetworkHook::around` sees it. Valid during that
/// call; for `AsyncNetworkHook::around_async` until its `done` was called.
struct Operation {
  const OperationKind kind;

  /// What `dial` and `bind` were called with; else empty. A hook may set them to others, which are used by each `next`
  /// from then on and must live as long as that.
  std::string_view network = {};
  std::string_view address = {};

  // Setting one of these five has no effect.

  /// This end: of a connection, and of a listener; of `dial` and `bind` once that has succeeded. Else null.
  const Address* local = nullptr;
  /// The other end: of a connection; of `dial` and `accept` once that has succeeded. Else null.
  const Address* remote = nullptr;
  Direction direction = Direction::both;                     ///< Of `Conn::set_deadline`.
  std::optional<Clock::time_point> deadline = std::nullopt;  ///< Of `Conn::set_deadline`.
  std::string_view note = {};                                ///< The text of `Conn::note`.

  /// How many bytes to read or write. A hook may make it smaller. A read then reads only so much. A write is then
  /// several operations, since it writes all of its data: `around` is called again for the rest, until all is written.
  /// A write of less than one byte writes one.
  std::uint64_t size = 0;

  /// How many bytes the last `next` has read or written; of one that failed as many as its Error tells
  /// (`Error::transferred`).
  std::uint64_t transferred = 0;

  /// Of `dial`, `bind` and `accept`: whether the operations of the handle pass through `around` too. Where a hook sets
  /// it to false, the caller gets the handle of the inner network itself.
  bool hooks_handle = true;

  /// Of the call of `dial`, `bind` and `accept`. Else that which the handle was opened with, without its deadline and
  /// cancellation, which have no effect on a handle.
  const Context& context;

  std::source_location site;  ///< Of the call.

  /// An Error of this operation, which names it as those of the networks do: `read 127.0.0.1:51002 -> 127.0.0.1:80: …`,
  /// and tells what is `transferred` by now.
  std::unexpected<Error> fail(std::error_code code, std::string_view detail = {}) const;
  std::unexpected<Error> fail(std::errc code, std::string_view detail = {}) const;
};

}  // namespace LEASH_NAMESPACE::net
