#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/detail/connect.hpp>
#include <leash/net/detail/dial_plan.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/os/descriptor.hpp>
#include <optional>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Does what a DialPlan says, but for the waiting, which is what the derived classes differ in: threads wait in
/// poll(2), asynchronous dials by Asio.
///
///     for (;;) {
///       drive(clock);
///       if (plan().over()) break;
///       …wait until a socket that is watched can be written to, or until plan().wake_at()…
///       if (const auto local = established(attempt, socket)) …the socket has won…
///     }
class DialDriver {
 public:
  DialDriver(const DialDriver&) = delete;
  DialDriver& operator=(const DialDriver&) = delete;

  const DialPlan& plan() const noexcept { return plan_; }

 protected:
  /// `endpoints` are at least one. `setup` outlives this.
  DialDriver(std::vector<Endpoint> endpoints, std::optional<Clock::time_point> deadline, const SocketSetup& setup)
      : setup_(setup), plan_(std::move(endpoints), deadline) {}
  ~DialDriver() = default;

  /// Ends the attempts that have had their share, and begins those whose time has come. What the control hook throws
  /// leaves it.
  void drive(Clock& clock);

  /// The socket of an attempt can be written to: its local address if it is connected. Else the attempt has failed.
  std::optional<SocketAddress> established(std::size_t attempt, int socket);

  /// The attempt has failed after all.
  void failed(std::size_t attempt, std::error_code code) { plan_.failed(attempt, code); }

 private:
  /// The socket of an attempt under way: it is connected, or has failed, when it can be written to.
  virtual void watch(std::size_t attempt, os::Descriptor socket) = 0;

  /// The attempt is over: its socket is to be closed.
  virtual void forget(std::size_t attempt) = 0;

  /// An attempt has connected at once.
  virtual void won(os::Descriptor socket, const SocketAddress& local, const Endpoint& remote) = 0;

  void begin(std::size_t attempt);

  const SocketSetup& setup_;
  DialPlan plan_;
};

}  // namespace LEASH_NAMESPACE::net::detail
