#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/backlog.hpp>
#include <leash/net/detail/client_ports.hpp>
#include <leash/net/detail/traffic_rules.hpp>
#include <leash/net/listener.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// What the views of a MemoryNetwork and its listeners share: connects dials with listeners. Thread-safe.
///
/// An Address is one of TCP, or of the network "unix": then the host is a path, and the port is 0.
class Switchboard : public std::enable_shared_from_this<Switchboard> {
 public:
  /// `buffer` is how many bytes each direction of a connection holds, `backlog` how many connections may wait to be
  /// accepted at one address.
  Switchboard(std::size_t buffer, std::size_t backlog) : buffer_(buffer), backlog_capacity_(backlog) {}

  const std::shared_ptr<TrafficRules>& rules() const noexcept { return rules_; }

  /// Connects `host`, the name of the one that dials, with the listener at `to`. `subject` is how an Error names that.
  /// Errors: as `Dialer::dial`; `no_such_file_or_directory` if nothing listens at a path; `address_not_available` if
  /// connections and listeners of `host` have all ports.
  [[nodiscard]] Result<std::unique_ptr<Conn>> dial(Call call, std::string_view subject, const std::string& host,
                                                   const Address& to);

  /// Listens at `address`, for port 0 of TCP at a free one; at every host if the host is empty, for which the Listener
  /// then shows `shown_host`. Errors: `address_in_use`, also if no port is free.
  [[nodiscard]] Result<std::unique_ptr<Listener>> bind(std::string_view subject, Address address,
                                                       const std::string& shown_host);

  /// The listener at `address`, as it was bound, is closed.
  void remove(const Address& address);

 private:
  using Key = std::pair<std::uint32_t, std::string>;  // The port, and the host or path.

  static Key key_of(const Address& address) {
    // No port, not even 0, is that of a path.
    constexpr std::uint32_t path = std::numeric_limits<std::uint16_t>::max() + 1U;
    return {address.network == "unix" ? path : address.port, address.host};
  }
  ClientPorts::Taken take_port(const std::string& host);
  std::shared_ptr<Backlog> find(const Address& address);

  // With the mutex locked.
  bool in_use(const Address& address) const;
  std::uint16_t free_port(const Address& address);

  const std::size_t buffer_;
  const std::size_t backlog_capacity_;
  const std::shared_ptr<TrafficRules> rules_ = std::make_shared<TrafficRules>();
  const std::shared_ptr<ClientPorts> client_ports_ = std::make_shared<ClientPorts>();
  os::Mutex mutex_;
  std::map<Key, std::shared_ptr<Backlog>> backlogs_;
  std::uint16_t last_port_ = 65535;  ///< That was chosen.
};

}  // namespace LEASH_NAMESPACE::net::detail
