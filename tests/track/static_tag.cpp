#include <cstdio>
#include <cstdlib>
#include <leash/track/errc.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "kinds.hpp"

namespace {

// Destroyed after `main`, after the tracker and the Context, and after every static variable made later.
std::optional<leash::track::Tag> abandoned;   // NOLINT(cert-err58-cpp)
std::optional<leash::track::Tag> error_lost;  // NOLINT(cert-err58-cpp)
std::optional<leash::track::Tag> after_end;   // NOLINT(cert-err58-cpp)
std::optional<leash::track::Tag> reported;    // NOLINT(cert-err58-cpp)

struct Failure {
  std::error_code code;
  ~Failure() { std::puts(code.message().c_str()); }
};
Failure failure;  // NOLINT(cert-err58-cpp)

}  // namespace

int main() {
  failure.code = leash::track::errc::tracker_closed;
  using leash::track::OnDrop;
  const auto [tracker, context] = leash::track::with_tracker(leash::Context::background());
  abandoned = leash::track::acquire(context, {slot, "abandoned"});
  error_lost = leash::track::acquire(context, {slot, "error_lost", -1, OnDrop::error_lost});
  {
    auto [closed, closed_context] = leash::track::with_tracker(leash::Context::background());
    after_end = leash::track::acquire(closed_context, {slot, "after_end"});
    const bool found = !closed.close().ok();
    if (found != leash::tracking_enabled) return 1;
  }
  {
    // Its destructor closes it, and nobody shall be told that this is late.
    const auto late = [](const leash::track::Report&) { std::_Exit(2); };
    auto [closed, closed_context] = leash::track::with_tracker(leash::Context::background(), {.on_late = late});
    reported = leash::track::acquire(closed_context, {slot, "reported", -1, OnDrop::closed});
    if (closed.close().ok() == leash::tracking_enabled) return 1;
  }
  std::puts("main ends");
  return 0;
}
