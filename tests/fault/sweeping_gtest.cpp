#include <leash/fault/gtest.hpp>

#include "sweeping.hpp"

TEST(Sweep, Good) { LEASH_SWEEP(good_body); }
TEST(Sweep, Bad) { LEASH_SWEEP(bad_body, {.max_runs = 10}); }
