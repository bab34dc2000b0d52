// snippet: every
#include <leash/track/every_test_doctest.hpp>

LEASH_TRACK_EVERY_TEST();
// end snippet

#include <stdexcept>

#include "every_test.hpp"

TEST_CASE("closes") { every_test::close_all(); }
TEST_CASE("leaks") { every_test::leak(); }
TEST_CASE("leaks in a thread") { every_test::leak_in_a_thread(); }
TEST_CASE("leaks in a subcase") {
  SUBCASE("that closes") { every_test::close_all(); }
  SUBCASE("that leaks") { every_test::leak(); }
}
TEST_CASE("opens nothing") {}
TEST_CASE("leaks and throws") {
  every_test::leak();
  throw std::runtime_error("by the test");
}
TEST_CASE("closes too") { every_test::close_all(); }
