#include <leash/net/detail/memory_address.hpp>
#include <leash/net/detail/memory_view.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

Result<std::unique_ptr<MemoryDial>> MemoryView::dial(const Context& context, std::string_view network,
                                                     std::string_view address) const {
  Result<Address> to = dialled_address(network, address, self);
  if (!to) return std::unexpected(std::move(to).error());
  const std::string_view loopback = to->host.contains(':') ? "::1" : "127.0.0.1";
  return std::make_unique<MemoryDial>(switchboard, context, address, self.empty() ? std::string(loopback) : self,
                                      *std::move(to));
}

Result<std::unique_ptr<MemoryListener>> MemoryView::bind(std::string_view network, std::string_view address) const {
  Result<BoundAddress> bound = bound_address(network, address, self);
  if (!bound) return std::unexpected(std::move(bound).error());
  return switchboard->bind(address, std::move(bound->address), bound->shown);
}

}  // namespace LEASH_NAMESPACE::net::detail
