#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/async_result.hpp>
#include <asio/error.hpp>
#include <asio/system_error.hpp>
#include <asio/system_executor.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/detail/completion.hpp>
#include <leash/net/detail/flat_buffers.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// An asynchronous connection: a stream of bytes each way, over whatever network it was dialled or accepted. What a
/// Conn is to threads, it is to handlers and coroutines. Meets Asio's requirements AsyncReadStream, AsyncWriteStream,
/// SyncReadStream and SyncWriteStream, and those of the next layer of `asio::ssl::stream`:
///
///     co_await asio::async_write(stream, asio::buffer("ping\n"), asio::use_awaitable);
///     co_await asio::async_read_until(stream, asio::dynamic_buffer(line), '\n', asio::use_awaitable);
///
/// Move-only. The destructor closes it; operations under way then end with `asio::error::operation_aborted`. One that
/// was default-constructed, moved from or closed fails with `asio::error::bad_descriptor`. It may outlive the
/// AsyncDialer or AsyncListener, the Context and the tracker that it came from; where it outlives its execution
/// context, it must only be closed or destroyed.
///
/// One read and one write may be under way at once; another one ends with `asio::error::in_progress`. `close`, `reset`,
/// `cancel`, the deadlines and `note` may be called by any thread; else, as with the sockets of Asio, one thread at a
/// time uses it.
class Stream {
 public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = Stream;

  /// No connection. Its handlers are called on their associated executor, else on that of the system.
  Stream() noexcept = default;

  /// The connection `conn`, which is not null: for implementations.
  explicit Stream(std::unique_ptr<AsyncConn> conn) : executor_(conn->do_executor()), conn_(std::move(conn)) {}

  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() = default;

  /// The executor of handlers that have no other.
  executor_type get_executor() const noexcept { return executor_; }
  Stream& lowest_layer() noexcept { return *this; }
  const Stream& lowest_layer() const noexcept { return *this; }

  /// Whether it is a connection that was not closed here. Whether the peer has closed it, a read tells.
  bool is_open() const { return conn_ != nullptr && conn_->do_is_open(); }

  /// Reads some bytes into `buffers` (asio::async_read fills them), and completes with `void(asio::error_code,
  /// std::size_t)`: how many. Errors: `asio::error::eof` at the end of the stream, `timed_out` when the read deadline
  /// has passed, `operation_aborted` when the operation was cancelled or the stream closed, `connection_reset`, and
  /// those of the class. What has ended the connection, each later read tells again. Can be cancelled by all types of
  /// cancellation.
  template <class MutableBufferSequence, class CompletionToken>
  auto async_read_some(const MutableBufferSequence& buffers, CompletionToken&& token,
                       std::source_location site = std::source_location::current()) {
    return initiate<AsyncConn::ReadBuffers, asio::mutable_buffer>(&AsyncConn::do_async_read, buffers, token, site);
  }

  /// Writes some bytes of `buffers` (asio::async_write writes them all); else as `async_read_some`. Errors too:
  /// `broken_pipe` when the peer has closed the connection, or after `shutdown_write`.
  template <class ConstBufferSequence, class CompletionToken>
  auto async_write_some(const ConstBufferSequence& buffers, CompletionToken&& token,
                        std::source_location site = std::source_location::current()) {
    return initiate<AsyncConn::WriteBuffers, asio::const_buffer>(&AsyncConn::do_async_write, buffers, token, site);
  }

  // As the asynchronous ones, but they block the thread. Without a code they throw `asio::system_error`.

  template <class MutableBufferSequence>
  std::size_t read_some(const MutableBufferSequence& buffers, asio::error_code& code,
                        std::source_location site = std::source_location::current()) {
    return transfer_now<asio::mutable_buffer>(&AsyncConn::do_read, buffers, code, site);
  }
  template <class MutableBufferSequence>
  std::size_t read_some(const MutableBufferSequence& buffers,
                        std::source_location site = std::source_location::current()) {
    asio::error_code code;
    const std::size_t count = read_some(buffers, code, site);
    if (code) throw asio::system_error(code, "read_some");
    return count;
  }
  template <class ConstBufferSequence>
  std::size_t write_some(const ConstBufferSequence& buffers, asio::error_code& code,
                         std::source_location site = std::source_location::current()) {
    return transfer_now<asio::const_buffer>(&AsyncConn::do_write, buffers, code, site);
  }
  template <class ConstBufferSequence>
  std::size_t write_some(const ConstBufferSequence& buffers,
                         std::source_location site = std::source_location::current()) {
    asio::error_code code;
    const std::size_t count = write_some(buffers, code, site);
    if (code) throw asio::system_error(code, "write_some");
    return count;
  }

  /// Operations under way end with `asio::error::operation_aborted`. The stream stays open.
  void cancel(std::source_location site = std::source_location::current()) {
    if (conn_) conn_->do_cancel(site);
  }

