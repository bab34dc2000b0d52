#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/address.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/backlog.hpp>
#include <leash/net/detail/client_ports.hpp>
#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/traffic_rules.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

class MemoryListener;

/// What the views of a MemoryNetwork and its listeners share: connects dials with listeners. Thread-safe.
///
/// An Address is one of TCP, or of the network "unix": then the host is a path, and the port is 0.
class Switchboard : public std::enable_shared_from_this<Switchboard> {
 public:
  /// `buffer` is how many bytes each direction of a connection holds, `backlog` how many connections may wait to be
  /// accepted at one address.
  Switchboard(std::size_t buffer, std::size_t backlog) : buffer_(buffer), backlog_capacity_(backlog) {}

  const std::shared_ptr<TrafficRules>& rules() const noexcept { return rules_; }

  /// The listener at `address`, or null.
  std::shared_ptr<Backlog> find(const Address& address);

  /// A connection from `from`, whose port this chooses, to a listener at `to`, in whose queue it does not stand yet.
  /// Null if connections and listeners of that host have all ports.
  std::unique_ptr<MemoryConn> connect(Address from, const Address& to, const std::shared_ptr<Clock>& clock);

  /// Listens at `address`, for port 0 of TCP at a free one; at every host if the host is empty, for which the Listener
  /// then shows `shown_host`. Errors: `address_in_use`, also if no port is free.
  [[nodiscard]] Result<std::unique_ptr<MemoryListener>> bind(std::string_view subject, Address address,
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

/// A dial that whoever makes it looks at until it is over: threads wait meanwhile, asynchronous dials do not.
class MemoryDial {
 public:
  /// From `host`, the name of the one that dials, to the listener at `to`. `subject` is how an Error names that.
  /// Errors: as `Dialer::dial`; `no_such_file_or_directory` if nothing listens at a path; `address_not_available` if
  /// connections and listeners of `host` have all ports.
  MemoryDial(std::shared_ptr<Switchboard> switchboard, const Context& context, std::string_view subject,
             const std::string& host, Address to);

  /// Whether it is over, with this `result`. Else one must look again when those who wait in `changed()` are notified,
  /// when the Context or that of the admission is done, or at `due`.
  bool look(Result<std::unique_ptr<MemoryConn>>& result, Clock::time_point& due);

  /// What it waits for; may be another one after `look`.
  WaitList& changed() noexcept;

  /// Waits in this thread until it is over.
  [[nodiscard]] Result<std::unique_ptr<Conn>> wait();

  /// The Context that ends it at the latest.
  const Context& context() const noexcept { return admission_ ? admission_->context() : context_; }

 private:
  /// Notifies `changed()` when the Context is done.
  Registration notify_at_end() const;
  Result<void> connect();

  const std::shared_ptr<Switchboard> switchboard_;
  const std::string subject_;
  const SharedClock clock_;
  const Address from_;
  const Address to_;
  std::optional<Admission> admission_;  ///< Until that is over.
  const Context context_;
  std::shared_ptr<Backlog> backlog_;  ///< From then on.
  std::unique_ptr<MemoryConn> conn_;
};

}  // namespace LEASH_NAMESPACE::net::detail
