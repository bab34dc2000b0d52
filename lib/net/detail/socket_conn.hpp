#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/shared_descriptor.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/os/turn.hpp>
#include <leash/os/waker.hpp>
#include <memory>
#include <string>

namespace LEASH_NAMESPACE::net::detail {

/// A connection over a non-blocking stream socket. An operation that would block waits in poll(2); there is no event
/// loop, and no timer for the machine's clock: poll has a timeout.
class SocketConn : public Conn {
 public:
  /// Takes a socket over, if it was made without one: before anything else is called.
  void take(os::Descriptor socket) noexcept;

 protected:
  /// `socket` may be none.
  SocketConn(os::Descriptor socket, SharedClock clock);

 private:
  using Time = Clock::time_point;
  static constexpr Time no_deadline = Time::max();

  /// What the operations of one direction (reads, or writes) need.
  struct Half {
    os::Turn turn;  ///< Held by the one operation of this direction that is under way.
    os::Waker waker;
    std::atomic<Time> deadline{no_deadline};
    /// One more than the fork generation while the kernel may have told its transfer of an error that is not in
    /// `broken_` yet; 0 otherwise.
    std::atomic<std::uint64_t> transfer{0};
    bool expects_wait = false;  ///< The last wait was a long one. Of the thread that has the turn.
  };

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers, std::source_location site) override;
  Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<void> do_set_deadline(Direction direction, std::optional<Time> deadline, std::source_location site) override;
  Result<PeerCredentials> do_peer_credentials() const override;
  int do_native_handle() const noexcept override;
  Result<int> do_release(std::source_location site) override;

  template <class Receive>
  Result<std::size_t> read_by(bool empty, Receive receive);
  template <class Send>
  Result<void> write_by(std::size_t size, Send send);

  std::unexpected<Error> failure(std::string_view operation, std::error_code code, std::string_view detail = {},
                                 std::uint64_t transferred = 0) const;
  std::error_code stopped(const Half& half) const noexcept;
  std::error_code wait(Half& half, short events);
  std::error_code transfer_error() noexcept;
  template <class Call>
  ssize_t transfer(Half& half, std::error_code& code, Call call);
  std::error_code end_of(const Half& other, std::error_code at_end) const noexcept;
  std::optional<int> retire();

  mutable SharedDescriptor descriptor_;  ///< What only asks makes a Use of it, too.
  const SharedClock clock_;
  const bool is_real_;  ///< Whether that is the machine's.
  Half reading_;
  Half writing_;
  // With what the kernel has ended the connection: a reset, or a peer that answers no more; 0 if it has not. It tells
  // that once, and then an orderly end; a Conn goes on telling the error.
  std::atomic<int> broken_{0};
};

/// A TCP connection.
class TcpConn final : public SocketConn {
 public:
  TcpConn(os::Descriptor socket, const Endpoint& local, const Endpoint& remote, SharedClock clock);

 private:
  Address do_local_address() const override { return address_of(local_); }
  Address do_remote_address() const override { return address_of(remote_); }

  const Endpoint local_;
  const Endpoint remote_;
};

/// A connection of the network "unix".
class UnixConn final : public SocketConn {
 public:
  UnixConn(os::Descriptor socket, std::string local, std::string remote, SharedClock clock);

 private:
  Address do_local_address() const override { return {"unix", local_, 0}; }
  Address do_remote_address() const override { return {"unix", remote_, 0}; }

  const std::string local_;
  const std::string remote_;
};

/// The Conn for a connected socket, with the addresses of both ends. Without a socket it must `take` one.
[[nodiscard]] std::unique_ptr<SocketConn> make_conn(os::Descriptor socket, const SocketAddress& local,
                                                    const SocketAddress& remote, const SharedClock& clock);

}  // namespace LEASH_NAMESPACE::net::detail
