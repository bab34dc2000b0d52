#pragma once

namespace leash_test {

/// Whether the cases are compiled that take long for what they may find: damaged files, very deep trees, code compiled
/// in many ways, libraries that come and go (`-DLEASH_ALL_TESTS=ON`, as in `scripts/test --matrix`).
#ifdef LEASH_ALL_TESTS
inline constexpr bool all_tests = true;
#else
inline constexpr bool all_tests = false;
#endif

}  // namespace leash_test
