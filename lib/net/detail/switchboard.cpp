#include <leash/context.hpp>
#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/memory_listener.hpp>
#include <leash/net/detail/switchboard.hpp>
#include <leash/net/detail/timed_wait.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::net::detail {
namespace {

bool is_path(const Address& address) { return address.network == "unix"; }

}  // namespace

MemoryDial::MemoryDial(std::shared_ptr<Switchboard> switchboard, const Context& context, std::string_view subject,
                       const std::string& host, Address to)
    : switchboard_(std::move(switchboard)),
      subject_(subject),
      clock_(context.clock()),
      from_{to.network, is_path(to) ? std::string() : host, 0},
      to_(std::move(to)),
      admission_(std::in_place, switchboard_->rules(), context, from_, to_),
      context_(context) {}

bool MemoryDial::look(Result<std::unique_ptr<MemoryConn>>& result, Clock::time_point& due) {
  Result<void> done;
  if (admission_) {
    if (!admission_->look(subject_, done, due)) return false;
    if (done) done = connect();
    if (done) admission_.reset();
  }
  if (done) {
    const bool pushed = backlog_->push(conn_->link(), subject_, done);
    if (!pushed) done = context_.check("dial", subject_);
    if (!pushed && done) return false;
  }
  if (done) {
    result = std::move(conn_);
  } else {
    result = std::unexpected(std::move(done).error());
  }
  return true;
}

/// Makes the connection with the listener, whose queue it does not stand in yet.
Result<void> MemoryDial::connect() {
  backlog_ = switchboard_->find(to_);
  if (!backlog_) {
    return fail("dial", subject_, is_path(to_) ? std::errc::no_such_file_or_directory : std::errc::connection_refused);
  }
  conn_ = switchboard_->connect(from_, to_, clock_);
  if (conn_) return {};
  return fail("dial", subject_, std::errc::address_not_available, "no port is free at " + from_.host);
}

WaitList& MemoryDial::changed() noexcept { return backlog_ ? backlog_->changed() : switchboard_->rules()->changed(); }

Registration MemoryDial::notify_at_end() const {
  if (backlog_) return context_.on_cancel([backlog = backlog_] { backlog->notify(); });
  return admission_->context().on_cancel([rules = switchboard_->rules()] { rules->notify(); });
}

std::unique_ptr<MemoryConn> Switchboard::connect(Address from, const Address& to, const std::shared_ptr<Clock>& clock) {
  ClientPorts::Taken port = is_path(to) ? ClientPorts::Taken() : take_port(from.host);
  if (!is_path(to) && !port) return nullptr;
  from.port = port.number();
  auto link = std::make_shared<MemoryLink>(rules_, clock, std::move(port), std::move(from), to, buffer_);
  rules_->enrol(*link);
  return std::make_unique<MemoryConn>(std::move(link), End::dialled, clock);
}

Result<std::unique_ptr<Conn>> MemoryDial::wait() {
  Result<std::unique_ptr<MemoryConn>> result;
  Clock::time_point due = Clock::time_point::max();
  bool over = look(result, due);
  while (!over) {
    WaitList& waiting_in = changed();
    const Registration ended = notify_at_end();
    timed_wait(waiting_in, *clock_, [&](Clock::time_point& next) {
      over = look(result, next);
      return over || &changed() != &waiting_in;
    });
  }
  return result;
}

Result<std::unique_ptr<MemoryListener>> Switchboard::bind(std::string_view subject, Address address,
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
