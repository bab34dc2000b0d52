#include <array>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/operation.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net {
namespace {

constexpr std::array<std::string_view, operation_kinds> names = {{
    {"dial"},
    {"bind"},
    {"Listener::accept"},
    {"Listener::close"},
    {"Listener::release"},
    {"Conn::read"},
    {"Conn::write"},
    {"Conn::readv"},
    {"Conn::writev"},
    {"Conn::close_write"},
    {"Conn::close"},
    {"Conn::reset"},
    {"Conn::set_deadline"},
    {"Conn::note"},
    {"Conn::release"},
}};
static_assert(!names.back().empty());

}  // namespace

std::string_view to_string(OperationKind kind) noexcept { return names[static_cast<std::size_t>(kind)]; }

std::unexpected<Error> Operation::fail(std::error_code code, std::string_view detail) const {
  std::string_view name = to_string(kind);
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  switch (kind) {
    case OperationKind::dial:
    case OperationKind::bind:
      return leash::fail(name, address, code, detail, std::vector<Error>(), transferred);
    case OperationKind::listener_accept:
    case OperationKind::listener_close:
    case OperationKind::listener_release:
      return leash::fail(name, to_string(*local), code, detail, std::vector<Error>(), transferred);
    case OperationKind::conn_readv:
      name = "read";
      break;
    case OperationKind::conn_writev:
      name = "write";
      break;
    default:
      break;
  }
  return leash::fail(name, detail::ends(*local, *remote), code, detail, std::vector<Error>(), transferred);
}

std::unexpected<Error> Operation::fail(std::errc code, std::string_view detail) const {
  return fail(std::make_error_code(code), detail);
}

}  // namespace LEASH_NAMESPACE::net
