#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/deadline.hpp>
#include <leash/net/detail/shared_descriptor.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/os/turn.hpp>
#include <leash/os/waker.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net::detail {

/// A TCP connection over a non-blocking socket. An operation that would block waits in poll(2); there is no event loop.
class TcpConn final : public Conn {
 public:
  TcpConn(os::Descriptor socket, Address local, Address remote, const std::shared_ptr<Clock>& clock);
  ~TcpConn() override;

 private:
  /// What the operations of one direction (reads, or writes) need.
  struct Half {
    explicit Half(const std::shared_ptr<Clock>& clock) : deadline(clock, [this] { waker.wake(); }) {}

    os::Turn turn;  ///< Held by the one operation of this direction that is under way.
    os::Waker waker;
    Deadline deadline;
  };

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<void> do_close_write(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  Result<void> do_reset(std::source_location site) override;
  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location site) override;
  Address do_local_address() const override;
  Address do_remote_address() const override;
  int do_native_handle() const noexcept override;
  Result<int> do_release(std::source_location site) override;

  std::unexpected<Error> failure(std::string_view operation, std::error_code code, std::string_view detail = {}) const;
  std::error_code stopped(const Half& half) const noexcept;
  std::error_code wait(Half& half, short events);
  void note_reset(std::error_code code) noexcept;
  std::optional<int> retire();

  const Address local_;
  const Address remote_;
  SharedDescriptor descriptor_;
  Half reading_;
  Half writing_;
  // Whether an operation has failed with `connection_reset`. The kernel reports that once, and then an orderly end; a
  // Conn goes on reporting the reset.
  std::atomic<bool> reset_{false};
};

/// The Conn for a socket that was just connected or accepted.
[[nodiscard]] Result<std::unique_ptr<Conn>> make_tcp_conn(std::string_view operation, std::string_view subject,
                                                          os::Descriptor socket, const SocketAddress& remote,
                                                          const SocketOptions& options,
                                                          const std::shared_ptr<Clock>& clock);

}  // namespace LEASH_NAMESPACE::net::detail
