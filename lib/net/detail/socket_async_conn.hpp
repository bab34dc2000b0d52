#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <asio/error.hpp>
#include <cerrno>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/async_conn.hpp>
#include <leash/net/detail/asio_socket.hpp>
#include <leash/net/detail/shared_socket.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
/// A connection over a socket of Asio.
class SocketAsyncConn final : public AsyncConn {
 public:
  SocketAsyncConn(AsioSocket socket, const SocketAddress& local, const SocketAddress& remote,
                  const std::shared_ptr<Clock>& clock)
      : socket_(new SharedSocket(std::move(socket), clock)), local_(address_of(local)), remote_(address_of(remote)) {
    socket_->begin();
  }
  ~SocketAsyncConn() override {
    static_cast<void>(socket_->close([](int) { return 0; }));
  }

 private:
  asio::any_io_executor do_executor() const override { return socket_->executor(); }

  void do_async_read(ReadBuffers buffers, TransferHandler handler, std::source_location) override {
    socket_->read(buffers, std::move(handler));
  }
  void do_async_write(WriteBuffers buffers, TransferHandler handler, std::source_location) override {
    socket_->write(buffers, std::move(handler));
  }

  std::size_t do_read(ReadBuffers buffers, asio::error_code& code, std::source_location) override {
    const asio::mutable_buffer& buffer = buffers.front();
    const std::size_t count = socket_->block(socket_->reading(), POLLIN, code, [&](int number) {
      return ::recv(number, buffer.data(), buffer.size(), MSG_DONTWAIT);
    });
    if (count == 0 && !code) code = socket_->lasting(asio::error::eof);
    return count;
  }
  std::size_t do_write(WriteBuffers buffers, asio::error_code& code, std::source_location) override {
    const asio::const_buffer& buffer = buffers.front();
    return socket_->block(socket_->writing(), POLLOUT, code, [&](int number) {
      return ::send(number, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    });
  }

  void do_cancel(std::source_location) override { socket_->cancel(); }

  Result<void> do_shutdown_write(std::source_location) override {
    return result("shutdown_write",
                  socket_->while_open([](int number) { return ::shutdown(number, SHUT_WR) == 0 ? 0 : errno; }));
  }
  Result<void> do_close(std::source_location) override {
    return result("close", socket_->close([](int) { return 0; }));
  }
  Result<void> do_reset(std::source_location) override {
    return result("reset", socket_->close([](int number) {
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      return ::setsockopt(number, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0 ? 0 : errno;
    }));
  }

  Result<void> do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                               std::source_location) override {
    if (!socket_->is_open()) return result("set_deadline", EBADF);
    if (direction != Direction::write) socket_->reading().deadline.set(deadline);
    if (direction != Direction::read) socket_->writing().deadline.set(deadline);
    return {};
  }

  void do_note(std::string_view, std::source_location) override {}
  bool do_is_open() const override { return socket_->is_open(); }
  Address do_local_address() const override { return local_; }
  Address do_remote_address() const override { return remote_; }

  Result<PeerCredentials> do_peer_credentials() const override {
    PeerCredentials found;
    const Result<void> asked = result("peer_credentials", socket_->while_open([&](int number) {
      const auto credentials = peer_credentials_of(number);
      if (!credentials) return credentials.error().value();
      found = *credentials;
      return 0;
    }));
    if (!asked) return std::unexpected(asked.error());
    return found;
  }

  int do_native_handle() const noexcept override { return socket_->number(); }

  Result<int> do_release(std::source_location) override {
    const int number = socket_->release();
    if (number == -1) return std::unexpected(result("release", EBADF).error());
    return number;
  }

  /// The result of an operation that has ended with this errno.
  Result<void> result(std::string_view operation, int error) const {
    if (error == 0) return {};
    return fail(operation, to_string(local_) + " -> " + to_string(remote_),
                std::error_code(error, std::generic_category()));
  }

  const Ref<SharedSocket> socket_;
  const Address local_;
  const Address remote_;
};

}  // namespace LEASH_NAMESPACE::net::detail
