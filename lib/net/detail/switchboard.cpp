#include <leash/net/detail/switchboard.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::net::detail {
namespace {

constexpr std::uint16_t first_port = 49152;
constexpr int port_count = 65536 - first_port;

}  // namespace

std::uint16_t Switchboard::next_port() {
  last_port_ = last_port_ == 65535 ? first_port : static_cast<std::uint16_t>(last_port_ + 1);
  return last_port_;
}

bool Switchboard::in_use(const std::string& host, std::uint16_t port) const {
  const auto first = backlogs_.lower_bound(Key(port, std::string()));
  const bool any = first != backlogs_.end() && first->first.first == port;
  if (!any) return false;
  // The backlog for every host has the empty name, which sorts first.
  return host.empty() || first->first.second.empty() || backlogs_.contains(Key(port, host));
}

std::expected<std::shared_ptr<Backlog>, std::error_code> Switchboard::open(const std::string& host,
                                                                           std::uint16_t& port) {
  const std::lock_guard lock(mutex_);
  std::uint16_t chosen = port;
  for (int tries = 0; port == 0 && tries < port_count; ++tries) {
    chosen = next_port();
    if (!in_use(host, chosen)) break;
  }
  if (in_use(host, chosen)) return std::unexpected(std::make_error_code(std::errc::address_in_use));
  port = chosen;
  return backlogs_.emplace(Key(port, host), std::make_shared<Backlog>(backlog_)).first->second;
}

std::shared_ptr<Backlog> Switchboard::find(const std::string& host, std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  auto found = backlogs_.find(Key(port, host));
  if (found == backlogs_.end()) found = backlogs_.find(Key(port, std::string()));
  return found == backlogs_.end() ? nullptr : found->second;
}

void Switchboard::remove(const std::string& host, std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  backlogs_.erase(Key(port, host));
}

std::uint16_t Switchboard::client_port() {
  const std::lock_guard lock(mutex_);
  return next_port();
}

}  // namespace LEASH_NAMESPACE::net::detail
