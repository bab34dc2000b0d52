#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// A descriptor that the kernel says is open, and what tells it from a later one with the same number.
struct OpenDescriptor {
  int number = -1;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend auto operator<=>(const OpenDescriptor&, const OpenDescriptor&) = default;
};

/// Sorted.
using DescriptorList = std::vector<OpenDescriptor>;

/// The descriptors of this process, from /proc/self/fd; none where there is no such thing.
DescriptorList open_descriptors();

/// What the kernel tells of one: `/tmp/x; flags 02100002; position 4096`.
std::string describe_descriptor(int number);

/// The first part of that: what the descriptor is open on.
std::string_view target_of_descriptor(std::string_view description);

}  // namespace LEASH_NAMESPACE::track::detail
