#include <leash/detail/cancel_state.hpp>
#include <utility>

namespace LEASH_NAMESPACE::detail {
namespace {

std::error_code expired() { return std::make_error_code(std::errc::timed_out); }

}  // namespace

CancelState::CancelState(std::shared_ptr<CancelState> parent)
    : parent_(std::move(parent)), mutex_(parent_ ? parent_->mutex_ : std::make_shared<std::mutex>()) {}

CancelState::~CancelState() {
  if (!parent_) return;
  {
    const std::lock_guard lock(*mutex_);
    parent_->children_.erase(this);
  }
  // A loop, because states may be nested deeper than the stack: the last owner of a parent takes the grandparent over.
  std::shared_ptr<CancelState> last = std::move(parent_);
  while (last && last.use_count() == 1) {
    std::shared_ptr<CancelState> next;
    {
      const std::lock_guard lock(*mutex_);
      next = std::exchange(last->parent_, nullptr);
      if (next) next->children_.erase(last.get());
    }
    last = std::move(next);
  }
}

void CancelState::attach(std::optional<Clock::time_point> deadline, const std::shared_ptr<Clock>& clock) {
  bool own_deadline = deadline.has_value();
  if (parent_ && parent_->deadline_) {
    const bool earlier = parent_->clock_ == clock && parent_->deadline_ <= deadline;
    if (!deadline || earlier) own_deadline = false;
  }
  deadline_ = own_deadline || !parent_ ? deadline : parent_->deadline_;
  clock_ = own_deadline || !parent_ ? clock : parent_->clock_;
  if (parent_) {
    // First, in case its deadline is past: the first end counts.
    const bool ended = parent_->done();
    const std::lock_guard lock(*mutex_);
    parent_->children_.insert(this);
    if (ended || parent_->done_) {
      code_ = parent_->code_;
      cause_ = parent_->cause_;
      done_ = true;
      told_ = true;
    }
  }
  if (done_) {
    source_.request_stop();
  } else if (own_deadline && *deadline <= clock->now()) {
    cancel(expired(), std::nullopt);
  } else if (own_deadline) {
    timer_ = clock->at(*deadline, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->cancel(expired(), std::nullopt);
    });
  }
}

void CancelState::follow(std::stop_token token) {
  token_link_.emplace(std::move(token), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel(std::make_error_code(std::errc::operation_canceled), std::nullopt);
  });
}

bool CancelState::done() const noexcept {
  if (done_.load(std::memory_order_acquire)) return true;
  if (!deadline_ || clock_->coarse_now() < *deadline_) return false;
  const std::lock_guard lock(*mutex_);
  mark(expired(), std::nullopt);
  return true;
}

/// The first end counts. Under the mutex.
void CancelState::mark(std::error_code code, const std::optional<Error>& cause) const {
  if (done_) return;
  code_ = code;
  cause_ = cause;
  done_.store(true, std::memory_order_release);
}

/// Marks this and all descendants, and gathers those whose callbacks are to run, each with an owner. Under the mutex.
void CancelState::mark_below(std::vector<std::shared_ptr<CancelState>>& marked, std::error_code code,
                             const std::optional<Error>& cause) {
  std::vector<CancelState*> waiting{this};
  while (!waiting.empty()) {
    CancelState* const state = waiting.back();
    waiting.pop_back();
    if (std::exchange(state->told_, true)) continue;
    state->mark(code, cause);
    waiting.insert(waiting.end(), state->children_.begin(), state->children_.end());
    // One that is being destroyed has no owner any more, nor a callback that could still run.
    if (std::shared_ptr<CancelState> owner = state->weak_from_this().lock()) marked.push_back(std::move(owner));
  }
}

void CancelState::cancel(std::error_code code, std::optional<Error> cause) {
  std::vector<std::shared_ptr<CancelState>> marked;
  {
    const std::lock_guard lock(*mutex_);
    if (done_) {
      code = code_;
      cause = cause_;
    }
    mark_below(marked, code, cause);
  }
  for (const std::shared_ptr<CancelState>& state : marked) state->source_.request_stop();
}

}  // namespace LEASH_NAMESPACE::detail
