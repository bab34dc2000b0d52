#include <leash/detail/timer_queue.hpp>
#include <leash/os/fork.hpp>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::detail {

struct TimerQueue::Timer {
  explicit Timer(Function<void()> callback_) : callback(std::move(callback_)) {}

  Function<void()> callback;
  std::optional<Timers::iterator> queued;  ///< Nothing once it was taken out of the queue.
  const os::ThreadId registered_by = os::ThreadId::current();
  os::ThreadId running_in;  ///< None before it runs and after it returned.
};

/// What a Registration owns: removes the timer.
class TimerQueue::Hold final : public Registration::Hold {
 public:
  Hold(std::shared_ptr<TimerQueue> queue, std::shared_ptr<Timer> timer)
      : queue_(std::move(queue)), timer_(std::move(timer)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() override { queue_->remove(*timer_); }

 private:
  std::shared_ptr<TimerQueue> queue_;
  std::shared_ptr<Timer> timer_;
};

Registration TimerQueue::add(Clock::time_point time, Function<void()> callback) {
  return add_or_run(time, Clock::time_point::min(), std::move(callback));
}

Registration TimerQueue::add_or_run(Clock::time_point time, Clock::time_point now, Function<void()> callback) {
  if (!callback) throw std::logic_error("leash: Clock::at: the callback is empty");
  auto timer = std::make_shared<Timer>(std::move(callback));
  auto hold = std::make_unique<Hold>(shared_from_this(), timer);
  const bool due = time <= now;
  bool too_late = false;
  {
    const std::lock_guard lock(mutex_);
    if (due) {
      timer->running_in = os::ThreadId::current();
    } else {
      timer->queued = timers_.emplace(time, timer);
      too_late = time < waits_until_;
    }
  }
  // All: in a child that a callback forked, two timer threads may wait: the one that ran the callback, which is to end,
  // and the new one.
  if (too_late) changed_.notify_all();
  if (due) run(*timer);
  return Registration(std::move(hold));
}

bool TimerQueue::run_one(Clock::time_point now, const std::function<void(Clock::time_point)>& before_run) {
  std::shared_ptr<Timer> timer;
  Clock::time_point time;
  {
    const std::lock_guard lock(mutex_);
    drop_due_of_lost_threads(now);
    if (timers_.empty() || timers_.begin()->first > now) return false;
    time = timers_.begin()->first;
    timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    timer->queued.reset();
    timer->running_in = os::ThreadId::current();
  }
  if (before_run) before_run(time);
  run(*timer);
  return true;
}

/// Runs a callback that was taken out of the queue and marked as running in this thread.
void TimerQueue::run(Timer& timer) noexcept {
  timer.callback();
  // Destroys what the callback captured before a `remove` in another thread, which waits for it, returns.
  timer.callback = nullptr;
  {
    const std::lock_guard lock(mutex_);
    timer.running_in = {};
  }
  callback_returned_.notify_all();
}

/// Removes timers of lost threads from the front of the queue, as far as they are due. The caller holds the mutex: this
/// destroys no callback, which might lock it, since the registration of each timer still owns it.
void TimerQueue::drop_due_of_lost_threads(Clock::time_point now) noexcept {
  while (!timers_.empty() && timers_.begin()->first <= now && timers_.begin()->second->registered_by.lost()) {
    timers_.begin()->second->queued.reset();
    timers_.erase(timers_.begin());
  }
}

void TimerQueue::wait() {
  std::unique_lock lock(mutex_);
  waits_until_ = timers_.empty() ? Clock::time_point::max() : timers_.begin()->first;
  if (waits_until_ == Clock::time_point::max()) {
    changed_.wait(lock);
  } else {
    const Clock::time_point until = waits_until_;
    changed_.wait_until(lock, until);
  }
}

void TimerQueue::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

void TimerQueue::remove(Timer& timer) noexcept {
  std::shared_ptr<Timer> removed;
  std::unique_lock lock(mutex_);
  if (timer.queued) {
    removed = std::move((*timer.queued)->second);
    timers_.erase(*timer.queued);
    timer.queued.reset();
    return;
  }
  if (timer.running_in == os::ThreadId::current()) return;
  callback_returned_.wait(lock, [&] { return !timer.running_in || timer.running_in.lost(); });
}

}  // namespace LEASH_NAMESPACE::detail
