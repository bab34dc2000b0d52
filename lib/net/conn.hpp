#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/result.hpp>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// What a deadline is for.
enum class Direction : unsigned char { read, write, both };

/// A connection: a stream of bytes each way. The destructor closes it.
///
/// It may outlive the Dialer or Listener, the Context and the tracker it came from. Every member may be called from any
/// thread, and one thread may read while another writes; of several reads, or several writes, at once one waits for the
/// other. `close`, `reset` and `release` end the operations that wait. After them every operation fails with
/// `bad_file_descriptor`. An Error's subject is both ends, the local one first: `read 127.0.0.1:51002 ->
/// 127.0.0.1:8080: Connection reset by peer`.
class Conn {
 public:
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;
  virtual ~Conn();

  /// Waits for data, and reads up to `buffer.size()` bytes. Returns how many; 0 only at the end of the stream or for an
  /// empty buffer. Errors: `timed_out` when the read deadline is past, `connection_reset`.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> buffer,
                                         std::source_location site = std::source_location::current());

  /// Writes all of `data`, waiting for room where there is none; never raises a signal.
  /// Errors: `timed_out` when the write deadline is past, `broken_pipe` when no one will read it or after
  /// `close_write`, `connection_reset`. The detail tells how much was written: "512 of 4096 bytes written".
  [[nodiscard]] Result<void> write(std::span<const std::byte> data,
                                   std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> write(std::string_view data, std::source_location site = std::source_location::current());

  /// Ends the stream to the peer, who reads what is under way and then the end. Reading goes on.
  [[nodiscard]] Result<void> close_write(std::source_location site = std::source_location::current());

  /// Closes both directions. What was written is still delivered.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// Closes at once and throws away what is under way: the peer's operations fail with `connection_reset`.
  [[nodiscard]] Result<void> reset(std::source_location site = std::source_location::current());

  /// When reads and writes, also those that are waiting, fail with `timed_out`: until a later deadline is set, or none
  /// (`std::nullopt`), after which the connection is as good as before. By the clock of the Context the connection was
  /// made with.
  [[nodiscard]] Result<void> set_deadline(std::optional<Clock::time_point> deadline,
                                          std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> set_read_deadline(std::optional<Clock::time_point> deadline,
                                               std::source_location site = std::source_location::current());
  [[nodiscard]] Result<void> set_write_deadline(std::optional<Clock::time_point> deadline,
                                                std::source_location site = std::source_location::current());

  /// The two ends; also after close.
  [[nodiscard]] Address local_address() const;
  [[nodiscard]] Address remote_address() const;

  /// The descriptor, still owned by the connection, or -1 if there is none or it is closed.
  [[nodiscard]] int native_handle() const noexcept;

  /// Gives up the descriptor, which is now the caller's to close; it is in non-blocking mode.
  /// Errors: `operation_not_supported` where there is none; the connection then stays open.
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current());

 protected:
  Conn() = default;

  virtual Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) = 0;
  virtual Result<void> do_write(std::span<const std::byte> data, std::source_location site) = 0;
  virtual Result<void> do_close_write(std::source_location site) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual Result<void> do_reset(std::source_location site) = 0;
  virtual Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                       std::source_location site) = 0;
  virtual Address do_local_address() const = 0;
  virtual Address do_remote_address() const = 0;
  virtual int do_native_handle() const noexcept = 0;
  virtual Result<int> do_release(std::source_location site) = 0;

 private:
  friend class ProxyConn;
};

}  // namespace LEASH_NAMESPACE::net
