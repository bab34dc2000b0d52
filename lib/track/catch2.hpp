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
#include <leash/track/tracker.hpp>
#include <mutex>
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
/// Catch2 breaks lines that are wider than its console. Where that would break the place at the beginning of a finding,
/// the finding is a failure of its own too, at that place.
///
/// Trackers in threads that run at once know nothing of each other, and may end at once. But Catch2's own assertions
/// are not thread-safe (unless a version is built to be): while a tracker may end in one thread, no other thread
/// may use them. Works with Catch2 2.13 and 3.
class [[nodiscard]] Catch2Tracker : public detail::TestScope {
 public:
  explicit Catch2Tracker(Options options = {}, std::source_location site = std::source_location::current())
      : TestScope(std::move(options)), site_(site) {}
  Catch2Tracker(const Catch2Tracker&) = delete;
  Catch2Tracker& operator=(const Catch2Tracker&) = delete;

  ~Catch2Tracker() {
    // What it wraps it indents by two columns.
    auto failure = end(console_width - 5);
    if (!failure) return;
    static std::mutex one_at_a_time;
    try {
      // Catch2 would not indent what follows an empty line.
      std::string& text = failure->text;
      for (std::size_t at = 0; (at = text.find("\n\n", at)) != std::string::npos;) text.insert(++at, " ");
      const std::lock_guard<std::mutex> lock(one_at_a_time);
      fail({site_.file_name(), site_.line(), std::move(text)});
      for (FirstLine& each : failure->broken) fail(std::move(each));
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --abort: the failure is recorded before it is thrown.
    }
  }

 private:
#ifdef CATCH_CONFIG_CONSOLE_WIDTH
  static constexpr std::size_t console_width = CATCH_CONFIG_CONSOLE_WIDTH;
#else
  static constexpr std::size_t console_width = 80;
#endif

  static void fail(FirstLine what) {
    Catch::AssertionHandler handler("Catch2Tracker", Catch::SourceLineInfo(what.file, what.line), "",
                                    Catch::ResultDisposition::ContinueOnFailure);
    handler.handleMessage(Catch::ResultWas::ExplicitFailure, std::move(what.text));
    handler.complete();
  }

  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::track
