#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <leash/detail/deadline_after.hpp>
#include <leash/error.hpp>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/detail/watchdog.hpp>
#include <leash/os/lazy.hpp>
#include <mutex>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {

using leash::detail::deadline_after;

namespace {

[[noreturn]] void end_process(SweepPlan& plan, Clock::duration limit) {
  const std::string token = plan.token();
  std::string text = "leash: a run of the sweep has not ended after " + duration_text(limit) + ": ";
  text += token.empty() ? "the body itself, without any fault" : "run it alone with LEASH_REPLAY=" + token;
  std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

namespace {

/// The watchdogs that no sweep has now.
struct Kennel {
  os::Mutex mutex;
  std::vector<std::unique_ptr<Watchdog>> idle;
};

constinit os::Lazy<Kennel> lazy_kennel;

Kennel& kennel() {
  return lazy_kennel.get([] { return new Kennel(); });
}

}  // namespace

Watchdog::Lent Watchdog::lend(Clock::duration deadline, Clock::duration limit) {
  {
    Kennel& from = kennel();
    const std::lock_guard lock(from.mutex);
    const auto found = std::ranges::find_if(from.idle, [&](const std::unique_ptr<Watchdog>& each) {
      return each->deadline_ == deadline && each->limit_ == limit;
    });
    if (found != from.idle.end()) {
      Lent lent(found->release());
      from.idle.erase(found);
      return lent;
    }
  }
  return Lent(new Watchdog(deadline, limit));
}

void Watchdog::GiveBack::operator()(Watchdog* watchdog) const noexcept {
  constexpr std::size_t most_idle = 16;
  std::unique_ptr<Watchdog> owned(watchdog);
  static_cast<void>(owned->end());  // What a run has thrown may have left it at watch.
  try {
    Kennel& to = kennel();
    const std::lock_guard lock(to.mutex);
    if (to.idle.size() < most_idle) to.idle.push_back(std::move(owned));
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // No memory: the next sweep makes another one.
  }
}

Watchdog::~Watchdog() {
  std::vector<Registration> looks;
  do {
    looks.clear();  // Waits for one that is under way, and may have left another one behind.
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    looks = std::exchange(looks_, {});
  } while (!looks.empty());
}

void Watchdog::begin(leash::detail::Ref<SweepPlan> plan, const CancelSource& source) {
  std::vector<Registration> over;
  Clock::time_point first;
  {
    const std::lock_guard lock(mutex_);
    began_ = Clock::real()->coarse_now();
    cancelled_ = false;
    plan_ = std::move(plan);
    source_ = source;
    // After a run that was cancelled the next look is one at the limit, which is too late for this run.
    const bool in_time = next_look_ <= deadline_after(began_, std::min(deadline_, limit_));
    if (std::exchange(looks_again_, true) && in_time) return;
    first = deadline_after(Clock::real()->now(), std::min(deadline_, limit_));
    next_look_ = first;
    over = std::exchange(looks_, {});
  }
  over.clear();
  look_at(first);
}

bool Watchdog::end() {
  const std::lock_guard lock(mutex_);
  plan_ = nullptr;
  source_.reset();
  return cancelled_;
}

void Watchdog::look_at(Clock::time_point time) {
  Registration look = Clock::real()->at(time, [this] { this->look(); });
  const std::lock_guard lock(mutex_);
  // A run that begins while the last one is being cancelled has a look of its own, and this one goes.
  if (next_look_ == time) looks_.push_back(std::move(look));
}

void Watchdog::look() {
  std::optional<CancelSource> late;
  Clock::time_point next;
  {
    const std::lock_guard lock(mutex_);
    // Without a run, the next one asks to be looked at.
    looks_again_ = plan_ && !stopping_;
    if (!looks_again_) return;
    const Clock::time_point now = Clock::real()->now();
    if (now - began_ >= limit_) end_process(*plan_, limit_);
    if (now - began_ >= deadline_ && !cancelled_) {
      cancelled_ = true;
      late = source_;
    }
    next = deadline_after(began_, cancelled_ ? limit_ : std::min(deadline_, limit_));
    next_look_ = next;
  }
  // What is called on a cancellation may wait.
  if (late) late->cancel(Error("sweep", "", std::errc::timed_out, "the run lasts longer than its deadline"));
  look_at(next);
}

}  // namespace LEASH_NAMESPACE::fault::detail
