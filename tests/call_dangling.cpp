// A Call that outlives the Context that it was made of does not compile where the compiler knows how long things live.

#include <leash/call.hpp>

namespace {

unsigned line_of(leash::Call call) { return call.site().line(); }

unsigned use(const leash::Context& parent) {
  const leash::Call copied = leash::Context::background();    // refused
  const leash::Call made{parent.with_note("fetch user 42")};  // refused
  const leash::Call fine = parent;
  return line_of(copied) + line_of(made) + line_of(fine) + line_of(parent.with_note("for one call"));
}

leash::Call of_a_local() {
  const leash::Context local;
  return local;  // refused
}

}  // namespace
