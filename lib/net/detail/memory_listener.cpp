#include <leash/net/detail/memory_listener.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

MemoryListener::MemoryListener(std::shared_ptr<Switchboard> switchboard, std::shared_ptr<Backlog> backlog,
                               std::string host, Address address)
    : switchboard_(std::move(switchboard)),
      backlog_(std::move(backlog)),
      host_(std::move(host)),
      address_(std::move(address)) {}

MemoryListener::~MemoryListener() { shut(); }

Result<std::unique_ptr<Conn>> MemoryListener::do_accept(Call call) {
  Result<MemoryEnd> end = backlog_->pop(call.context(), to_string(address_));
  if (!end) return std::unexpected(std::move(end).error());
  return std::make_unique<MemoryConn>(*std::move(end), call.context().clock());
}

bool MemoryListener::shut() {
  if (!backlog_->close()) return false;
  switchboard_->remove(host_, address_.port);
  return true;
}

Result<void> MemoryListener::do_close(std::source_location) {
  if (!shut()) return fail("close", to_string(address_), std::errc::bad_file_descriptor);
  return {};
}

Address MemoryListener::do_address() const { return address_; }

int MemoryListener::do_native_handle() const noexcept { return -1; }

}  // namespace LEASH_NAMESPACE::net::detail
