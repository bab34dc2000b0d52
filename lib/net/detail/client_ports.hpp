#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/mutex.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// The ports that a MemoryNetwork chooses from: the dynamic ones (RFC 6335, 6).
inline constexpr std::uint16_t first_port = 49152;
inline constexpr std::size_t port_count = 65536 - first_port;

/// The one that follows; after the last one the first.
constexpr std::uint16_t port_after(std::uint16_t port) noexcept {
  return port == 65535 ? first_port : static_cast<std::uint16_t>(port + 1);
}

/// Which of these ports the ends that dialled have, at each host of a MemoryNetwork. Thread-safe.
class ClientPorts : public std::enable_shared_from_this<ClientPorts> {
  using Ports = std::bitset<port_count>;

 public:
  /// A port that is taken until this ends. May outlive the ClientPorts.
  class Taken {
   public:
    Taken() noexcept = default;
    Taken(Taken&& other) noexcept = default;
    Taken& operator=(Taken&& other) = delete;
    ~Taken() { give_back(); }

    explicit operator bool() const noexcept { return owner_ != nullptr; }
    std::uint16_t number() const noexcept { return number_; }

    /// Ends it now. Does nothing if it has ended, or was none.
    void give_back() noexcept;

   private:
    friend class ClientPorts;
    Taken(std::shared_ptr<ClientPorts> owner, Ports& ports, std::uint16_t number) noexcept
        : owner_(std::move(owner)), ports_(&ports), number_(number) {}

    std::shared_ptr<ClientPorts> owner_;
    Ports* ports_ = nullptr;  ///< Those of the host.
    std::uint16_t number_ = 0;
  };

  /// Takes a port of `host`: the first one after `last` that is not taken and that `is_free` holds for. None if there
  /// is none.
  template <class IsFree>
  [[nodiscard]] Taken take(const std::string& host, std::uint16_t last, IsFree is_free);

  /// Whether the port is taken at `host`, or if that is empty at any host.
  bool is_taken(const std::string& host, std::uint16_t port);

 private:
  os::Mutex mutex_;
  std::unordered_map<std::string, Ports> ports_;  ///< Of each host that has dialled; none is removed.
};

template <class IsFree>
ClientPorts::Taken ClientPorts::take(const std::string& host, std::uint16_t last, IsFree is_free) {
  std::shared_ptr<ClientPorts> self = shared_from_this();
  const std::lock_guard<os::Mutex> lock(mutex_);
  Ports& ports = ports_[host];
  std::uint16_t port = last;
  for (std::size_t tries = 0; tries != port_count; ++tries) {
    port = port_after(port);
    if (ports[port - first_port] || !is_free(port)) continue;
    ports[port - first_port] = true;
    return {std::move(self), ports, port};
  }
  return {};
}

}  // namespace LEASH_NAMESPACE::net::detail
