#include <leash/track/every_test_gtest.hpp>
#include <stdexcept>

#include "every_test.hpp"

LEASH_TRACK_EVERY_TEST();

namespace {

class ItsFixture : public ::testing::Test {
 protected:
  void SetUp() override { file_ = every_test::open_file(leash::track::this_test()); }
  void TearDown() override { file_.close(); }

 private:
  leash::track::Tag file_;
};

}  // namespace

TEST(Every, Closes) { every_test::close_all(); }
TEST(Every, Leaks) { every_test::leak(); }
TEST(Every, LeaksInAThread) { every_test::leak_in_a_thread(); }
TEST(Every, OpensNothing) {}
TEST(Every, LeaksAndThrows) {
  every_test::leak();
  throw std::runtime_error("by the test");
}
TEST_F(ItsFixture, Closes) {}
TEST(Every, ClosesToo) { every_test::close_all(); }
