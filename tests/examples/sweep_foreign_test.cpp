#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fault/sweep.hpp>
#include <string_view>

#include "programs.hpp"

using leash::fault::SweepResult;
using sweep_foreign::Program;

TEST_CASE("libraries that reach their files and connections through leash survive each failure") {
  for (const Program& program : sweep_foreign::programs()) {
    leash::fault::SweepOptions options = program.options();
    options.max_runs = 400;
    options.max_time = std::chrono::seconds(8);
    const SweepResult result = leash::fault::sweep(program.run, options);
    CAPTURE(program.name);
    CAPTURE(result);
    CHECK(result.ok());
    CHECK(result.points >= 50);
  }
}
