#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/os/open_descriptors.hpp>
#include <string>

namespace LEASH_NAMESPACE::os {
namespace {

/// The value of a socket option; -1 if `number` is no socket.
int socket_option(int number, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(number, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/// The bytes of `storage` as an address of one family.
template <class Address>
Address copy_as(const sockaddr_storage& storage) noexcept {
  Address address{};
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

std::string path_of(const sockaddr_storage& storage, socklen_t size) {
  const auto address = copy_as<sockaddr_un>(storage);
  const std::size_t path_offset = offsetof(sockaddr_un, sun_path);
  if (size <= path_offset) return {};
  std::string path(address.sun_path, std::min<std::size_t>(size - path_offset, sizeof address.sun_path));
  // An abstract name begins with a NUL; further ones are part of it (unix(7)).
  if (path.front() == '\0') return "@" + path.substr(1);
  return path.substr(0, path.find('\0'));
}

/// The interface of a link-local address: `%eth0`; empty if there is none.
std::string zone_text(std::uint32_t index) {
  if (index == 0) return {};
  std::array<char, IF_NAMESIZE> name{};
  return "%" + (::if_indextoname(index, name.data()) != nullptr ? std::string(name.data()) : std::to_string(index));
}

std::string address_text(const sockaddr_storage& storage, socklen_t size) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (storage.ss_family) {
    case AF_INET: {
      const auto address = copy_as<sockaddr_in>(storage);
      ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
      return std::string(text.data()) + ":" + std::to_string(ntohs(address.sin_port));
    }
    case AF_INET6: {
      const auto address = copy_as<sockaddr_in6>(storage);
      const std::string port = ":" + std::to_string(ntohs(address.sin6_port));
      if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
        ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
        return text.data() + port;
      }
      ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
      return "[" + (text.data() + zone_text(address.sin6_scope_id)) + "]" + port;
    }
    case AF_UNIX:
      return path_of(storage, size);
    default:
      return {};
  }
}

/// The address that `ask`, which is getsockname(2) or getpeername(2), has for the socket; empty if it fails.
std::string address_of(int number, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(number, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return address_text(storage, size);
}

std::string protocol_of(int domain, int type) {
  if (domain == AF_UNIX) return "unix";
  if (domain != AF_INET && domain != AF_INET6) return "socket";
  if (type == SOCK_STREAM) return "tcp";
  return type == SOCK_DGRAM ? "udp" : "socket";
}

}  // namespace

std::string address_text(const sockaddr* address, std::size_t size) {
  sockaddr_storage storage{};
  if (address == nullptr || size < sizeof address->sa_family || size > sizeof storage) return {};
  std::memcpy(&storage, address, size);
  return address_text(storage, static_cast<socklen_t>(size));
}

SocketEnds socket_ends(int number) {
  const int domain = socket_option(number, SO_DOMAIN);
  if (domain == -1) return {};
  return {
      .protocol = protocol_of(domain, socket_option(number, SO_TYPE)),
      .local = address_of(number, [](int fd, sockaddr* to, socklen_t* size) { return ::getsockname(fd, to, size); }),
      .peer = address_of(number, [](int fd, sockaddr* to, socklen_t* size) { return ::getpeername(fd, to, size); }),
      .listening = socket_option(number, SO_ACCEPTCONN) == 1};
}

std::string to_string(const SocketEnds& ends) {
  std::string text = ends.protocol;
  if (ends.listening) text += " listening at";
  if (!ends.local.empty()) text += " " + ends.local;
  if (!ends.peer.empty()) text += " -> " + ends.peer;
  return text;
}

}  // namespace LEASH_NAMESPACE::os
