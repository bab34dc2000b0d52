#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Whether the code at `address` is leash's own, found without symbols. True only if leash is linked into the program
/// as static libraries, without link-time optimization, and compiled without `-ffunction-sections`. False for code that
/// leash's headers bring into the user's sources.
bool is_own_code(std::uintptr_t address) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
