#pragma once

#include <gtest/gtest.h>

#include <leash/config.hpp>
#include <leash/fault/sweep.hpp>
#include <source_location>

/// Sweeps a body, and fails the GoogleTest test that it stands in, with the text of the result, unless that is ok:
///
///     TEST(Import, SurvivesWhateverFails) {
///       LEASH_SWEEP([](const leash::Context& ctx) {
///         leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
///         leash::fs::FaultFS faulty(memory);
///         leash::fs::TrackedFS files(faulty);
///         return import_csv(ctx, files, "data.csv");
///       });
///     }
///
/// Takes what `leash::fault::sweep` takes: behind the body there may be options. A statement; the failure is not fatal.
#define LEASH_SWEEP(...) ::leash::fault::detail::require_in_gtest(::leash::fault::sweep(__VA_ARGS__))

namespace LEASH_NAMESPACE::fault::detail {

inline void require_in_gtest(const SweepResult& result, std::source_location site = std::source_location::current()) {
  if (!result.ok()) ADD_FAILURE_AT(site.file_name(), static_cast<int>(site.line())) << to_string(result);
}

}  // namespace LEASH_NAMESPACE::fault::detail
