#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs {

/// What a DiskFS makes of symbolic links that point out of its root. Neither lets anyone out (openat2(2)).
enum class Links : unsigned char {
  /// One that is absolute or goes up above the root is refused: `errc::escapes_root` (RESOLVE_BENEATH).
  beneath,

  /// The root is `/` to them, as after chroot(2): an absolute one starts there, and `..` of the root is the root
  /// (RESOLVE_IN_ROOT).
  in_root,
};

}  // namespace LEASH_NAMESPACE::fs
