#include <leash/os/mutex.hpp>
#include <leash/track/detail/every_test.hpp>
#include <leash/track/this_test.hpp>
#include <memory>
#include <mutex>

namespace LEASH_NAMESPACE::track {

namespace {

/// The tracker of a test.
class TestTracker final : public detail::TestScope {
 public:
  using TestScope::end;
};

struct Running {
  os::Mutex mutex;
  bool is_running = false;
  std::unique_ptr<TestTracker> tracker;  ///< Once the test has asked for it.
};

constinit Running running;

}  // namespace

namespace detail {

void EveryTest::begin() noexcept {
  const std::lock_guard lock(running.mutex);
  running.is_running = true;
}

std::optional<std::string> EveryTest::end(std::size_t wrapped_at) noexcept {
  std::unique_ptr<TestTracker> tracker;
  {
    const std::lock_guard lock(running.mutex);
    running.is_running = false;
    tracker = std::move(running.tracker);
  }
  if (!tracker) return std::nullopt;
  const auto failure = tracker->end(wrapped_at);
  return failure ? std::optional<std::string>(failure->text) : std::nullopt;
}

}  // namespace detail

Context this_test() {
  {
    const std::lock_guard lock(running.mutex);
    if (running.is_running) {
      if (!running.tracker) running.tracker = std::make_unique<TestTracker>();
      return running.tracker->context();
    }
  }
  return with_tracker(Context::background(), process_tracker());
}

Tracker this_test_tracker() { return *find_tracker(this_test()); }

}  // namespace LEASH_NAMESPACE::track
