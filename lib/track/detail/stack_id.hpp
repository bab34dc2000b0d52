#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack.hpp>
#include <span>

namespace LEASH_NAMESPACE::track::detail {

/// Gives a stack a number that stands for it, or 0 if it could not be stored. `site` belongs to the key.
using InternStack = std::uint32_t (*)(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

/// The number of the caller's stack, without the innermost `skip` frames (this function itself not counted), as
/// `intern` gives it.
std::uint32_t capture_stack_id(Unwinder unwinder, std::size_t depth, std::size_t skip, std::uint32_t site,
                               InternStack intern) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
