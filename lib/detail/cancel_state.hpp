#pragma once

#include <atomic>
#include <functional>
#include <leash/clock.hpp>
#include <leash/error.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace LEASH_NAMESPACE::detail {

/// The part of a Context that can be cancelled; shared by its descendants down to the next that has its own.
/// Thread-safe.
///
/// Callbacks are `std::stop_callback`s: they bring the rule that taking one back waits for it.
class CancelState : public std::enable_shared_from_this<CancelState> {
 public:
  /// A state below `parent` (or null) that is not linked to anything yet.
  explicit CancelState(std::shared_ptr<CancelState> parent) : parent_(std::move(parent)) {}

  /// Ends with the parent.
  void follow_parent();

  /// Ends when `token` is stopped.
  void follow(std::stop_token token);

  /// Expires at `time`, or when the parent does if that is earlier by the same clock.
  void expire_at(Clock::time_point time, const std::shared_ptr<Clock>& clock);

  void cancel(std::error_code code, std::optional<Error> cause);

  bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  std::error_code code() const noexcept { return done() ? code_ : std::error_code(); }
  std::optional<Error> cause() const { return done() ? cause_ : std::nullopt; }
  std::optional<Clock::time_point> deadline() const noexcept { return deadline_; }
  std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  using Link = std::stop_callback<std::move_only_function<void()>>;

  const std::shared_ptr<CancelState> parent_;
  std::stop_source source_;
  std::once_flag once_;
  std::atomic<bool> done_{false};
  std::error_code code_;
  std::optional<Error> cause_;
  std::optional<Clock::time_point> deadline_;
  std::shared_ptr<Clock> clock_;
  std::optional<Link> parent_link_;
  std::optional<Link> token_link_;
  Registration timer_;
};

}  // namespace LEASH_NAMESPACE::detail
