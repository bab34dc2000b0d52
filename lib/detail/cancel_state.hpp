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

/// The part of a Context that can be cancelled. A Context shares it with its descendants, down to those that have one
/// of their own. Thread-safe.
///
/// All states that descend from one root form a tree and share one mutex. `cancel` first locks it and marks the state
/// and all its descendants as done; then it unlocks it and runs their callbacks. So when the first callback runs, every
/// descendant is already done.
///
/// In a forked child only the callbacks run that the forking thread had registered: one of a lost thread (see
/// os/fork.hpp) may refer to that thread's stack. A callback that was running in a lost thread counts as returned. This
/// is why `on_cancel` does not use `std::stop_callback`: its destructor would wait for ever for a callback in a lost
/// thread.
class CancelState : public std::enable_shared_from_this<CancelState>, public RefCounted {
 public:
  /// A child of `parent`, which may be null. It is not cancelled with it before `attach`.
  explicit CancelState(std::shared_ptr<CancelState> parent);
  CancelState(const CancelState&) = delete;
  CancelState& operator=(const CancelState&) = delete;
  virtual ~CancelState();

  /// A reference for CancelSources, which count theirs apart and so own it together, as one. To be called once at most.
  Ref<CancelState> for_sources() {
    sources_ = shared_from_this();
    return Ref<CancelState>(this);
  }

  /// From now on it is done when its parent is, and at `deadline`, if given, by `clock`. To be called once, by the
  /// thread that made it. Throws what `Clock::at` does.
  void attach(std::optional<Clock::time_point> deadline, const std::shared_ptr<Clock>& clock);

  /// Cancels it when a stop is requested of `token`.
  void cancel_on_stop(std::stop_token token);

  /// Ends this state and its descendants with `code` and `cause`, and runs their callbacks in this thread. If it is
  /// done already, the first code and cause stay.
  void cancel(std::error_code code, std::optional<Error> cause);

  /// Whether it was cancelled or its deadline is past, even if the clock's timer has not fired yet.
  bool done() const noexcept;

  /// The code and cause of the first `cancel`. To be called only after `done` returned true.
  std::error_code code() const noexcept { return code_; }
  std::optional<Error> cause() const { return cause_; }

  std::optional<Clock::time_point> deadline() const noexcept { return deadline_; }
  std::stop_token token() const noexcept { return source_.get_token(); }

  /// Calls `callback` when it is cancelled. If its callbacks were already run, calls it in this call.
  virtual Registration on_cancel(Function<void()> callback);

  /// Does something only in a forked child: sets the timers for the deadlines of this state and its ancestors again.
  /// The child's clock may have no thread yet, and drops timers that a lost thread had set.
  void renew_timers_after_fork() {
    if (os::fork_generation() != 0) [[unlikely]]
      set_timers_again();
  }

 private:
  /// The last CancelSource is gone.
  friend void destroy(CancelState* state) noexcept { const auto sources = std::move(state->sources_); }

  using StopCallback = std::stop_callback<Function<void()>>;

  /// A node of a circular, doubly linked list. A node that is in no list points to itself.
  struct ListNode {
    ListNode* next = this;
    ListNode* previous = this;
  };
  struct Callback;
  class Hold;

  /// What all states of one tree share.
  struct Tree {
    os::Mutex mutex;
    os::ConditionVariable callback_returned;
  };

  void mark(std::error_code code, const std::optional<Error>& cause) const;
  void mark_tree(std::vector<std::shared_ptr<CancelState>>& marked, std::error_code code,
                 const std::optional<Error>& cause);
  /// Virtual, as `on_cancel` is: so a call from another copy of leash (see copy.hpp) runs the code of the copy that
  /// made this state. That code compares ThreadIds, and each copy numbers the threads by itself.
  virtual void run_callbacks() noexcept;
  std::shared_ptr<Callback> take_callback();
  void remove(Callback& callback) noexcept;
  Registration set_timer();
  void set_timers_again();

  std::shared_ptr<CancelState> parent_;
  std::shared_ptr<CancelState> sources_;  ///< This, while there are CancelSources.
  const std::shared_ptr<Tree> tree_;
  std::stop_source source_;
  std::optional<Clock::time_point> deadline_;
  std::shared_ptr<Clock> clock_;

  // Guarded by the mutex of the tree; but `code_` and `cause_` may be read without it once `done_` was loaded as true.
  std::unordered_set<CancelState*> children_;
  mutable std::atomic<bool> done_{false};
  mutable std::error_code code_;
  mutable std::optional<Error> cause_;
  os::ThreadId callbacks_run_by_;  ///< The thread that runs the callbacks or has run them; none before.
  ListNode callbacks_;             ///< The head of the list of `Callback`s that have not run.

  const std::uint32_t generation_ = os::fork_generation();  ///< Of the process that made this state.
  std::unique_ptr<StopCallback> stop_callback_;             ///< Of the token given to `cancel_on_stop`.
  bool has_timer_ = false;
  Registration timer_;
  std::atomic<std::uint32_t> timer_generation_{generation_};  ///< Of the process that set `timer_`.
};

}  // namespace LEASH_NAMESPACE::detail
