#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::detail {

/// One copy of leash's code and static variables in the process. A shared library that links leash statically brings a
/// copy of its own, perhaps of another version, with its own trackers, tables and threads. Yet the program may pass it
/// a Context that another copy made.
///
/// The layout of this struct, and of the first members of `Context::Node`, stays the same in later versions, so that
/// each copy can tell which copy made a Context.
struct Copy {
  std::uint32_t version;                       ///< `LEASH_VERSION`.
  std::atomic<bool> reported;                  ///< Whether `report_copy` has named it, or need not name it again.
  void (*destroy_node)(const void*) noexcept;  ///< Destroys a `Context::Node` that this copy made.

  /// The `destroy_node` of this copy.
  static void destroy_own_node(const void* node) noexcept;
};

/// The copy that this code belongs to.
extern constinit Copy this_copy;

/// The format of this copy's `Context::Node`. Copies with the same format can read each other's nodes.
inline constexpr std::uint32_t this_format =
    static_cast<std::uint32_t>(LEASH_VERSION) / 100 * 2 + (tracking_enabled ? 1 : 0);

/// Prints to standard error in which files this copy and `other` lie, and what does not work between them. Prints
/// nothing if one of the two was reported before. Thread-safe.
void report_copy(Copy& other) noexcept;

}  // namespace LEASH_NAMESPACE::detail
