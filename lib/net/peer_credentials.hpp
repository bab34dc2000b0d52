#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::net {

/// Who is at the other end of a connection of the network "unix" (`Conn::peer_credentials`): the fields of `struct
/// ucred`, unix(7).
struct PeerCredentials {
  int pid = 0;         ///< The process; 0 if it is not in the PID namespace of this one.
  unsigned uid = ~0U;  ///< Its effective user; ~0 is none.
  unsigned gid = ~0U;  ///< Its effective group; ~0 is none.

  friend bool operator==(const PeerCredentials&, const PeerCredentials&) = default;
};

}  // namespace LEASH_NAMESPACE::net
