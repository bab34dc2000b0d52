#pragma once

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Whether the code at `address` is leash's, as far as that is known without symbols: in a program that leash is linked
/// into as static libraries which the linker did not optimize as one with it, and were not compiled with
/// `-ffunction-sections`. Not of what leash's headers bring into the user's own sources.
bool is_own_code(std::uintptr_t address) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
