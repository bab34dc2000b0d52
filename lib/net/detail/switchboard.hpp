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

/// Which backlog stands at which address of a network in memory. Thread-safe.
class Switchboard {
 public:
  Switchboard(std::size_t buffer, std::size_t backlog) : buffer_(buffer), backlog_(backlog) {}

  /// How many bytes a direction of a connection holds.
  std::size_t buffer() const noexcept { return buffer_; }

  /// A new backlog at `host` (empty: every host), with a port chosen if it is 0. `address_in_use` if there is one, or
  /// no port left.
  std::expected<std::shared_ptr<Backlog>, std::error_code> open(const std::string& host, std::uint16_t& port);

  /// The backlog that answers at an address, or null.
  std::shared_ptr<Backlog> find(const std::string& host, std::uint16_t port);

  void remove(const std::string& host, std::uint16_t port);

  /// A port for the end that dials.
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
