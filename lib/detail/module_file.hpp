#pragma once

#include <leash/config.hpp>
#include <string>

namespace LEASH_NAMESPACE::detail {

/// The path of the program or shared library that `address` lies in; "?" if the system does not tell. Does not wait for
/// a thread that is in `dlopen` or in a constructor of a library. Thread-safe; throws `std::bad_alloc`.
std::string module_file(const void* address);

}  // namespace LEASH_NAMESPACE::detail
