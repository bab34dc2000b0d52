#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <string>

namespace LEASH_NAMESPACE::track::detail {

/// The mangled name of the exported function that `address` lies in, from the symbols in memory that the dynamic linker
/// uses; empty if there is none. Thread-safe, and safe while the library is unloaded.
std::string exported_symbol(std::uintptr_t address);

}  // namespace LEASH_NAMESPACE::track::detail
