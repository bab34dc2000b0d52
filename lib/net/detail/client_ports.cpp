#include <algorithm>
#include <leash/net/detail/client_ports.hpp>

namespace LEASH_NAMESPACE::net::detail {

void ClientPorts::Taken::give_back() noexcept {
  const std::shared_ptr<ClientPorts> owner = std::move(owner_);
  if (!owner) return;
  const std::lock_guard lock(owner->mutex_);
  (*ports_)[number_ - first_port] = false;
}

bool ClientPorts::is_taken(const std::string& host, std::uint16_t port) {
  if (port < first_port) return false;
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(ports_, [&](const auto& of_host) {
    return (host.empty() || host == of_host.first) && of_host.second[port - first_port];
  });
}

}  // namespace LEASH_NAMESPACE::net::detail
