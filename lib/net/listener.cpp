#include <leash/net/listener.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

Listener::~Listener() = default;

Result<std::unique_ptr<Conn>> Listener::accept(Call call) {
  if (call.context().done()) {
    Result<void> checked = call.context().check("accept", to_string(address()));
    return std::unexpected(std::move(checked).error());
  }
  return do_accept(call);
}

Result<void> Listener::close(std::source_location site) { return do_close(site); }

Address Listener::address() const { return do_address(); }

int Listener::native_handle() const noexcept { return do_native_handle(); }

Result<int> Listener::release(std::source_location site) { return do_release(site); }

Result<int> Listener::do_release(std::source_location) {
  return fail("release", to_string(do_address()), std::errc::operation_not_supported, "the listener has no descriptor");
}

}  // namespace LEASH_NAMESPACE::net
