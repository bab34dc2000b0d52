#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error_code.hpp>
#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/handler.hpp>
#include <leash/net/peer_credentials.hpp>
#include <leash/result.hpp>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// What an asynchronous network provides for a connection: what is behind a `Stream`, whose members call these with
/// every parameter. Programs use the Stream.
///
/// An implementation never calls a handler in the call that it was passed to, calls it once, on its associated executor
/// (`executor()` if it has none), or destroys it, uncalled, with the execution context. Buffers are never empty lists,
/// and not all of size 0; what they refer to is there until the handler is called. The destructor closes the
/// connection: operations under way end with `asio::error::operation_aborted`.
class AsyncConn {
 public:
  using ReadBuffers = std::span<const asio::mutable_buffer>;
  using WriteBuffers = std::span<const asio::const_buffer>;
  using TransferHandler = Handler<void(asio::error_code, std::size_t)>;

  AsyncConn(const AsyncConn&) = delete;
  AsyncConn& operator=(const AsyncConn&) = delete;
  virtual ~AsyncConn() = default;

 protected:
  AsyncConn() = default;

  virtual asio::any_io_executor do_executor() const = 0;

  /// Reads what there is, one byte at least. `asio::error::eof` at the end of the stream.
  virtual void do_async_read(ReadBuffers buffers, TransferHandler handler, std::source_location site) = 0;
  /// Writes as much as there is room for, one byte at least.
  virtual void do_async_write(WriteBuffers buffers, TransferHandler handler, std::source_location site) = 0;

  // As these, but they block.
  virtual std::size_t do_read(ReadBuffers buffers, asio::error_code& code, std::source_location site) = 0;
  virtual std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location site) = 0;

  virtual void do_cancel(std::source_location site) = 0;
  virtual Result<void> do_shutdown_write(std::source_location site) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual Result<void> do_reset(std::source_location site) = 0;
  virtual Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                       std::source_location site) = 0;
  virtual void do_note(std::string_view text, std::source_location site) = 0;
  virtual bool do_is_open() const = 0;
  virtual Address do_local_address() const = 0;
  virtual Address do_remote_address() const = 0;
  virtual Result<PeerCredentials> do_peer_credentials() const = 0;
  virtual int do_native_handle() const noexcept = 0;
  virtual Result<int> do_release(std::source_location site) = 0;

 private:
  friend class Stream;
  friend class ProxyAsyncConn;
};

}  // namespace LEASH_NAMESPACE::net
