#include <leash/net/dialer.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

Dialer::~Dialer() = default;

Result<std::unique_ptr<Conn>> Dialer::dial(Call call, std::string_view network, std::string_view address) {
  Result<void> wanted = call.context().check("dial", address);
  if (!wanted) return std::unexpected(std::move(wanted).error());
  return do_dial(call, network, address);
}

}  // namespace LEASH_NAMESPACE::net
