#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/memory_listener.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

MemoryListener::MemoryListener(std::shared_ptr<Switchboard> switchboard, std::shared_ptr<Backlog> backlog,
                               Address bound, std::string shown_host)
    : switchboard_(std::move(switchboard)),
      backlog_(std::move(backlog)),
      bound_(std::move(bound)),
      address_{bound_.network, std::move(shown_host), bound_.port} {}

MemoryListener::~MemoryListener() { shut(); }

Result<std::unique_ptr<Conn>> MemoryListener::do_accept(Call call) {
  Result<std::shared_ptr<MemoryLink>> link = backlog_->wait_and_pop(call.context(), to_string(address_));
  if (!link) return std::unexpected(std::move(link).error());
  return accepted(*std::move(link), call.context().clock());
}

std::unique_ptr<MemoryConn> MemoryListener::accepted(std::shared_ptr<MemoryLink> link,
                                                     const std::shared_ptr<Clock>& clock) {
  link->accepted();
  return std::make_unique<MemoryConn>(std::move(link), End::accepted, clock);
}

bool MemoryListener::shut() {
  if (!backlog_->close()) return false;
  switchboard_->remove(bound_);
  return true;
}

Result<void> MemoryListener::do_close(std::source_location) {
  if (!shut()) return fail("close", to_string(address_), std::errc::bad_file_descriptor);
  return {};
}

Address MemoryListener::do_address() const { return address_; }

int MemoryListener::do_native_handle() const noexcept { return -1; }

}  // namespace LEASH_NAMESPACE::net::detail
