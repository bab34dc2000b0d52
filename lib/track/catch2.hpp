#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cstddef>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <source_location>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::track {

/// Fails the Catch2 test case it stands in, with the report, if anything opened with its Context is still open when its
/// scope ends:
///
///     leash::track::Catch2Tracker tracker;
///     CHECK(import_csv(tracker.context(), files, "data.csv").has_value());
///
/// Declare it before the handles that must be gone by its end; it may be a member of a fixture. The failure is shown at
/// the line of the declaration (of a member: in the fixture), next to whatever else failed: nothing is thrown,
/// and an exception on its way out stays what it was. Catch2 has no line for such an exception, and shows it at the
/// last assertion before it: that is then the tracker's.
///
/// Trackers in threads that run at once know nothing of each other, and may end at once. But Catch2's own assertions
/// are not thread-safe (unless a version is built to be): while a tracker may end in one thread, no other thread
/// may use them. Works with Catch2 2.13 and 3.
class [[nodiscard]] Catch2Tracker : public detail::TestScope {
 public:
  explicit Catch2Tracker(std::source_location site = std::source_location::current()) : site_(site) {}
  explicit Catch2Tracker(const Options& options, std::source_location site = std::source_location::current())
      : TestScope(options), site_(site) {}

  ~Catch2Tracker() {
    const char* const failure = end();
    if (failure == nullptr) return;
    try {
      std::string text = failure;
      // Catch2 would not indent what follows an empty line.
      for (std::size_t at = 0; (at = text.find("\n\n", at)) != std::string::npos;) text.insert(++at, " ");
      one_at_a_time([&] {
        Catch::AssertionHandler handler("Catch2Tracker", Catch::SourceLineInfo(site_.file_name(), site_.line()), "",
                                        Catch::ResultDisposition::ContinueOnFailure);
        handler.handleMessage(Catch::ResultWas::ExplicitFailure, std::move(text));
        handler.complete();
      });
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --abort: the failure is recorded before it is thrown.
    }
  }

 private:
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
