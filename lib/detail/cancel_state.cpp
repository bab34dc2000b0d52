#include <leash/detail/cancel_state.hpp>
#include <utility>

namespace LEASH_NAMESPACE::detail {

// Links hold this state weakly: it owns them, and the last owner may let go while one of them runs.

void CancelState::follow_parent() {
  if (!parent_) return;
  if (!deadline_) {
    deadline_ = parent_->deadline_;
    clock_ = parent_->clock_;
  }
  parent_link_.emplace(parent_->token(), [weak = weak_from_this(), parent = std::weak_ptr(parent_)] {
    const auto self = weak.lock();
    const auto above = parent.lock();
    if (self && above) self->cancel(above->code(), above->cause());
  });
}

void CancelState::follow(std::stop_token token) {
  token_link_.emplace(std::move(token), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel(std::make_error_code(std::errc::operation_canceled), std::nullopt);
  });
}

void CancelState::expire_at(Clock::time_point time, const std::shared_ptr<Clock>& clock) {
  if (parent_ && parent_->clock_ == clock && parent_->deadline_.value_or(Clock::time_point::max()) <= time) return;
  deadline_ = time;
  clock_ = clock;
  const auto expire = [](CancelState& state) {
    state.cancel(std::make_error_code(std::errc::timed_out), std::nullopt);
  };
  if (time <= clock->now()) {
    expire(*this);
    return;
  }
  timer_ = clock->at(time, [weak = weak_from_this(), expire] {
    if (const auto self = weak.lock()) expire(*self);
  });
}

void CancelState::cancel(std::error_code code, std::optional<Error> cause) {
  std::call_once(once_, [&] {
    code_ = code;
    cause_ = std::move(cause);
    done_.store(true, std::memory_order_release);
  });
  source_.request_stop();
}

}  // namespace LEASH_NAMESPACE::detail
