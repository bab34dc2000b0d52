#include <leash/net/detail/deadline.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

// Neither is the clock called nor a Registration destroyed under the mutex. The clock may run any callback in this
// thread, and destroying a Registration waits for its callback, which may be waiting for the mutex in `pass`. Since
// thus two calls of `set` may overlap, each takes a number (`generation_`), and only the timer of the latest one
// counts.

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
