#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <leash/detail/deadline_after.hpp>
#include <leash/error.hpp>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/detail/watchdog.hpp>
#include <leash/os/background_thread.hpp>
#include <mutex>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

[[noreturn]] void end_process(SweepPlan& plan, std::chrono::nanoseconds limit) {
  const std::string token = plan.token();
  std::string text = "leash: a run of the sweep has not ended after " + duration_text(limit) + ": ";
  text += token.empty() ? "the body itself, without any fault" : "run it alone with LEASH_REPLAY=" + token;
  std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

Watchdog::Watchdog(std::chrono::nanoseconds deadline, std::chrono::nanoseconds limit)
    : deadline_(deadline), limit_(limit), thread_(os::start_thread([this] { watch(); })) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Watchdog::begin(leash::detail::Ref<SweepPlan> plan, const CancelSource& source) {
  const std::lock_guard lock(mutex_);
  began_ = std::chrono::steady_clock::now();
  cancelled_ = false;
  plan_ = std::move(plan);
  source_ = source;
}

bool Watchdog::end() {
  const std::lock_guard lock(mutex_);
  plan_ = nullptr;
  source_.reset();
  return cancelled_;
}

Watchdog::Time Watchdog::next_look() const {
  using leash::detail::deadline_after;
  if (!plan_) return deadline_after(std::chrono::steady_clock::now(), std::min(deadline_, limit_));
  return deadline_after(began_, cancelled_ ? limit_ : std::min(deadline_, limit_));
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_until(lock, next_look());
    if (stopping_ || !plan_) continue;
    const auto lasted = std::chrono::steady_clock::now() - began_;
    const leash::detail::Ref<SweepPlan> plan = plan_;
    if (lasted >= limit_) {
      lock.unlock();
      end_process(*plan, limit_);
    }
    if (lasted < deadline_ || cancelled_) continue;
    cancelled_ = true;
    const CancelSource source = *source_;
    // What is called on a cancellation may wait.
    lock.unlock();
    source.cancel(Error("sweep", "", std::errc::timed_out, "the run lasts longer than its deadline"));
    lock.lock();
  }
}

}  // namespace LEASH_NAMESPACE::fault::detail
