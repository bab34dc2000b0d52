#pragma once

#include <atomic>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/detail/ref.hpp>
#include <leash/error.hpp>
#include <leash/function.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <leash/registration.hpp>
#include <memory>
#include <optional>
#include <stop_token>
#include <system_error>
#include <unordered_set>
#include <vector>

namespace LEASH_NAMESPACE::detail {

/// The part of a Context that can be cancelled; shared by its descendants down to the next that has its own.
/// Thread-safe.
///
/// All states that descend from one have a mutex in common. Under it a cancellation first marks every descendant, so
/// that none is still wanted when the first callback runs; the callbacks come after, outside of it.
///
/// In a forked child those run that the thread which forked had registered: one of a thread that is lost may refer to
/// what was on its stack. A callback that was running in such a thread counts as over. They are no
/// `std::stop_callback`s, whose destructor would wait for it; those that the program makes with a token are.
class CancelState : public std::enable_shared_from_this<CancelState>, public RefCounted {
 public:
  /// A state below `parent` (or null). `attach` makes it take part.
  explicit CancelState(std::shared_ptr<CancelState> parent);
  CancelState(const CancelState&) = delete;
  CancelState& operator=(const CancelState&) = delete;
  virtual ~CancelState();

  /// A reference for CancelSources, which count theirs apart and so own it together, as one. To be called once at most.
  Ref<CancelState> for_sources() {
    sources_ = shared_from_this();
    return Ref<CancelState>(this);
  }

  /// From now on it ends with its parent, and at `deadline` by `clock`, if any.
  void attach(std::optional<Clock::time_point> deadline, const std::shared_ptr<Clock>& clock);

  /// Ends when `token` is stopped.
  void follow(std::stop_token token);

  void cancel(std::error_code code, std::optional<Error> cause);

  /// Whether it has ended. A deadline counts when it is past, also if the clock's thread is late.
  bool done() const noexcept;

  /// What it ended with, where `done`.
  std::error_code code() const noexcept { return code_; }
  std::optional<Error> cause() const { return cause_; }

  std::optional<Clock::time_point> deadline() const noexcept { return deadline_; }
  std::stop_token token() const noexcept { return source_.get_token(); }

  /// Calls `callback` when it has ended: in this call, if that was told already.
  virtual Registration on_cancel(Function<void()> callback);

  /// In a forked child: sets the timers again that the parent had set for the deadlines of this and what it descends
  /// from, since the child's clock may have no thread yet, or they were those of a lost one.
  void revive() {
    if (os::fork_generation() != 0) [[unlikely]]
      set_timers_again();
  }

 private:
  /// The last CancelSource is gone.
  friend void destroy(CancelState* state) noexcept { const auto sources = std::move(state->sources_); }

  using Link = std::stop_callback<Function<void()>>;

  /// A list that is its own end.
  struct Links {
    Links* next = this;
    Links* previous = this;
  };
  struct Callback;
  class Hold;

  /// What all states that descend from one share.
  struct Family {
    os::Mutex mutex;
    os::ConditionVariable finished;  ///< A callback.
  };

  void mark(std::error_code code, const std::optional<Error>& cause) const;
  void mark_below(std::vector<std::shared_ptr<CancelState>>& marked, std::error_code code,
                  const std::optional<Error>& cause);
  /// Virtual, as is `on_cancel`, so that the threads which run callbacks, and those which take them back, are told
  /// apart by the copy of leash that made this.
  virtual void tell() noexcept;
  std::shared_ptr<Callback> take_callback();
  void remove(Callback& callback) noexcept;
  Registration set_timer();
  void set_timers_again();

  std::shared_ptr<CancelState> parent_;
  std::shared_ptr<CancelState> sources_;  ///< This, while there are CancelSources.
  const std::shared_ptr<Family> family_;
  std::stop_source source_;
  std::optional<Clock::time_point> deadline_;
  std::shared_ptr<Clock> clock_;

  // Under the mutex, but for reading what `done_` releases.
  std::unordered_set<CancelState*> children_;
  mutable std::atomic<bool> done_{false};
  mutable std::error_code code_;
  mutable std::optional<Error> cause_;
  os::ThreadId told_by_;  ///< Who runs its callbacks, or has.
  Links callbacks_;

  const std::uint32_t generation_ = os::fork_generation();  ///< Of this process.
  std::unique_ptr<Link> token_link_;
  bool has_timer_ = false;
  Registration timer_;
  std::atomic<std::uint32_t> timer_generation_{generation_};  ///< Of the process that set the timer.
};

}  // namespace LEASH_NAMESPACE::detail
