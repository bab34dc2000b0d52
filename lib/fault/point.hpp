#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::fault {

/// An operation that is about to be done, as a plan sees it. Valid during the call that it is passed to.
struct Point {
  std::string_view operation;    ///< `open`, `File::read`, `dial`. Must live as long as the program.
  std::string_view subject;      ///< The path or address.
  const void* handle = nullptr;  ///< Tells connections apart that had the same address one after the other.
  std::uint64_t offset = 0;      ///< Where a read or write of a file begins, if that is known.
  std::uint64_t size = 0;        ///< How many bytes to read or write.
  bool writes = false;           ///< Whether it stores `size` bytes in a file, or else fails.
  bool ends_handle = false;      ///< Whether `handle` means nothing more afterwards.
  bool own = false;              ///< Whether it is one of the user's own: `check`.
  std::source_location site = {};
};

}  // namespace LEASH_NAMESPACE::fault
