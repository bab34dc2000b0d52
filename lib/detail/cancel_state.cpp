#include <leash/detail/cancel_state.hpp>
#include <leash/os/happens_before.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::detail {
namespace {

std::error_code expired() { return std::make_error_code(std::errc::timed_out); }

}  // namespace

struct CancelState::Callback : ListNode, std::enable_shared_from_this<Callback> {
  explicit Callback(Function<void()> function_) : function(std::move(function_)) {}

  bool is_listed() const noexcept { return next != this; }
  void unlist() noexcept {
    next->previous = previous;
    previous->next = next;
    next = previous = this;
  }

  Function<void()> function;
  const os::ThreadId registered_by = os::ThreadId::current();
  os::ThreadId running_in;  ///< None before it runs and after it returned.
};

/// What a Registration owns: removes the callback.
class CancelState::Hold final : public Registration::Hold {
 public:
  Hold(std::shared_ptr<CancelState> state, std::shared_ptr<Callback> callback)
      : state_(std::move(state)), callback_(std::move(callback)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() override { state_->remove(*callback_); }

 private:
  // Keeps the state and its timer: the deadline still runs the callback after the last Context with this state is gone.
  const std::shared_ptr<CancelState> state_;
  const std::shared_ptr<Callback> callback_;
};

CancelState::CancelState(std::shared_ptr<CancelState> parent)
    : parent_(std::move(parent)), tree_(parent_ ? parent_->tree_ : std::make_shared<Tree>()) {}

CancelState::~CancelState() {
  // A stop_callback that was made before a fork may be running in a lost thread, and its destructor would wait for
  // ever. So it is leaked; it can do no harm, since it holds only a weak reference.
  if (generation_ != os::fork_generation()) static_cast<void>(stop_callback_.release());
  if (!parent_) return;
  {
    const std::lock_guard lock(tree_->mutex);
    parent_->children_.erase(this);
  }
  // A loop instead of a recursion through `parent_`, which could overflow the stack: if this state was the last owner
  // of its parent, it takes over the grandparent before it destroys the parent, and so on.
  std::shared_ptr<CancelState> last = std::move(parent_);
  while (last && last.use_count() == 1) {
    std::shared_ptr<CancelState> next;
    {
      const std::lock_guard lock(tree_->mutex);
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
    // `done` marks a parent whose deadline is past, so that this state gets the code and cause of the parent's end. It
    // locks the mutex itself.
    const bool ended = parent_->done();
    const std::lock_guard lock(tree_->mutex);
    parent_->children_.insert(this);
    if (ended || parent_->done_) {
      code_ = parent_->code_;
      cause_ = parent_->cause_;
      done_ = true;
      callbacks_run_by_ = os::ThreadId::current();
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
      const std::lock_guard lock(tree_->mutex);
      std::swap(state->timer_, timer);
    }
    // After `set_timer`, which throws if the clock cannot start its thread: the next call then tries again.
    state->timer_generation_.store(generation);
  }
}

void CancelState::cancel_on_stop(std::stop_token token) {
  stop_callback_ = std::make_unique<StopCallback>(std::move(token), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel(std::make_error_code(std::errc::operation_canceled), std::nullopt);
  });
}

bool CancelState::done() const noexcept {
  if (done_.load(std::memory_order_acquire)) {
    os::happens_after(&done_);
    return true;
  }
  if (!deadline_ || clock_->coarse_now() < *deadline_) return false;
  const std::lock_guard lock(tree_->mutex);
  mark(expired(), std::nullopt);
  return true;
}

/// Sets the code and cause, unless the state is done already. The caller holds the mutex.
void CancelState::mark(std::error_code code, const std::optional<Error>& cause) const {
  if (done_) return;
  code_ = code;
  cause_ = cause;
  os::happens_before(&done_);
  done_.store(true, std::memory_order_release);
}

/// Marks this state and all its descendants, and appends those whose callbacks this thread is to run to `marked`. The
/// caller holds the mutex.
void CancelState::mark_tree(std::vector<std::shared_ptr<CancelState>>& marked, std::error_code code,
                            const std::optional<Error>& cause) {
  std::vector<CancelState*> waiting{this};
  while (!waiting.empty()) {
    CancelState* const state = waiting.back();
    waiting.pop_back();
    // In a forked child: whether a lost thread was running the callbacks and left some in the list.
    const bool interrupted = state->callbacks_run_by_.lost() && state->callbacks_.next != &state->callbacks_;
    if (state->callbacks_run_by_ && !interrupted) continue;
    state->callbacks_run_by_ = os::ThreadId::current();
    state->mark(code, cause);
    waiting.insert(waiting.end(), state->children_.begin(), state->children_.end());
    // Null if the state is being destroyed: then it has no callbacks, since each registration owns its state.
    if (std::shared_ptr<CancelState> owner = state->weak_from_this().lock()) marked.push_back(std::move(owner));
  }
}

void CancelState::cancel(std::error_code code, std::optional<Error> cause) {
  std::vector<std::shared_ptr<CancelState>> marked;
  {
    const std::lock_guard lock(tree_->mutex);
    if (done_) {
      code = code_;
      cause = cause_;
    }
    mark_tree(marked, code, cause);
  }
  for (const std::shared_ptr<CancelState>& state : marked) state->run_callbacks();
}

// NOLINTNEXTLINE(bugprone-exception-escape): a callback that throws ends the program
void CancelState::run_callbacks() noexcept {
  source_.request_stop();
  while (const std::shared_ptr<Callback> callback = take_callback()) {
    callback->function();
    // Destroys what the callback captured before a `remove` in another thread, which waits for it, returns.
    callback->function = nullptr;
    {
      const std::lock_guard lock(tree_->mutex);
      callback->running_in = {};
    }
    tree_->callback_returned.notify_all();
  }
}

/// Takes the next callback out of the list and marks it as running in this thread. Null if there is none.
std::shared_ptr<CancelState::Callback> CancelState::take_callback() {
  const std::lock_guard lock(tree_->mutex);
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
  renew_timers_after_fork();
  const auto fresh = std::make_shared<Callback>(std::move(callback));
  auto hold = std::make_unique<Hold>(shared_from_this(), fresh);
  {
    const std::lock_guard lock(tree_->mutex);
    if (!callbacks_run_by_) {
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
  std::unique_lock lock(tree_->mutex);
  if (callback.is_listed()) {
    callback.unlist();
  } else if (callback.running_in != os::ThreadId::current()) {
    tree_->callback_returned.wait(lock, [&] { return !callback.running_in || callback.running_in.lost(); });
  }
}

}  // namespace LEASH_NAMESPACE::detail
