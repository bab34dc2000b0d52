#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::fs {

/// What a DiskFS does with symbolic links that point out of its root. Either way no path leads out of the root. The
/// names in capitals are those of openat2(2).
enum class Links : unsigned char {
  /// A link that is absolute, or goes up above the root, fails with `errc::escapes_root` (RESOLVE_BENEATH).
  beneath,

  /// Links see the root as `/`, as after chroot(2): an absolute link starts at the root, and `..` in the root is the
  /// root itself (RESOLVE_IN_ROOT).
  in_root,
};

}  // namespace LEASH_NAMESPACE::fs
