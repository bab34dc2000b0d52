#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <leash/context.hpp>
#include <leash/net/adopt.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/socket_conn.hpp>
#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/kinds.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <optional>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using detail::SocketAddress;

/// The value of an option of the level SOL_SOCKET; -1 with an errno.
int option(int descriptor, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

bool is_stream_that_leash_knows(int descriptor) noexcept {
  const int domain = option(descriptor, SO_DOMAIN);
  if (option(descriptor, SO_TYPE) != SOCK_STREAM) return false;
  return domain == AF_UNIX ||
         ((domain == AF_INET || domain == AF_INET6) && option(descriptor, SO_PROTOCOL) == IPPROTO_TCP);
}

bool make_non_blocking(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags != -1 && ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != -1 &&
         ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != -1;
}

}  // namespace

Result<std::unique_ptr<Conn>> adopt(Call call, int descriptor) {
  const std::string subject = "descriptor " + std::to_string(descriptor);
  if (auto checked = call.context().check("adopt", subject); !checked) return std::unexpected(checked.error());
  if (option(descriptor, SO_TYPE) == -1) return fail("adopt", subject, os::last_error());
  if (!is_stream_that_leash_knows(descriptor)) {
    return fail("adopt", subject, std::errc::invalid_argument, "no stream socket of TCP or unix");
  }
  const auto local = SocketAddress::local_of(descriptor);
  if (!local) return fail("adopt", subject, local.error());
  SocketAddress remote;
  if (::getpeername(descriptor, remote.data(), &remote.size()) != 0) return fail("adopt", subject, os::last_error());

  const os::Opening opening;
  Result<std::optional<track::Tag>> tag = track::detail::tag_adopted(
      call, kinds::connection, detail::ends(detail::address_of(*local), detail::address_of(remote)), descriptor);
  if (!tag) return std::unexpected(tag.error());
  if (!make_non_blocking(descriptor)) return fail("adopt", subject, os::last_error());
  const auto take = [&] {
    return detail::make_conn(os::Descriptor(os::own(descriptor)), *local, remote, call.context().clock());
  };
  if (!*tag) return take();
  return std::make_unique<detail::TrackedConn>(os::open_for_tag(take), *std::move(*tag));
}

}  // namespace LEASH_NAMESPACE::net
