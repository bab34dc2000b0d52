#include <leash/net/detail/bind_socket.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <leash/net/tcp_binder.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net {

TcpBinder::TcpBinder() : TcpBinder(Options()) {}

TcpBinder::TcpBinder(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<Listener>> TcpBinder::do_bind(Call call, std::string_view network, std::string_view address) {
  const Result<detail::NetworkAddress> parsed = detail::parse_bound(network, address);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->is_unix()) return detail::bind_socket(address, *parsed, {}, options_);
  return detail::bind_socket(
      address, *parsed, detail::resolve_address("bind", call, network, address, *parsed, options_.resolver), options_);
}

}  // namespace LEASH_NAMESPACE::net
