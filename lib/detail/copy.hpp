#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::detail {

/// A copy of leash in the process. A library that links leash statically has one of its own, with trackers, tables and
/// threads of its own, perhaps of another version. Still a Context may come to it that another copy made.
///
/// Later versions keep this layout, and what `Context::Node` begins with, so that each can tell where a Context is
/// from.
struct Copy {
  std::uint32_t version;                       ///< `LEASH_VERSION`.
  std::atomic<bool> told;                      ///< That it met another one.
  void (*destroy_node)(const void*) noexcept;  ///< Destroys a Context's node that it made.

  static void destroy_own_node(const void* node) noexcept;
};

/// The one that this code belongs to.
extern constinit Copy this_copy;

/// What the nodes of Contexts are like: equal for all copies that can read each other's.
inline constexpr std::uint32_t this_format =
    static_cast<std::uint32_t>(LEASH_VERSION) / 100 * 2 + (tracking_enabled ? 1 : 0);

/// Says on standard error in which files this copy and `other` are, and what does not work between them; nothing if one
/// of the two was told of before. Thread-safe.
void tell_of(Copy& other) noexcept;

}  // namespace LEASH_NAMESPACE::detail
