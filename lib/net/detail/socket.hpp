#pragma once

#include <chrono>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// How a TCP connection is set up.
struct SocketOptions {
  std::chrono::seconds keep_alive{};
  bool no_delay = true;
};

/// A descriptor that is closed unless it is given up.
class UniqueSocket {
 public:
  UniqueSocket() noexcept = default;
  explicit UniqueSocket(int number) noexcept : number_(number) {}
  UniqueSocket(UniqueSocket&& other) noexcept : number_(other.release()) {}
  UniqueSocket& operator=(UniqueSocket&& other) noexcept;
  ~UniqueSocket();

  int number() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept;

 private:
  int number_ = -1;
};

/// A new TCP socket: non-blocking, closed on exec.
[[nodiscard]] std::expected<UniqueSocket, std::error_code> open_socket(int family) noexcept;

/// The next connection of a listening socket and where it comes from: non-blocking, closed on exec.
[[nodiscard]] std::expected<UniqueSocket, std::error_code> accept_socket(int listener, SocketAddress& remote) noexcept;

/// What the system refuses stays as it was: a connection without keep-alive is better than none.
void apply(const SocketOptions& options, int socket) noexcept;

/// The last error of a system call in this thread.
[[nodiscard]] std::error_code last_error() noexcept;

}  // namespace LEASH_NAMESPACE::net::detail
