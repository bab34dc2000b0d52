#pragma once

#include <atomic>
#include <functional>
#include <leash/clock.hpp>
#include <leash/error.hpp>
#include <memory>
#include <mutex>
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
/// that none is still wanted when the first callback runs; the callbacks come after, outside of it. They are
/// `std::stop_callback`s, which bring the rule that taking one back waits for it.
class CancelState : public std::enable_shared_from_this<CancelState> {
 public:
  /// A state below `parent` (or null). `attach` makes it take part.
  explicit CancelState(std::shared_ptr<CancelState> parent);
  CancelState(const CancelState&) = delete;
  CancelState& operator=(const CancelState&) = delete;
  ~CancelState();

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

 private:
  using Link = std::stop_callback<std::move_only_function<void()>>;

  void mark(std::error_code code, const std::optional<Error>& cause) const;
  void mark_below(std::vector<std::shared_ptr<CancelState>>& marked, std::error_code code,
                  const std::optional<Error>& cause);

  std::shared_ptr<CancelState> parent_;
  const std::shared_ptr<std::mutex> mutex_;
  std::stop_source source_;
  std::optional<Clock::time_point> deadline_;
  std::shared_ptr<Clock> clock_;

  // Under the mutex, but for reading what `done_` releases.
  std::unordered_set<CancelState*> children_;
  mutable std::atomic<bool> done_{false};
  mutable std::error_code code_;
  mutable std::optional<Error> cause_;
  bool told_ = false;  ///< Whether its callbacks have run or are about to.

  std::optional<Link> token_link_;
  Registration timer_;
};

}  // namespace LEASH_NAMESPACE::detail
