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

/// Fails the Catch2 test case it is declared in, with the report, if the report has a failure when the tracker's scope
/// ends: anything that was opened with its Context and is still open is one.
///
///     leash::track::Catch2Tracker tracker;
///     CHECK(import_csv(tracker.context(), files, "data.csv").has_value());
///
/// Declare it before the handles that must be closed by the end of its scope; it may be a member of a fixture. Catch2
/// shows the failure at the line of the declaration (of a member: in the fixture), beside whatever else failed. The
/// destructor throws nothing, and an exception that is leaving the scope goes on as it was. Catch2 has no line for such
/// an exception and shows it at the last assertion before it, which is then the tracker's.
///
/// Catch2 breaks lines that are wider than its console. A finding whose first line it would break, so that no editor
/// could open the place there, is reported a second time, as a failure at that place.
///
/// Trackers in several threads are independent of each other, and their scopes may end at the same time. But Catch2's
/// own assertions are not thread-safe (unless its build makes them so): while a tracker's scope may end in one thread,
/// no other thread may use them. Works with Catch2 2.13 and 3.
class [[nodiscard]] Catch2Tracker : public detail::TestScope {
 public:
  explicit Catch2Tracker(std::source_location site = std::source_location::current()) : site_(site) {}
  explicit Catch2Tracker(const Options& options, std::source_location site = std::source_location::current())
      : TestScope(options), site_(site) {}

  ~Catch2Tracker() {
    // Catch2 indents what it wraps by two columns.
    const auto failure = end(console_width - 5);
    if (!failure) return;
    try {
      // Catch2 does not indent the line after an empty one: with a blank in it, it is not empty.
      std::string text = failure->text;
      for (std::size_t at = 0; (at = text.find("\n\n", at)) != std::string::npos;) text.insert(++at, " ");
      one_at_a_time([&] {
        fail(site_.file_name(), site_.line(), std::move(text));
        for (const FirstLine& each : failure->broken_lines) fail(each.file, each.line, each.text);
      });
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --abort, Catch2 throws once it has recorded the failure.
    }
  }

 private:
#ifdef CATCH_CONFIG_CONSOLE_WIDTH
  static constexpr std::size_t console_width = CATCH_CONFIG_CONSOLE_WIDTH;
#else
  static constexpr std::size_t console_width = 80;
#endif

  static void fail(const char* file, std::size_t line, std::string text) {
    Catch::AssertionHandler handler("Catch2Tracker", Catch::SourceLineInfo(file, line), "",
                                    Catch::ResultDisposition::ContinueOnFailure);
    handler.handleMessage(Catch::ResultWas::ExplicitFailure, std::move(text));
    handler.complete();
  }

  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
