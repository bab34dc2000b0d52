#include <leash/net/detail/deadline.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

// The clock is never called and no registration let go of under the mutex: a clock may run any callback in this thread,
// and letting go waits for a callback that may be waiting for the mutex. So a generation says whose turn it is.

Deadline::Deadline(std::shared_ptr<Clock> clock, std::function<void()> on_passed)
    : clock_(std::move(clock)), on_passed_(std::move(on_passed)) {}

void Deadline::set(std::optional<Clock::time_point> time) {
  const bool past = time && *time <= clock_->now();
  Registration timer;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = ++generation_;
    passed_ = past;
    time_ = time;
    std::swap(timer, timer_);
  }
  timer.reset();
  if (past) on_passed_();
  if (past || !time) return;
  timer = clock_->at(*time, [this, generation] { pass(generation); });
  const std::lock_guard lock(mutex_);
  if (generation == generation_) std::swap(timer, timer_);
}

void Deadline::set_timer_again() {
  const std::uint32_t process = os::fork_generation();
  if (timer_generation_.exchange(process) == process) return;
  std::uint64_t generation = 0;
  std::optional<Clock::time_point> time;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    time = time_;
  }
  if (!time) return;
  Registration timer = clock_->at(*time, [this, generation] { pass(generation); });
  const std::lock_guard lock(mutex_);
  if (generation == generation_) std::swap(timer, timer_);
}

void Deadline::pass(std::uint64_t generation) {
  {
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return;
    passed_ = true;
  }
  on_passed_();
}

}  // namespace LEASH_NAMESPACE::net::detail
