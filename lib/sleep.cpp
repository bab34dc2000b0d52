#include <leash/context.hpp>
#include <leash/detail/deadline_after.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <leash/sleep.hpp>
#include <mutex>

namespace LEASH_NAMESPACE {

Result<void> sleep_for(Call call, Clock::duration duration) {
  return sleep_until(call, detail::deadline_after(call.context().clock()->now(), duration));
}

Result<void> sleep_until(Call call, Clock::time_point time) {
  const Context& context = call.context();
  if (!context.done() && time > context.clock()->now()) {
    os::Mutex mutex;
    os::ConditionVariable changed;
    bool over = false;
    const auto wake = [&] {
      // Notifies with the mutex locked: else the sleeper could see `over` and destroy `changed` before it is notified.
      const std::lock_guard lock(mutex);
      over = true;
      changed.notify_all();
    };
    const Registration ended = context.on_cancel(wake);
    const Registration timer = context.clock()->at(time, wake);
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return over; });
  }
  return context.check("sleep", {});
}

}  // namespace LEASH_NAMESPACE
