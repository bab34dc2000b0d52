#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <string>

namespace LEASH_NAMESPACE::net::conformance {

/// One read of at most 1 KiB.
Result<std::string> read_some(Conn& conn);

/// Reads until `size` bytes, the end or an error.
Result<std::string> read_up_to(Conn& conn, std::size_t size);

/// Reads to the end.
Result<std::string> read_all(Conn& conn);

/// Reads and forgets, until the end or an error.
void drain(Conn& conn);

/// `local -> remote`, as errors have it.
std::string name_of(const Conn& conn);

/// Bytes of which none can be missing or at another place without being noticed.
std::string pattern(std::size_t size);

}  // namespace LEASH_NAMESPACE::net::conformance
