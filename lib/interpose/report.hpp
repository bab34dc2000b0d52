#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::interpose {

/// The program begins: standard error is kept for the report, which comes at exit(3).
void begin_report();

/// The program ends without exit(3): makes the report now. Returns whether it is to be a failure. Nothing fails.
bool report_at_once() noexcept;

}  // namespace LEASH_NAMESPACE::interpose
