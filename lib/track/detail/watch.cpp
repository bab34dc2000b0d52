#include <algorithm>
#include <chrono>
#include <leash/detail/deadline_after.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/detail/watch.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::array all_limits = {ThresholdReached::Limit::open, ThresholdReached::Limit::descriptors,
                                   ThresholdReached::Limit::age};

}  // namespace

Watch::Watch(TrackerState& tracker, const Threshold& threshold, Callback callback)
    : tracker_(tracker), clock_(tracker.clock()), threshold_(threshold), callback_(std::move(callback)) {}

bool Watch::is_set(Limit limit) const noexcept {
  switch (limit) {
    case Limit::open:
      return threshold_.open.has_value();
    case Limit::descriptors:
      return threshold_.descriptors.has_value();
    case Limit::age:
      return threshold_.age.has_value();
  }
  std::unreachable();
}

Watch::Value Watch::value_of(Limit limit) const {
  const auto compare = [this](double value, double at, const ThresholdReached& told) {
    return Value{value >= at, value < at * threshold_.rearm, told};
  };
  switch (limit) {
    case Limit::open: {
      const std::uint64_t open = tracker_.open_count();
      return compare(static_cast<double>(open), static_cast<double>(*threshold_.open), {.limit = limit, .open = open});
    }
    case Limit::descriptors: {
      const os::DescriptorUse use = os::descriptor_use();
      return compare(static_cast<double>(use.open), *threshold_.descriptors * static_cast<double>(use.limit),
                     {.limit = limit, .descriptors = use.open});
    }
    case Limit::age: {
      const std::optional<Clock::time_point> opened = tracker_.find_oldest();
      const Clock::duration oldest = opened ? clock_->now() - *opened : Clock::duration::zero();
      return compare(static_cast<double>(oldest.count()), static_cast<double>(threshold_.age->count()),
                     {.limit = limit, .age = oldest});
    }
  }
  std::unreachable();
}

bool Watch::may_have_changed(Limit limit) {
  if (limit != Limit::age) return true;
  // What is opened from now on is younger than what was the oldest at the last look.
  return clock_->now() >= next_age_;
}

void Watch::note_looked(const Value& value) {
  if (value.told.limit != Limit::age) return;
  const Clock::duration age = *threshold_.age;
  next_age_ = leash::detail::deadline_after(clock_->now(), value.reached ? age / 10 : age - value.told.age);
}

template <class Make>
void Watch::schedule(Look Watch::* look, Make make) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++scheduled_;
  }
  Registration made = make();
  // What `made` is in the end is destroyed after the mutex is unlocked.
  const std::lock_guard lock(mutex_);
  if (stopped_.load() || (this->*look).number > number) return;
  (this->*look).number = number;
  std::swap((this->*look).registration, made);
}

void Watch::start() {
  generation_.store(os::fork_generation());
  look_in_a_second();
  look_now();
}

void Watch::stop() noexcept {
  stopped_.store(true);
  // Whoever looks after this sees that it is stopped.
  if (!looking_.held()) const std::lock_guard after_looking(looking_);
  Registration in_a_second;
  Registration now;
  const std::lock_guard lock(mutex_);
  in_a_second = std::move(in_a_second_.registration);
  now = std::move(now_.registration);
}

void Watch::look_in_a_second() {
  schedule(&Watch::in_a_second_, [this] {
    const Clock::time_point time = leash::detail::deadline_after(clock_->now(), std::chrono::seconds(1));
    return clock_->at(time, [self = shared_from_this()] {
      self->look();
      try {
        self->look_in_a_second();
      } catch (...) {  // NOLINT(bugprone-empty-catch)
        // No memory: it looks again when resources are opened.
      }
    });
  });
}

void Watch::look_now() {
  if (looks_now_.exchange(true)) return;
  try {
    schedule(&Watch::now_, [this] {
      return clock_->at(clock_->now(), [self = shared_from_this()] {
        self->look();
        self->looks_now_.store(false);
      });
    });
  } catch (...) {
    looks_now_.store(false);
    throw;
  }
}

void Watch::look_soon() noexcept {
  try {
    if (generation_.exchange(os::fork_generation()) != os::fork_generation()) {
      // The clock's thread, which was to look, was lost in the fork.
      looks_now_.store(false);
      look_in_a_second();
    }
    const bool may_be_open = is_set(Limit::open) && is_armed(Limit::open) && value_of(Limit::open).reached;
    // To count descriptors takes too long here.
    const bool may_be_descriptors = is_set(Limit::descriptors) && is_armed(Limit::descriptors);
    if (may_be_open || may_be_descriptors) look_now();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // No memory: the next look comes within a second.
  }
}

void Watch::look() noexcept {
  // Another thread looks, or this one: a FakeClock looks at once when the callback opens resources. To wait here might
  // be to wait for a callback that waits for this thread.
  const std::unique_lock looks(looking_, std::try_to_lock);
  if (!looks) return;
  for (const Limit limit : all_limits) {
    if (stopped_.load()) return;
    if (!is_set(limit) || !may_have_changed(limit)) continue;
    std::atomic<bool>& armed = armed_[static_cast<std::size_t>(limit)];
    try {
      const Value value = value_of(limit);
      note_looked(value);
      if (value.below) armed.store(true);
      if (value.reached && armed.exchange(false)) callback_(value.told);
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // No memory, or the callback threw.
    }
  }
}

void Watches::add(const std::shared_ptr<Watch>& watch) {
  {
    const std::lock_guard lock(mutex_);
    watches_.push_back(watch);
    any_.store(true, std::memory_order_relaxed);
  }
  try {
    watch->start();
  } catch (...) {
    remove(*watch);
    watch->stop();
    throw;
  }
}

void Watches::remove(const Watch& watch) noexcept {
  std::shared_ptr<Watch> removed;
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(watches_, &watch, &std::shared_ptr<Watch>::get);
  if (found == watches_.end()) return;
  removed = std::move(*found);
  watches_.erase(found);
  any_.store(!watches_.empty(), std::memory_order_relaxed);
}

void Watches::stop() noexcept {
  std::vector<std::shared_ptr<Watch>> all;
  {
    const std::lock_guard lock(mutex_);
    all = std::exchange(watches_, {});
    any_.store(false, std::memory_order_relaxed);
  }
  for (const std::shared_ptr<Watch>& each : all) each->stop();
}

void Watches::all_look_soon() noexcept {
  std::vector<std::shared_ptr<Watch>> all;
  try {
    const std::lock_guard lock(mutex_);
    all = watches_;
  } catch (...) {
    return;
  }
  // Not under the mutex: a FakeClock calls the callback at once.
  for (const std::shared_ptr<Watch>& each : all) each->look_soon();
}

}  // namespace LEASH_NAMESPACE::track::detail
