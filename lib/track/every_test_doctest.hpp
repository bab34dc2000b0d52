#pragma once

#include <doctest/doctest.h>

#include <leash/config.hpp>
#include <leash/track/detail/every_test.hpp>
#include <leash/track/this_test.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Puts a tracker around each test case of doctest, and around each run of one that has subcases. doctest has settled
/// whether a case failed before it tells its listeners that the case has ended. So its function is replaced while it
/// runs, by one that calls it.
class EveryDoctest final : public ::doctest::IReporter {
 public:
  explicit EveryDoctest(const ::doctest::ContextOptions& /*options*/) {}

  void test_case_start(const ::doctest::TestCaseData& data) override {
    // Those that doctest runs are of this type, and no constants: it keeps them in a set.
    test_case_ = const_cast<::doctest::detail::TestCase*>(  // NOLINT(*-const-cast)
        static_cast<const ::doctest::detail::TestCase*>(&data));
    function_ = test_case_->m_test;
    test_case_->m_test = &run;
  }

  void test_case_end(const ::doctest::CurrentTestCaseStats& /*stats*/) override {
    if (test_case_ != nullptr) test_case_->m_test = function_;
    test_case_ = nullptr;
  }

  void report_query(const ::doctest::QueryData& /*data*/) override {}
  void test_run_start() override {}
  void test_run_end(const ::doctest::TestRunStats& /*stats*/) override {}
  void test_case_reenter(const ::doctest::TestCaseData& /*data*/) override {}
  void test_case_exception(const ::doctest::TestCaseException& /*exception*/) override {}
  void subcase_start(const ::doctest::SubcaseSignature& /*subcase*/) override {}
  void subcase_end() override {}
  void log_assert(const ::doctest::AssertData& /*data*/) override {}
  void log_message(const ::doctest::MessageData& /*data*/) override {}
  void test_case_skipped(const ::doctest::TestCaseData& /*data*/) override {}

 private:
  /// Judges also if the function throws, as a failed REQUIRE does.
  struct Around {
    Around() { EveryTest::begin(); }
    Around(const Around&) = delete;
    Around& operator=(const Around&) = delete;
    ~Around() {
      if (const auto report = EveryTest::end()) {
        DOCTEST_ADD_FAIL_CHECK_AT(test_case_->m_file.c_str(), static_cast<int>(test_case_->m_line),
                                  ::doctest::String(report->c_str()));
      }
    }
  };

  static void run() {
    const Around around;
    function_();
  }

  static inline ::doctest::detail::TestCase* test_case_ = nullptr;
  static inline ::doctest::detail::funcType function_ = nullptr;
};

}  // namespace LEASH_NAMESPACE::track::detail

/// Once in a test program, at namespace scope: every test has a tracker, `leash::track::this_test()`, and fails with
/// its report.
#define LEASH_TRACK_EVERY_TEST() DOCTEST_REGISTER_LISTENER("leash", 1, ::leash::track::detail::EveryDoctest)
