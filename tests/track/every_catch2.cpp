#include <leash/track/every_test_catch2.hpp>
#include <stdexcept>

#include "every_test.hpp"

LEASH_TRACK_EVERY_TEST();

TEST_CASE("closes") { every_test::close_all(); }
TEST_CASE("leaks") { every_test::leak(); }
TEST_CASE("leaks in a thread") { every_test::leak_in_a_thread(); }
TEST_CASE("leaks in a section") {
  SECTION("that closes") { every_test::close_all(); }
  SECTION("that leaks") { every_test::leak(); }
}
TEST_CASE("opens nothing") {}
TEST_CASE("leaks and throws") {
  every_test::leak();
  throw std::runtime_error("by the test");
}
TEST_CASE("closes too") { every_test::close_all(); }
