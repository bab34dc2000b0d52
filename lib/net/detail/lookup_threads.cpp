#include <leash/net/detail/caught.hpp>
#include <leash/net/detail/lookup_threads.hpp>
#include <leash/os/background_thread.hpp>
#include <leash/os/lazy.hpp>
#include <mutex>
#include <new>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// One look-up. Owned by the queue, then by the thread that works on it, and for a moment by `run` and by the callback
/// of the Context.
struct LookupThreads::Question {
  Question(std::string_view host_, Function<Answer()> look_up_, Function<void(Answer)> done_)
      : host(host_), look_up(std::move(look_up_)), done(std::move(done_)) {}

  /// What `make` returns, or the Error for what it throws.
  template <class Make>
  Answer answer(Make make) const noexcept {
    try {
      return make();
    } catch (...) {
      return std::unexpected(caught("resolve", host, no_memory));
    }
  }

  const std::string host;
  const Error no_memory{"resolve", host, std::errc::not_enough_memory};
  const Function<Answer()> look_up;
  const Function<void(Answer)> done;
  Registration ended;

  // Guarded by the mutex of the threads.
  bool waits = false;
  Questions::iterator place;  ///< In the queue, while it waits.
};

const std::shared_ptr<LookupThreads>& LookupThreads::of_process() {
  // Never destroyed: the destructor of a static object may still look up.
  static constinit os::Lazy<std::shared_ptr<LookupThreads>> threads;
  return threads.get([] { return new std::shared_ptr<LookupThreads>(std::make_shared<LookupThreads>()); });
}

LookupThreads::LookupThreads() = default;
LookupThreads::~LookupThreads() = default;

void LookupThreads::run(const Context& context, std::string_view host, Function<Answer()> look_up,
                        Function<void(Answer)> done) {
  // `done` may drop the last other reference.
  const std::shared_ptr<LookupThreads> self = shared_from_this();
  const auto question = std::make_shared<Question>(host, std::move(look_up), std::move(done));
  add(question);
  // Weak, or question and registration would own each other.
  question->ended = context.on_cancel([context, threads = weak_from_this(), weak = std::weak_ptr(question)] {
    const std::shared_ptr<Question> ending = weak.lock();
    if (!ending) return;
    const std::shared_ptr<LookupThreads> queue = threads.lock();
    const bool begun = !queue || !queue->remove(*ending);
    ending->done(ending->answer([&]() -> Answer {
      const Error error = context.check("resolve", ending->host).error();
      if (begun) return std::unexpected(error);
      return fail("resolve", ending->host, error.code(),
                  "not begun: all " + std::to_string(max_threads) + " threads are waiting for the name service",
                  std::vector<Error>(error.causes().begin(), error.causes().end()));
    }));
  });
}

/// Appends a question, and starts another thread if there are fewer than `max_threads`.
void LookupThreads::add(const std::shared_ptr<Question>& question) {
  Questions added{question};
  std::uint32_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = os::fork_generation();
    if (generation_ != generation) {
      generation_ = generation;
      threads_ = 0;
      for (const std::shared_ptr<Question>& each : waiting_) each->waits = false;
      of_parent_.splice(of_parent_.end(), waiting_);
    }
    question->place = added.begin();
    question->waits = true;
    waiting_.splice(waiting_.end(), added);
    if (threads_ == max_threads) return;
    ++threads_;
  }
  try {
    os::start_background_thread([self = shared_from_this(), generation] { self->work(generation); });
  } catch (const std::system_error& error) {
    count_off(generation, error.code());
  } catch (const std::bad_alloc&) {
    count_off(generation, std::make_error_code(std::errc::not_enough_memory));
  }
}

/// Takes a question out of the queue. False if it does not wait there any more.
bool LookupThreads::remove(Question& question) noexcept {
  Questions removed;
  const std::lock_guard lock(mutex_);
  if (!question.waits) return false;
  question.waits = false;
  removed.splice(removed.begin(), waiting_, question.place);
  return true;
}

/// A thread that was counted could not be started, for this reason. If none is left that could answer the questions
/// that wait, that is the answer.
void LookupThreads::count_off(std::uint32_t generation, std::error_code why) noexcept {
  Questions unanswered;
  {
    const std::lock_guard lock(mutex_);
    if (generation_ != generation || --threads_ != 0) return;
    for (const std::shared_ptr<Question>& each : waiting_) each->waits = false;
    unanswered.swap(waiting_);
  }
  for (const std::shared_ptr<Question>& each : unanswered) {
    each->done(
        each->answer([&]() -> Answer { return fail("resolve", each->host, why, "no thread to resolve it in"); }));
  }
}

/// What a background thread does: answers questions until none waits. `generation` is the fork generation of the
/// process that started the thread.
// NOLINTNEXTLINE(bugprone-exception-escape): a `done` that throws ends the program
void LookupThreads::work(std::uint32_t generation) noexcept {
  for (;;) {
    Questions taken;
    {
      const std::lock_guard lock(mutex_);
      if (generation_ != generation || os::fork_generation() != generation) return;
      if (waiting_.empty()) {
        --threads_;
        return;
      }
      taken.splice(taken.begin(), waiting_, waiting_.begin());
      taken.front()->waits = false;
    }
    const Question& question = *taken.front();
    Answer answer = question.answer([&] { return question.look_up(); });
    // If the look-up forked, this is the thread in the child that returned from it: the question is the parent's, and
    // the child does not count the thread in `threads_`.
    if (os::fork_generation() != generation) {
      const std::lock_guard lock(mutex_);
      of_parent_.splice(of_parent_.end(), taken);
      return;
    }
    question.done(std::move(answer));
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
