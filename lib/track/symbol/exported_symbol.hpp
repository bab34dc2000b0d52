#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <string>

namespace LEASH_NAMESPACE::track::detail {

/// The mangled name of the exported function that `address` lies in; empty if there is none. Reads no file, but the
/// dynamic linker's symbol table in memory (`.dynsym`). Thread-safe, also while another thread unloads the library.
std::string exported_symbol(std::uintptr_t address);

}  // namespace LEASH_NAMESPACE::track::detail
