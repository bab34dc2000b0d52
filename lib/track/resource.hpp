#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track {

/// What it means that the owner of a resource is destroyed without `close()`.
enum class OnDrop : unsigned char {
  closed,      ///< Its destructor closes it, and nothing is lost: readers, directories, connections. No finding.
  error_lost,  ///< Its destructor closes it, but the error of what was written is lost: `dropped`.
  abandoned,   ///< Nothing closes it: it stays open, `leaked`.
};

/// What is being acquired, as a report will name it. Read only during the call that it is passed to.
struct Resource {
  Kind kind;
  std::string_view name;
  int descriptor = -1;  ///< The descriptor behind it, or -1.
  OnDrop on_drop = OnDrop::abandoned;
};

}  // namespace LEASH_NAMESPACE::track
