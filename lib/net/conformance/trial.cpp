#include <algorithm>
#include <exception>
#include <leash/net/conformance/observed.hpp>
#include <leash/net/conformance/trial.hpp>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

/// More would only say the same again.
constexpr std::size_t max_failures = 4;

/// Ends a handle, whatever it says to that.
void end(Conn& conn) noexcept {
  try {
    static_cast<void>(conn.reset());
  } catch (...) {  // NOLINT(bugprone-empty-catch): what it does while it is used is checked
  }
}

void end(Listener& listener) noexcept {
  try {
    static_cast<void>(listener.close());
  } catch (...) {  // NOLINT(bugprone-empty-catch): as above
  }
}

}  // namespace

Trial::Trial(std::string_view check, std::shared_ptr<const Subject> subject, bool exchanged)
    : Trial(check, subject, exchanged, subject->options.context.with_cancel()) {}

Trial::Trial(std::string_view check, std::shared_ptr<const Subject> subject, bool exchanged, Cancellable cancellable)
    : check_(check),
      subject_(std::move(subject)),
      exchanged_(exchanged),
      source_(std::move(cancellable.source)),
      context_(std::move(cancellable.context)) {
  if (subject_->dialer != nullptr) dialer_ = observed(*subject_->dialer, under_way_);
  if (subject_->binder != nullptr) binder_ = observed(*subject_->binder, under_way_);
}

Trial::~Trial() = default;

Clock::time_point Trial::after(std::chrono::milliseconds time) const {
  return context_.clock()->now() + time * options().time_scale;
}

Clock::time_point Trial::past() const { return context_.clock()->now() - std::chrono::hours(1); }

Ends Trial::ends(const Context& context) {
  ConnPair made = must(subject_->make_pair(context), "a connection to be made");
  if (!made.near || !made.far) abandon("a connection with two ends", "one is null");
  {
    const std::lock_guard lock(mutex_);
    handles_.owners.push_back(std::move(made.owner));
  }
  Conn& near = keep(observed(std::move(made.near), under_way_, "near end"));
  Conn& far = keep(observed(std::move(made.far), under_way_, "far end"));
  return exchanged_ ? Ends{far, near} : Ends{near, far};
}

Conn& Trial::keep(std::unique_ptr<Conn> conn) {
  if (!conn) abandon("a connection", "it is null");
  const std::lock_guard lock(mutex_);
  return *handles_.conns.emplace_back(std::move(conn));
}

Listener& Trial::keep(std::unique_ptr<Listener> listener) {
  if (!listener) abandon("a listener", "it is null");
  const std::lock_guard lock(mutex_);
  return *handles_.listeners.emplace_back(std::move(listener));
}

void Trial::destroy(const Conn& conn) { static_cast<void>(taken(handles_.conns, conn)); }

void Trial::destroy(const Listener& listener) { static_cast<void>(taken(handles_.listeners, listener)); }

template <class Handle>
std::shared_ptr<Handle> Trial::taken(std::vector<std::shared_ptr<Handle>>& kept, const Handle& handle) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kept, &handle, &std::shared_ptr<Handle>::get);
  if (found == kept.end()) return nullptr;
  std::shared_ptr<Handle> last = std::move(*found);
  kept.erase(found);
  return last;
}

Trial::Handles Trial::handles() const {
  const std::lock_guard lock(mutex_);
  return handles_;
}

void Trial::expect(bool kept, std::string_view expected, std::string_view happened) {
  if (!kept) record(expected, happened, false);
}

void Trial::abandon(std::string_view expected, std::string_view happened) {
  record(expected, happened, false);
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  // Other threads of the check may wait for what will not come.
  end_handles();
  throw Abandoned();
}

void Trial::record(std::string_view expected, std::string_view happened, bool hang) {
  const std::lock_guard lock(mutex_);
  if (!hang && (over_ || failures_.size() >= max_failures)) return;
  over_ = over_ || hang;
  std::string text(happened);
  if (exchanged_) text += " (near and far exchanged)";
  failures_.push_back({check_, std::string(expected), std::move(text)});
}

void Trial::record_hang(std::string_view expected, std::string_view happened) { record(expected, happened, true); }

std::string Trial::to_fail(std::string_view what, std::initializer_list<std::errc> codes) {
  std::string text(what);
  std::string_view before = " to fail with ";
  for (const std::errc code : codes) {
    text.append(before).append(std::make_error_code(code).message());
    before = " or ";
  }
  return text;
}

void Trial::expect_code(const Error& error, std::initializer_list<std::errc> codes, std::string_view what) {
  const bool kept = std::ranges::any_of(codes, [&](std::errc code) { return error == code; });
  expect(kept, to_fail(what, codes), "it failed: " + to_string(error));
}

void Trial::expect_names(const Error& error, std::string_view operation, std::string_view subject) {
  expect(error.operation() == operation && error.subject() == subject,
         "an Error of " + std::string(operation) + " " + std::string(subject),
         "it is of " + std::string(error.operation()) + " " + std::string(error.subject()));
}

void Trial::expect_text(std::string_view got, std::string_view wanted, std::string_view what) {
  if (got == wanted) return;
  const auto [first, ignored] = std::ranges::mismatch(got, wanted);
  record(std::string(what) + " to give the " + std::to_string(wanted.size()) + " bytes that were written",
         "it gave " + std::to_string(got.size()) + " bytes, and the first that differs is at " +
             std::to_string(first - got.begin()),
         false);
}

void Trial::end_handles() {
  source_.cancel();
  const Handles handles = this->handles();
  for (const auto& conn : handles.conns) end(*conn);
  for (const auto& listener : handles.listeners) end(*listener);
}

void Trial::let_go_of_handles() {
  Handles handles;
  const std::lock_guard lock(mutex_);
  std::swap(handles, handles_);
}

void Trial::work(void (*body)(Trial&)) noexcept {
  constexpr std::string_view nothing_thrown = "no exception";
  try {
    body(*this);
  } catch (const Abandoned&) {  // NOLINT(bugprone-empty-catch): it is recorded
  } catch (const std::exception& exception) {
    record(nothing_thrown, std::string("there is one: ") + exception.what(), false);
  } catch (...) {
    record(nothing_thrown, "there is one, which is no std::exception", false);
  }
  end_handles();
  let_go_of_handles();
  const std::lock_guard lock(mutex_);
  returned_ = true;
  changed_.notify_all();
}

Trial::End Trial::wait(std::chrono::milliseconds limit) {
  const Registration registration = options().context.on_cancel([this] {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    over_ = true;
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return returned_ || cancelled_; });
  if (cancelled_) return End::cancelled;
  return returned_ ? End::returned : End::hangs;
}

bool Trial::put_to_an_end(std::chrono::milliseconds limit) {
  const auto begin = [this](auto action) {
    {
      const std::lock_guard lock(mutex_);
      ++ending_;
    }
    std::thread([self = shared_from_this(), action = std::move(action)]() mutable {
      action();
      const std::lock_guard lock(self->mutex_);
      --self->ending_;
      self->changed_.notify_all();
    }).detach();
  };
  begin([this] { source_.cancel(); });
  const Handles handles = this->handles();
  for (const auto& conn : handles.conns) begin([conn] { end(*conn); });
  for (const auto& listener : handles.listeners) begin([listener] { end(*listener); });
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return returned_ && ending_ == 0; });
}

std::vector<ConformanceFailure> Trial::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace LEASH_NAMESPACE::net::conformance
