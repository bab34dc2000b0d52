// What a test has to include that leaves its handles to a tracker, and no more.

#include <leash/track/doctest.hpp>
#include <string>

struct Name {
  using value_type = std::string;
};

TEST_CASE("a tracker and its Context are of use with this header alone") {
  const leash::track::DoctestTracker tracker;
  const leash::Context ctx = tracker.context();
  auto [child, source] = ctx.with_note("in a test").with_value<Name>("light").with_cancel();
  const leash::Registration registration = child.on_cancel([] {});
  source.cancel();
  CHECK(*child.value<Name>() == "light");
  CHECK(bool(child.error() == std::errc::operation_canceled));
  CHECK_FALSE(child.check("open", "data.csv").has_value());
  CHECK_FALSE(child.deadline().has_value());
}
