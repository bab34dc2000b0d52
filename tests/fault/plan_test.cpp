#include <doctest/doctest.h>

#include <cstdlib>
#include <leash/fault/detail/plan_state.hpp>
#include <leash/fault/plan.hpp>
#include <string_view>
#include <vector>

#include "plans.hpp"

using leash::Context;
using leash::Result;
using leash::fault::check;
using leash::fault::Plan;
using leash::fault::Rule;

TEST_CASE("the plan in the Context decides, with the occurrence, how many in a row, and the subject") {
  const Plan plan = plan_of("fail query \"select*\" #2 x2 with ETIMEDOUT");
  const Context context = with_plan(Context::background(), plan);
  CHECK(check(context, "query", "select 1"));
  CHECK(check(context, "query", "insert"));
  const Result<void> failed = check(context, "query", "select 2");
  REQUIRE_FALSE(failed);
  CHECK(to_string(failed.error()) == "query select 2: Connection timed out (injected)");
  CHECK_FALSE(check(context.with_note("deeper"), "query", "select 3"));
  CHECK(check(context, "query", "select 4"));
  CHECK(check(Context::background(), "query", "select 5"));
  CHECK(plan.injected() == 2);
  CHECK(plan.uses()[0].matched == 4);
}

TEST_CASE("a rule for good strikes each time, and a rule that fits nothing is told") {
  const Plan plan = plan_of("fail query always; fail qeury; fail query with EACCES");
  const Context context = with_plan(Context::background(), plan);
  for (int round = 0; round < 5; ++round) CHECK_FALSE(check(context, "query", "x"));
  const std::vector<Rule> unmatched = plan.unmatched();
  REQUIRE(unmatched.size() == 1);
  CHECK(unmatched[0].operation == "qeury");
  // The first that is due strikes, and the others count.
  CHECK(plan.uses()[2].matched == 5);
  CHECK(plan.uses()[2].injected == 0);
}

TEST_CASE("a rule may want a call site") {
  const Plan plan = plan_of("fail query always at plan_test.cpp; fail query at other.cpp");
  const Context context = with_plan(Context::background(), plan);
  CHECK_FALSE(check(context, "query", "x"));
  CHECK(plan.unmatched().size() == 1);
}

TEST_CASE("after a crash every operation fails") {
  const Plan plan = plan_of("crash sync");
  const Context context = with_plan(Context::background(), plan);
  CHECK(check(context, "open", "a"));
  CHECK_FALSE(plan.crashed());
  CHECK_FALSE(check(context, "sync", "a"));
  CHECK(plan.crashed());
  const Result<void> after = check(context, "open", "a");
  REQUIRE_FALSE(after);
  CHECK(after.error() == std::errc::io_error);
}

TEST_CASE("LEASH_FAULTS is a plan, and says what is wrong with it") {
  CHECK(leash::fault::Plan::from_environment()->uses().empty());
  ::setenv("LEASH_FAULTS", "fail open #3", 1);
  CHECK(to_string(Plan::from_environment()->uses()[0].rule) == "fail open #3 with EIO");
  ::setenv("LEASH_FAULTS", "fail open #x", 1);
  const Result<Plan> refused = Plan::from_environment();
  REQUIRE_FALSE(refused);
  CHECK(to_string(refused.error()).starts_with("parse LEASH_FAULTS:1:11: "));
  ::unsetenv("LEASH_FAULTS");
}

TEST_CASE("a connection that has the address of one that was reset and closed is not broken") {
  const Plan plan = plan_of("reset Conn::write");
  const Context context = with_plan(Context::background(), plan);
  leash::fault::detail::PlanState& state = *leash::fault::detail::find_plan(context);
  const int handle = 0;
  const leash::fault::Point write{
      .operation = "Conn::write", .subject = "(unnamed) -> /run/x", .handle = &handle, .size = 1, .writes = true};
  CHECK(state.visit(write));
  CHECK(state.visit(write));
  CHECK_FALSE(
      state.visit({.operation = "Conn::close", .subject = write.subject, .handle = &handle, .ends_handle = true}));
  CHECK_FALSE(state.visit(write));
}
