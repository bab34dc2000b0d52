#include <leash/detail/cancel_state.hpp>
#include <leash/os/happens_before.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::detail {
namespace {

std::error_code expired() { return std::make_error_code(std::errc::timed_out); }

}  // namespace

struct CancelState::Callback : Links, std::enable_shared_from_this<Callback> {
  explicit Callback(Function<void()> function_) : function(std::move(function_)) {}

  bool listed() const noexcept { return next != this; }
  void unlist() noexcept {
    next->previous = previous;
    previous->next = next;
    next = previous = this;
  }

  Function<void()> function;
  const os::ThreadId registered_by = os::ThreadId::current();
  os::ThreadId running_in;
};

class CancelState::Hold final : public Registration::Hold {
 public:
  Hold(std::shared_ptr<CancelState> state, std::shared_ptr<Callback> callback)
      : state_(std::move(state)), callback_(std::move(callback)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() override { state_->remove(*callback_); }

 private:
  // The Context may go before it is done; its deadline stays.
  const std::shared_ptr<CancelState> state_;
  const std::shared_ptr<Callback> callback_;
};

CancelState::CancelState(std::shared_ptr<CancelState> parent)
    : parent_(std::move(parent)), family_(parent_ ? parent_->family_ : std::make_shared<Family>()) {}

CancelState::~CancelState() {
  // The link of a parent process may be at work in a thread that is lost: its destructor would wait. Left alone it does
  // nothing any more.
  if (generation_ != os::fork_generation()) static_cast<void>(token_link_.release());
  if (!parent_) return;
  {
    const std::lock_guard lock(family_->mutex);
    parent_->children_.erase(this);
  }
  // A loop, because states may be nested deeper than the stack: the last owner of a parent takes the grandparent over.
  std::shared_ptr<CancelState> last = std::move(parent_);
  while (last && last.use_count() == 1) {
    std::shared_ptr<CancelState> next;
    {
      const std::lock_guard lock(family_->mutex);
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
    const std::lock_guard lock(family_->mutex);
    parent_->children_.insert(this);
    if (ended || parent_->done_) {
      code_ = parent_->code_;
      cause_ = parent_->cause_;
      done_ = true;
      told_by_ = os::ThreadId::current();
    }
  }
  if (done_) {
    source_.request_stop();
  } else if (own_deadline && *deadline <= clock->now()) {
    cancel(expired(), std::nullopt);
  } else if (own_deadline) {
    has_timer_ = true;
    timer_ = set_timer();
  }
}

Registration CancelState::set_timer() {
  return clock_->at(*deadline_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel(expired(), std::nullopt);
  });
}

void CancelState::set_timers_again() {
  const std::uint32_t generation = os::fork_generation();
  for (CancelState* state = this; state != nullptr; state = state->parent_.get()) {
    if (state->timer_generation_.load() == generation) continue;
    if (state->has_timer_) {
      Registration timer = state->set_timer();
      const std::lock_guard lock(family_->mutex);
      std::swap(state->timer_, timer);
    }
    // Only now: what could not be set for want of a thread is to be set the next time.
    state->timer_generation_.store(generation);
  }
}

void CancelState::follow(std::stop_token token) {
  token_link_ = std::make_unique<Link>(std::move(token), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel(std::make_error_code(std::errc::operation_canceled), std::nullopt);
  });
}

bool CancelState::done() const noexcept {
  if (done_.load(std::memory_order_acquire)) {
    os::happens_after(&done_);
    return true;
  }
  if (!deadline_ || clock_->coarse_now() < *deadline_) return false;
  const std::lock_guard lock(family_->mutex);
  mark(expired(), std::nullopt);
  return true;
}

/// The first end counts. Under the mutex.
void CancelState::mark(std::error_code code, const std::optional<Error>& cause) const {
  if (done_) return;
  code_ = code;
  cause_ = cause;
  os::happens_before(&done_);
  done_.store(true, std::memory_order_release);
}

/// Marks this and all descendants, and gathers those whose callbacks are to run, each with an owner. Under the mutex.
void CancelState::mark_below(std::vector<std::shared_ptr<CancelState>>& marked, std::error_code code,
                             const std::optional<Error>& cause) {
  std::vector<CancelState*> waiting{this};
  while (!waiting.empty()) {
    CancelState* const state = waiting.back();
    waiting.pop_back();
    // A thread that is lost did not come to the end of it.
    const bool interrupted = state->told_by_.lost() && state->callbacks_.next != &state->callbacks_;
    if (state->told_by_ && !interrupted) continue;
    state->told_by_ = os::ThreadId::current();
    state->mark(code, cause);
    waiting.insert(waiting.end(), state->children_.begin(), state->children_.end());
    // One that is being destroyed has no owner any more, nor a callback that could still run.
    if (std::shared_ptr<CancelState> owner = state->weak_from_this().lock()) marked.push_back(std::move(owner));
  }
}

void CancelState::cancel(std::error_code code, std::optional<Error> cause) {
  std::vector<std::shared_ptr<CancelState>> marked;
  {
    const std::lock_guard lock(family_->mutex);
    if (done_) {
      code = code_;
      cause = cause_;
    }
    mark_below(marked, code, cause);
  }
  for (const std::shared_ptr<CancelState>& state : marked) state->tell();
}

// NOLINTNEXTLINE(bugprone-exception-escape): a callback that throws ends the program
void CancelState::tell() noexcept {
  source_.request_stop();
  while (const std::shared_ptr<Callback> callback = take_callback()) {
    callback->function();
    // What it holds must be gone before a waiting `remove` returns.
    callback->function = nullptr;
    {
      const std::lock_guard lock(family_->mutex);
      callback->running_in = {};
    }
    family_->finished.notify_all();
  }
}

/// The next one, which this thread is to run.
std::shared_ptr<CancelState::Callback> CancelState::take_callback() {
  const std::lock_guard lock(family_->mutex);
  while (callbacks_.next != &callbacks_) {
    auto& callback = static_cast<Callback&>(*callbacks_.next);
    callback.unlist();
    if (callback.registered_by.lost()) continue;
    callback.running_in = os::ThreadId::current();
    return callback.shared_from_this();
  }
  return nullptr;
}

Registration CancelState::on_cancel(Function<void()> callback) {
  revive();
  const auto fresh = std::make_shared<Callback>(std::move(callback));
  auto hold = std::make_unique<Hold>(shared_from_this(), fresh);
  {
    const std::lock_guard lock(family_->mutex);
    if (!told_by_) {
      fresh->next = &callbacks_;
      fresh->previous = callbacks_.previous;
      callbacks_.previous->next = fresh.get();
      callbacks_.previous = fresh.get();
      return Registration(std::move(hold));
    }
  }
  [&]() noexcept { fresh->function(); }();
  return {};
}

void CancelState::remove(Callback& callback) noexcept {
  std::unique_lock lock(family_->mutex);
  if (callback.listed()) {
    callback.unlist();
  } else if (callback.running_in != os::ThreadId::current()) {
    family_->finished.wait(lock, [&] { return !callback.running_in || callback.running_in.lost(); });
  }
}

}  // namespace LEASH_NAMESPACE::detail
