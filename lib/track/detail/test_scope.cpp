#include <atomic>
#include <cstdio>
#include <exception>
#include <leash/os/turn.hpp>
#include <leash/track/detail/test_scope.hpp>
#include <leash/track/tracker.hpp>
#include <mutex>
#include <string>

namespace LEASH_NAMESPACE::track::detail {

struct TestScope::State {
  TrackedContext tracked;
  std::string failure;
};

TestScope::TestScope() : TestScope(Options()) {}

TestScope::TestScope(const Options& options)
    : state_(new State{.tracked = with_tracker(Context::background(), options), .failure = {}}) {
  if constexpr (!tracking_enabled) {
    static constinit std::atomic<bool> said{false};
    if (!said.exchange(true)) {
      std::fputs("leash: built with LEASH_TRACKING=OFF: no test was checked for open handles\n", stderr);
    }
  }
}

TestScope::~TestScope() { delete state_; }

const Context& TestScope::context() const noexcept { return state_->tracked.context; }
Tracker& TestScope::tracker() noexcept { return state_->tracked.tracker; }
const Tracker& TestScope::tracker() const noexcept { return state_->tracked.tracker; }

const char* TestScope::end() noexcept {
  try {
    const Report report = tracker().close();
    if (report.ok()) return nullptr;
    state_->failure = to_string(report);
  } catch (const std::exception& error) {
    state_->failure = std::string("leash: no report: ") + error.what();
  }
  return state_->failure.c_str();
}

void TestScope::one_at_a_time(const Function<void()>& function) {
  static constinit os::Turn turn;
  const std::lock_guard lock(turn);
  function();
}

}  // namespace LEASH_NAMESPACE::track::detail
