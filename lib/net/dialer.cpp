#include <leash/net/dialer.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

Dialer::~Dialer() = default;

Result<std::unique_ptr<Conn>> Dialer::dial(Call call, std::string_view network, std::string_view address) {
  Result<void> checked = call.context().check("dial", address);
  if (!checked) return std::unexpected(std::move(checked).error());
  return do_dial(call, network, address);
}

Result<std::unique_ptr<Conn>> Dialer::dial(Call call, const Endpoint& endpoint) {
  return dial(call, "tcp", to_string(endpoint));
}

}  // namespace LEASH_NAMESPACE::net
