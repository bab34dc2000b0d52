#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <leash/net/socket_options.hpp>
#include <must.hpp>
#include <string>
#include <thread>

/// What the benchmarks of TCP share.
namespace bench {

inline constexpr std::chrono::seconds timeout{5};

/// What every connection here gets. A close is a reset, so that no port waits for its connection to be forgotten.
inline constexpr leash::net::SocketOptions options{.linger = std::chrono::seconds(0)};

/// Sets `options` on the socket.
inline void set_options(int socket) {
  const auto set = [&](int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

/// 127.0.0.`last` at `port`, or at one that the system chooses.
inline sockaddr_in loopback(std::uint16_t port = 0, std::uint8_t last = 1) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffU) | last);
  return address;
}

/// A socket that listens there. `address` becomes what it is bound to.
inline int listen_at(sockaddr_in& address, int backlog = 4096) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = sizeof address;
  must(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(socket, backlog) == 0);
  must(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return socket;
}

inline std::string text(const sockaddr_in& address) {
  std::array<char, INET_ADDRSTRLEN> host{};
  ::inet_ntop(AF_INET, &address.sin_addr, host.data(), host.size());
  return std::string(host.data()) + ":" + std::to_string(ntohs(address.sin_port));
}

/// A listener whose thread accepts, does what it is told with the connection, and closes it.
class Server {
 public:
  template <class Serve>
  explicit Server(Serve serve) : socket_(listen_at(address_)) {
    thread_ = std::thread([this, serve] {
      for (;;) {
        const int accepted = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (over_) return;
        if (accepted < 0) continue;
        serve(accepted);
        ::close(accepted);
      }
    });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    over_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  const sockaddr_in& address() const { return address_; }
  std::string text() const { return bench::text(address_); }

 private:
  sockaddr_in address_ = loopback();
  int socket_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace bench
