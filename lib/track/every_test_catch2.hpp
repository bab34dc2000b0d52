#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#else
#ifndef CATCH_CONFIG_EXTERNAL_INTERFACES
#ifdef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED
#error \
    "include <leash/track/every_test_catch2.hpp> before <catch2/catch.hpp>, or define CATCH_CONFIG_EXTERNAL_INTERFACES"
#endif
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#endif
#include <catch2/catch.hpp>
#endif

#include <leash/config.hpp>
#include <leash/track/detail/every_test.hpp>
#include <leash/track/this_test.hpp>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {

#if __has_include(<catch2/catch_test_macros.hpp>)
using Catch2Listener = ::Catch::EventListenerBase;
#else
using Catch2Listener = ::Catch::TestEventListenerBase;
#endif

/// Puts a tracker around each run of a test case of Catch2, and judges where its outermost section ends: later failures
/// do not count for the case.
class EveryCatch2 : public Catch2Listener {
 public:
  using Catch2Listener::Catch2Listener;

  void sectionStarting(const ::Catch::SectionInfo& section) override {
    Catch2Listener::sectionStarting(section);
    if (depth_++ == 0) EveryTest::begin();
  }

  void sectionEnded(const ::Catch::SectionStats& stats) override {
    if (--depth_ == 0) judge(stats.sectionInfo.lineInfo);
    Catch2Listener::sectionEnded(stats);
  }

 private:
  static void judge(const ::Catch::SourceLineInfo& line) {
    auto report = EveryTest::end();
    if (!report) return;
    try {
      ::Catch::AssertionHandler handler("LEASH_TRACK_EVERY_TEST", line, "",
                                        ::Catch::ResultDisposition::ContinueOnFailure);
      handler.handleMessage(::Catch::ResultWas::ExplicitFailure, *std::move(report));
      handler.complete();
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // With --abort, Catch2 throws once it has recorded the failure.
    }
  }

  int depth_ = 0;
};

}  // namespace LEASH_NAMESPACE::track::detail

/// Once in a test program, at namespace scope: every test has a tracker, `leash::track::this_test()`, and fails with
/// its report.
#define LEASH_TRACK_EVERY_TEST()                              \
  namespace {                                                 \
  using LeashEveryTest = ::leash::track::detail::EveryCatch2; \
  }                                                           \
  CATCH_REGISTER_LISTENER(LeashEveryTest)                     \
  static_assert(true, "")
