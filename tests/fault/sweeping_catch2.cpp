#include <leash/fault/catch2.hpp>

#include "sweeping.hpp"

TEST_CASE("good") { LEASH_SWEEP(good_body); }
TEST_CASE("bad") { LEASH_SWEEP(bad_body, {.max_runs = 10}); }
