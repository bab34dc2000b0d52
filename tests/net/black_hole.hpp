#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdint>
#include <leash/net/detail/socket.hpp>
#include <leash/net/endpoint.hpp>
#include <string>
#include <vector>

/// An address that answers nothing: a listener whose queue is full drops what else comes.
class BlackHole {
 public:
  using IpAddress = leash::net::IpAddress;

  /// At a port of this machine that the system chooses.
  explicit BlackHole(IpAddress loopback = IpAddress::loopback_v4()) : listener_(must_open(loopback)) {
    const leash::net::detail::SocketAddress any{leash::net::Endpoint{loopback, 0}};
    REQUIRE(::bind(listener_.get(), any.data(), any.size()) == 0);
    REQUIRE(::listen(listener_.get(), 0) == 0);
    address_ = leash::net::detail::SocketAddress::local_of(listener_.get()).value();
    for (int unanswered = 0; unanswered < 3;) {
      fillers_.push_back(must_open(loopback));
      REQUIRE(fillers_.size() < 100);
      const int number = fillers_.back().get();
      static_cast<void>(::connect(number, address_.data(), address_.size()));
      pollfd polled{number, POLLOUT, 0};
      if (::poll(&polled, 1, 50) == 0) ++unanswered;
    }
  }

  std::string address() const { return to_string(address_.endpoint()); }
  std::uint16_t port() const { return address_.endpoint().port; }

 private:
  static leash::os::Descriptor must_open(const IpAddress& address) {
    return leash::net::detail::open_socket(address.is_v4() ? AF_INET : AF_INET6).value();
  }

  leash::os::Descriptor listener_;
  leash::net::detail::SocketAddress address_;
  std::vector<leash::os::Descriptor> fillers_;
};
