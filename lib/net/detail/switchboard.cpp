#include <leash/context.hpp>
#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/memory_listener.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::net::detail {
namespace {

bool is_path(const Address& address) { return address.network == "unix"; }

}  // namespace

Result<std::unique_ptr<Conn>> Switchboard::dial(Call call, std::string_view subject, const std::string& host,
                                                const Address& to) {
  Address from{to.network, is_path(to) ? std::string() : host, 0};
  if (auto admitted = rules_->admit(call, subject, from, to); !admitted) return std::unexpected(admitted.error());

  const std::shared_ptr<Backlog> backlog = find(to);
  if (!backlog) {
    return fail("dial", subject, is_path(to) ? std::errc::no_such_file_or_directory : std::errc::connection_refused);
  }
  ClientPorts::Taken port = is_path(to) ? ClientPorts::Taken() : take_port(host);
  if (!is_path(to) && !port) {
    return fail("dial", subject, std::errc::address_not_available, "no port is free at " + host);
  }
  from.port = port.number();
  const std::shared_ptr<Clock>& clock = call.context().clock();
  auto link = std::make_shared<MemoryLink>(rules_, clock, std::move(port), std::move(from), to, buffer_);
  rules_->enrol(*link);
  auto conn = std::make_unique<MemoryConn>(link, End::dialled, clock);
  if (auto queued = backlog->push(call.context(), subject, std::move(link)); !queued) {
    return std::unexpected(std::move(queued).error());
  }
  return conn;
}

Result<std::unique_ptr<Listener>> Switchboard::bind(std::string_view subject, Address address,
                                                    const std::string& shown_host) {
  std::shared_ptr<Backlog> backlog = std::make_shared<Backlog>(backlog_capacity_);
  {
    const std::lock_guard lock(mutex_);
    const bool chooses = address.port == 0 && !is_path(address);
    if (chooses) address.port = free_port(address);
    if ((chooses && address.port == 0) || in_use(address)) return fail("bind", subject, std::errc::address_in_use);
    backlogs_.emplace(key_of(address), backlog);
  }
  return std::make_unique<MemoryListener>(shared_from_this(), std::move(backlog), std::move(address), shown_host);
}

/// A port to listen at; 0 if none is free.
std::uint16_t Switchboard::free_port(const Address& address) {
  for (std::size_t tries = 0; tries != port_count; ++tries) {
    last_port_ = port_after(last_port_);
    const bool taken =
        in_use({address.network, address.host, last_port_}) || client_ports_->is_taken(address.host, last_port_);
    if (!taken) return last_port_;
  }
  return 0;
}

bool Switchboard::in_use(const Address& address) const {
  if (is_path(address)) return backlogs_.contains(key_of(address));
  const auto first = backlogs_.lower_bound(Key(address.port, std::string()));
  const bool any = first != backlogs_.end() && first->first.first == address.port;
  if (!any) return false;
  // The backlog for every host has the empty name, which sorts first.
  return address.host.empty() || first->first.second.empty() || backlogs_.contains(key_of(address));
}

std::shared_ptr<Backlog> Switchboard::find(const Address& address) {
  const std::lock_guard lock(mutex_);
  auto found = backlogs_.find(key_of(address));
  if (found == backlogs_.end()) found = backlogs_.find(Key(address.port, std::string()));
  return found == backlogs_.end() ? nullptr : found->second;
}

void Switchboard::remove(const Address& address) {
  const std::lock_guard lock(mutex_);
  backlogs_.erase(key_of(address));
}

/// A port for an end at `host` that dials; none if no port is free.
ClientPorts::Taken Switchboard::take_port(const std::string& host) {
  const std::lock_guard lock(mutex_);
  ClientPorts::Taken taken =
      client_ports_->take(host, last_port_, [&](std::uint16_t port) { return !in_use(Address{"tcp", host, port}); });
  if (taken) last_port_ = taken.number();
  return taken;
}

}  // namespace LEASH_NAMESPACE::net::detail
