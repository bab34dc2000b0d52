#pragma once

#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <leash/fault/sweep.hpp>
#include <source_location>

/// Sweeps a body, and fails the doctest test case that it stands in, with the text of the result, unless that is ok:
///
///     TEST_CASE("import survives whatever fails") {
///       LEASH_SWEEP([](const leash::Context& ctx) {
///         leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
///         leash::fs::FaultFS faulty(memory);
///         leash::fs::TrackedFS files(faulty);
///         return import_csv(ctx, files, "data.csv");
///       });
///     }
///
/// Takes what `leash::fault::sweep` takes: behind the body there may be options. A statement; the test goes on behind
/// it.
#define LEASH_SWEEP(...) ::leash::fault::detail::require_in_doctest(::leash::fault::sweep(__VA_ARGS__))

namespace LEASH_NAMESPACE::fault::detail {

inline void require_in_doctest(const SweepResult& result, std::source_location site = std::source_location::current()) {
  if (result.ok()) return;
  DOCTEST_ADD_FAIL_CHECK_AT(site.file_name(), static_cast<int>(site.line()),
                            ::doctest::String(to_string(result).c_str()));
}

}  // namespace LEASH_NAMESPACE::fault::detail
