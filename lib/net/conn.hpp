#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/peer_credentials.hpp>
#include <leash/result.hpp>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// Which operations of a connection a deadline is for.
enum class Direction : unsigned char { read, write, both };

/// A connection: a stream of bytes each way. The destructor closes it.
///
/// It may outlive the Dialer or Listener, the Context and the tracker it came from. Thread-safe: one thread may read
/// while another writes; a read waits for another read to end, and a write for another write. `close`, `reset` and
/// `release` may be called at any time: operations that are waiting then fail, and so does every later operation, with
/// `bad_file_descriptor`.
///
/// The subject of an Error is the addresses of both ends, the local one first:
///
///     read 127.0.0.1:51002 -> 127.0.0.1:8080: Connection reset by peer
class Conn {
 public:
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;
  virtual ~Conn();

  /// Waits for data, and reads up to `buffer.size()` bytes. Returns the number of bytes read; 0 only at the end of the
  /// stream or for an empty buffer. Errors: `timed_out` when the read deadline has passed; and when the network has
  /// ended the connection, for good: `connection_reset`, `timed_out` for a peer that answers no more, and others of
  /// recv(2).
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> buffer,
                                         std::source_location site = std::source_location::current());

  /// Writes all of `data`, and waits where the peer does not read fast enough. Never raises SIGPIPE.
  /// Errors: `timed_out` when the write deadline has passed, `broken_pipe` when the peer has closed the connection or
  /// after `close_write`, `connection_reset`. `Error::transferred` is how many bytes were written, and the detail says
  /// it too: "512 of 4096 bytes written".
  [[nodiscard]] Result<void> write(std::span<const std::byte> data,
                                   std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> write(std::string_view data, std::source_location site = std::source_location::current());

  /// As `read`, into several buffers, of which it fills one after the other (readv(2)). An implementation may fill only
  /// the first that is not empty.
  [[nodiscard]] Result<std::size_t> readv(std::span<const std::span<std::byte>> buffers,
                                          std::source_location site = std::source_location::current());

  /// As `write`, of several pieces, one after the other (writev(2)); over TCP in one call of the system.
  [[nodiscard]] Result<void> writev(std::span<const std::span<const std::byte>> data,
                                    std::source_location site = std::source_location::current());

  /// Ends the stream to the peer, which reads what was written before and then the end of the stream. This end may
  /// still read.
  [[nodiscard]] Result<void> close_write(std::source_location site = std::source_location::current());

  /// Closes the connection. What was written before is still delivered; but where there is data that was not read, the
  /// peer's operations fail with `connection_reset`, as in TCP.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// Closes the connection and discards what was not delivered yet. The peer's operations fail with `connection_reset`.
  /// Over "unix", where the system has no reset, this is `close`.
  [[nodiscard]] Result<void> reset(std::source_location site = std::source_location::current());

  /// Sets the time at which reads and writes, those that are waiting included, begin to fail with `timed_out`. A new
  /// deadline, or none (`std::nullopt`), replaces it, and the connection works again. The time is one of the clock of
  /// the Context that was passed to `dial` or `accept`.
  [[nodiscard]] Result<void> set_deadline(std::optional<Clock::time_point> deadline,
                                          std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> set_read_deadline(std::optional<Clock::time_point> deadline,
                                               std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> set_write_deadline(std::optional<Clock::time_point> deadline,
                                                std::source_location site = std::source_location::current());

  /// Says what the connection is being used for, such as `GET /index`: a tracked connection that is found to be open
  /// tells it. Replaces what an earlier call has said. Others do nothing.
  void note(std::string_view text, std::source_location site = std::source_location::current());

  /// The addresses of the two ends; also after the connection is closed.
  [[nodiscard]] Address local_address() const;
  [[nodiscard]] Address remote_address() const;

  /// Who is at the other end of a connection of the network "unix", by the word of the kernel (SO_PEERCRED, unix(7)):
  /// of one that was accepted, the process that dialled, as it was then; of one that was dialled, the process that
  /// listens, as it was when it began to. That process may have ended since, and another one may have its number by
  /// now. The peer of a connection in memory is this process. Errors: `operation_not_supported` if it is no connection
  /// of "unix", or an implementation does not know.
  [[nodiscard]] Result<PeerCredentials> peer_credentials() const;

  /// The descriptor of the connection, which still owns it; -1 if the connection has none or is closed.
  [[nodiscard]] int native_handle() const noexcept;

  /// Ends the Conn without closing its descriptor, and returns the descriptor, which is now the caller's to close. It
  /// is in non-blocking mode. Errors: `operation_not_supported` if the connection has none; it then stays open.
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current());

 protected:
  Conn() = default;

  virtual Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) = 0;
  virtual Result<void> do_write(std::span<const std::byte> data, std::source_location site) = 0;
  /// The default reads into the first buffer that is not empty.
  virtual Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site);
  /// The default writes one piece after the other; another writer's may come between. Its Error counts the pieces
  /// before the one that failed, and of that as many bytes as `Error::transferred` tells.
  virtual Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site);
  virtual Result<void> do_close_write(std::source_location site) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual Result<void> do_reset(std::source_location site) = 0;
  virtual Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                       std::source_location site) = 0;
  virtual void do_note(std::string_view text, std::source_location site);
  virtual Address do_local_address() const = 0;
  virtual Address do_remote_address() const = 0;
  /// The default knows of none.
  virtual Result<PeerCredentials> do_peer_credentials() const;
  virtual int do_native_handle() const noexcept = 0;
  virtual Result<int> do_release(std::source_location site) = 0;

 private:
  friend class ProxyConn;
};

}  // namespace LEASH_NAMESPACE::net
