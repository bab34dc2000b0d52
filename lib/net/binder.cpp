#include <leash/net/binder.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

Binder::~Binder() = default;

Result<std::unique_ptr<Listener>> Binder::bind(Call call, std::string_view network, std::string_view address) {
  Result<void> checked = call.context().check("bind", address);
  if (!checked) return std::unexpected(std::move(checked).error());
  return do_bind(call, network, address);
}

Result<std::unique_ptr<Listener>> Binder::bind(Call call, const Endpoint& endpoint) {
  return bind(call, "tcp", to_string(endpoint));
}

}  // namespace LEASH_NAMESPACE::net
