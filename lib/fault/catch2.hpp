#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fault/sweep.hpp>
#include <source_location>
#include <string>
#include <utility>

/// Sweeps a body, and fails the Catch2 test case that it stands in, with the text of the result, unless that is ok:
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
/// it. Works with Catch2 2.13 and 3.
#define LEASH_SWEEP(...) ::leash::fault::detail::require_in_catch2(::leash::fault::sweep(__VA_ARGS__))

namespace LEASH_NAMESPACE::fault::detail {

inline void require_in_catch2(const SweepResult& result, std::source_location site = std::source_location::current()) {
  if (result.ok()) return;
  // Catch2 does not indent the line after an empty one: with a blank in it, it is not empty.
  std::string text = to_string(result);
  for (std::size_t at = 0; (at = text.find("\n\n", at)) != std::string::npos;) text.insert(++at, " ");
  Catch::AssertionHandler handler("LEASH_SWEEP", Catch::SourceLineInfo(site.file_name(), site.line()), "",
                                  Catch::ResultDisposition::ContinueOnFailure);
  handler.handleMessage(Catch::ResultWas::ExplicitFailure, std::move(text));
  handler.complete();
}

}  // namespace LEASH_NAMESPACE::fault::detail
