#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What happens to a resource when its owner is destroyed without `close()`, and what the tracker makes of that.
enum class OnDrop : unsigned char {
  closed,      ///< The destructor closes it and nothing is lost: readers, directories, connections. No finding.
  error_lost,  ///< The destructor closes it, but the error of what was written is lost. The finding is `dropped`.
  abandoned,   ///< Nothing closes it, so it stays open. The finding is `leaked`, when the tracker is closed.
};

/// A resource that is being acquired, as reports will show it. Read only during the call that it is passed to.
struct Resource {
  Kind kind;
  std::string_view name;
  int descriptor = -1;  ///< The file descriptor of the resource; -1 if it has none.
  OnDrop on_drop = OnDrop::abandoned;
};

}  // namespace LEASH_NAMESPACE::track
