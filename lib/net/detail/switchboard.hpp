#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/backlog.hpp>
#include <leash/os/mutex.hpp>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// The listeners of a MemoryNetwork: finds the backlog for an address. Thread-safe.
class Switchboard {
 public:
  Switchboard(std::size_t buffer, std::size_t backlog) : buffer_(buffer), backlog_(backlog) {}

  /// How many bytes each direction of a connection holds.
  std::size_t buffer() const noexcept { return buffer_; }

  /// Makes a backlog for `host` (empty: every host) and `port`. For port 0 it chooses a free one and stores it in
  /// `port`. Errors: `address_in_use` if the address has a backlog already, or if no port is free.
  std::expected<std::shared_ptr<Backlog>, std::error_code> open(const std::string& host, std::uint16_t& port);

  /// The backlog for an address: that of `host` or else that of every host; null if there is neither.
  std::shared_ptr<Backlog> find(const std::string& host, std::uint16_t port);

  void remove(const std::string& host, std::uint16_t port);

  /// The port of the end that dials, for its local address.
  std::uint16_t client_port();

 private:
  using Key = std::pair<std::uint16_t, std::string>;

  std::uint16_t next_port();
  bool in_use(const std::string& host, std::uint16_t port) const;

  const std::size_t buffer_;
  const std::size_t backlog_;
  os::Mutex mutex_;
  std::map<Key, std::shared_ptr<Backlog>> backlogs_;
  std::uint16_t last_port_ = 65535;
};

}  // namespace LEASH_NAMESPACE::net::detail
