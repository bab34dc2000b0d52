#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

namespace {

struct JUnitOutput {
  explicit JUnitOutput(const doctest::ContextOptions& given) : options(given) {
    if (const char* const name = std::getenv("LEASH_TEST_JUNIT")) file.open(name);
    options.cout = &file;
  }

  std::ofstream file;
  doctest::ContextOptions options;
};

/// Writes a report for those who read JUnit's to the file that LEASH_TEST_JUNIT names, beside what is printed for
/// people: doctest itself writes all reports to one stream.
struct JUnitFile : private JUnitOutput, public doctest::JUnitReporter {
  explicit JUnitFile(const doctest::ContextOptions& given) : JUnitOutput(given), doctest::JUnitReporter(options) {}
};

DOCTEST_REGISTER_LISTENER("junit-file", 1, JUnitFile);

}  // namespace