  // As the members of Conn of these names (`shutdown_write` is `close_write`); the subject of an Error is the addresses
  // of both ends.

  Result<void> shutdown_write(std::source_location site = std::source_location::current()) {
    return conn_ ? conn_->do_shutdown_write(site) : none("shutdown_write");
  }

  /// Operations under way end with `asio::error::operation_aborted`.
  Result<void> close(std::source_location site = std::source_location::current()) {
    return conn_ ? conn_->do_close(site) : none("close");
  }
  Result<void> reset(std::source_location site = std::source_location::current()) {
    return conn_ ? conn_->do_reset(site) : none("reset");
  }

  /// The time is one of the clock of the Context that the connection was dialled or accepted with. Also operations that
  /// are under way end with `asio::error::timed_out` when it has come.
  Result<void> set_deadline(std::optional<Clock::time_point> deadline,
                            std::source_location site = std::source_location::current()) {
    return set_deadline(Direction::both, deadline, site);
  }
  Result<void> set_read_deadline(std::optional<Clock::time_point> deadline,
                                 std::source_location site = std::source_location::current()) {
    return set_deadline(Direction::read, deadline, site);
  }
  Result<void> set_write_deadline(std::optional<Clock::time_point> deadline,
                                  std::source_location site = std::source_location::current()) {
    return set_deadline(Direction::write, deadline, site);
  }

  void note(std::string_view text, std::source_location site = std::source_location::current()) {
    if (conn_) conn_->do_note(text, site);
  }

  /// Those of no connection are empty.
  [[nodiscard]] Address local_address() const { return conn_ ? conn_->do_local_address() : Address(); }
  [[nodiscard]] Address remote_address() const { return conn_ ? conn_->do_remote_address() : Address(); }
  [[nodiscard]] Result<PeerCredentials> peer_credentials() const {
    if (!conn_) return none<PeerCredentials>("peer_credentials");
    return conn_->do_peer_credentials();
  }
  [[nodiscard]] int native_handle() const noexcept { return conn_ ? conn_->do_native_handle() : -1; }
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current()) {
    return conn_ ? conn_->do_release(site) : none<int>("release");
  }

  /// Takes the connection out, which leaves none: for decorators.
  std::unique_ptr<AsyncConn> take() noexcept { return std::move(conn_); }

 private:
  template <class Buffers>
  using AsyncTransfer = void (AsyncConn::*)(Buffers, AsyncConn::TransferHandler, std::source_location);

  /// Begins a read or a write; with a lazy token only when that is started, by then perhaps of a Stream that was moved.
  template <class Buffers, class Buffer>
  struct Initiation {
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return executor; }

    template <class Target, class Sequence>
    void operator()(Target&& target, const Sequence& sequence) const {
      AsyncConn::TransferHandler handler(std::forward<Target>(target));
      const detail::FlatBuffers<Buffer> buffers(sequence);
      if (conn != nullptr && !buffers.empty()) return (conn->*transfer)(buffers.span(), std::move(handler), site);
      asio::error_code code;
      if (conn == nullptr || !conn->do_is_open()) code = asio::error::bad_descriptor;
      const asio::any_io_executor otherwise = executor ? executor : asio::any_io_executor(asio::system_executor());
      detail::post_completion(otherwise, std::move(handler), code, std::size_t{0});
    }

    AsyncConn* conn;
    AsyncTransfer<Buffers> transfer;
    asio::any_io_executor executor;
    std::source_location site;
  };

  template <class Buffers, class Buffer, class Sequence, class CompletionToken>
  auto initiate(AsyncTransfer<Buffers> operation, const Sequence& sequence, CompletionToken& token,
                std::source_location site) {
    return asio::async_initiate<CompletionToken, void(asio::error_code, std::size_t)>(
        Initiation<Buffers, Buffer>{conn_.get(), operation, executor_, site}, token, sequence);
  }

  template <class Buffer, class Sequence>
  std::size_t transfer_now(std::size_t (AsyncConn::*operation)(std::span<const Buffer>, asio::error_code&,
                                                               std::source_location),
                           const Sequence& sequence, asio::error_code& code, std::source_location site) {
    code = {};
    const detail::FlatBuffers<Buffer> buffers(sequence);
    if (conn_ != nullptr && !buffers.empty()) return (conn_.get()->*operation)(buffers.span(), code, site);
    if (!is_open()) code = asio::error::bad_descriptor;
    return 0;
  }

  Result<void> set_deadline(Direction direction, std::optional<Clock::time_point> deadline, std::source_location site) {
    return conn_ ? conn_->do_set_deadline(direction, deadline, site) : none("set_deadline");
  }

  template <class T = void>
  static Result<T> none(std::string_view operation) {
    return fail(operation, "", std::errc::bad_file_descriptor, "no connection");
  }

  asio::any_io_executor executor_;
  std::unique_ptr<AsyncConn> conn_;
};

}  // namespace LEASH_NAMESPACE::net
