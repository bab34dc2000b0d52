#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <leash/context.hpp>
#include <leash/net/adopt.hpp>
#include <leash/net/detail/socket_conn.hpp>
#include <leash/net/detail/socket_listener.hpp>
#include <leash/net/detail/tracked_conn.hpp>
#include <leash/net/detail/tracked_listener.hpp>
#include <leash/net/kinds.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <optional>
#include <string>
#include <string_view>
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

std::string subject_of(int descriptor) { return "descriptor " + std::to_string(descriptor); }

/// The local address of a socket that may be adopted.
Result<SocketAddress> local_of(Call call, std::string_view subject, int descriptor) {
  if (auto checked = call.context().check("adopt", subject); !checked) return std::unexpected(checked.error());
  if (option(descriptor, SO_TYPE) == -1) return fail("adopt", subject, os::last_error());
  if (!is_stream_that_leash_knows(descriptor)) {
    return fail("adopt", subject, std::errc::invalid_argument, "no stream socket of TCP or unix");
  }
  const auto local = SocketAddress::local_of(descriptor);
  if (!local) return fail("adopt", subject, local.error());
  return *local;
}

bool make_non_blocking(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags != -1 && ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != -1 &&
         ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != -1;
}

/// Gives `handle`, which was made without one, the descriptor.
template <class Handle>
void give(int descriptor, Handle& handle, bool tagged) noexcept {
  const auto take = [&] { handle.take(os::Descriptor(os::own(descriptor))); };
  if (tagged) {
    os::open_for_tag(take);
  } else {
    take();
  }
}

}  // namespace

Result<std::unique_ptr<Conn>> adopt(Call call, int descriptor) {
  const std::string subject = subject_of(descriptor);
  const Result<SocketAddress> local = local_of(call, subject, descriptor);
  if (!local) return std::unexpected(local.error());
  SocketAddress remote;
  if (::getpeername(descriptor, remote.data(), &remote.size()) != 0) return fail("adopt", subject, os::last_error());

  // All that may fail or throw comes before the connection gets the descriptor: until then it must not be closed.
  std::unique_ptr<detail::SocketConn> made = detail::make_conn({}, *local, remote, call.context().clock());
  detail::SocketConn& without_descriptor = *made;
  std::unique_ptr<Conn> conn = std::move(made);
  const os::Opening opening;
  Result<std::optional<track::Tag>> tag =
      track::detail::tag_adopted(call, kinds::connection, detail::name_of(*conn), descriptor);
  if (!tag) return std::unexpected(tag.error());
  const bool tagged = tag->has_value();
  if (tagged) conn = std::make_unique<detail::TrackedConn>(std::move(conn), *std::move(*tag));
  if (!make_non_blocking(descriptor)) return fail("adopt", subject, os::last_error());
  give(descriptor, without_descriptor, tagged);
  return conn;
}

Result<std::unique_ptr<Listener>> adopt_listener(Call call, int descriptor) {
  const std::string subject = subject_of(descriptor);
  const Result<SocketAddress> local = local_of(call, subject, descriptor);
  if (!local) return std::unexpected(local.error());
  if (option(descriptor, SO_ACCEPTCONN) != 1) {
    return fail("adopt", subject, std::errc::invalid_argument, "the socket does not listen");
  }

  // Other code may have made a socket of TCP accept connections to other addresses than its own (IP_TRANSPARENT).
  const bool accepts_there = local->family() == AF_UNIX;
  auto made = std::make_unique<detail::SocketListener>(os::Descriptor(), *local, accepts_there, detail::SocketFile());
  detail::SocketListener& without_descriptor = *made;
  std::unique_ptr<Listener> listener = std::move(made);
  const os::Opening opening;
  Result<std::optional<track::Tag>> tag =
      track::detail::tag_adopted(call, kinds::listener, to_string(listener->address()), descriptor);
  if (!tag) return std::unexpected(tag.error());
  const bool tagged = tag->has_value();
  if constexpr (tracking_enabled) {
    // Also without a tag: the Context of an `accept` may have a tracker.
    listener = std::make_unique<detail::TrackedListener>(std::move(listener), tagged ? *std::move(*tag) : track::Tag(),
                                                         TrackedBinder::Options());
  }
  if (!make_non_blocking(descriptor)) return fail("adopt", subject, os::last_error());
  give(descriptor, without_descriptor, tagged);
  return listener;
}

}  // namespace LEASH_NAMESPACE::net
