#include <deque>
#include <leash/context.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/os/mutex.hpp>
#include <leash/registration.hpp>
#include <leash/sleep.hpp>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {

struct ScriptedResolver::State {
  /// What the script says to one question.
  struct Scripted {
    Clock::duration delay = Clock::duration::max();
    std::optional<Answer> answer = {};  ///< None if it is never answered.

    Result<std::vector<std::string>> of(const Context& context, std::string_view host) const {
      Result<void> checked = context.check("resolve", host);
      if (!checked) return std::unexpected(std::move(checked).error());
      if (answer->error) return fail("resolve", host, answer->error);
      return answer->addresses;
    }
  };

  /// A question of `async_resolve` that is answered later.
  struct Question {
    const Context context;
    const std::string host;
    const Scripted scripted;
    const Function<void(Result<std::vector<std::string>>)> done;
    Registration timer = {};
  };

  os::Mutex mutex;
  std::deque<Answer> script;
  std::vector<std::string> questions;
  std::list<std::shared_ptr<Question>> unanswered;

  Scripted take(std::string_view host) {
    const std::lock_guard lock(mutex);
    questions.emplace_back(host);
    if (script.empty()) return {};
    Answer answer = std::move(script.front());
    script.pop_front();
    if (!answer.error && answer.addresses.empty()) return {};
    const Clock::duration delay = answer.delay;
    return {.delay = delay, .answer = std::move(answer)};
  }

  void add(std::shared_ptr<Question> question) {
    std::list<std::shared_ptr<Question>> added{std::move(question)};
    const std::lock_guard lock(mutex);
    unanswered.splice(unanswered.end(), added);
  }

  void remove(const std::shared_ptr<Question>& question) {
    const std::lock_guard lock(mutex);
    std::erase(unanswered, question);
  }
};

ScriptedResolver::ScriptedResolver() : state_(std::make_shared<State>()) {}
ScriptedResolver::~ScriptedResolver() = default;

void ScriptedResolver::add(Answer answer) {
  const std::lock_guard lock(state_->mutex);
  state_->script.push_back(std::move(answer));
}

std::vector<std::string> ScriptedResolver::questions() const {
  const std::lock_guard lock(state_->mutex);
  return state_->questions;
}

Result<std::vector<std::string>> ScriptedResolver::do_resolve(Call call, std::string_view, std::string_view host) {
  const State::Scripted scripted = state_->take(host);
  // It fails when the Context is done; so does what follows.
  if (scripted.delay > Clock::duration::zero()) static_cast<void>(sleep_for(call, scripted.delay));
  return scripted.of(call.context(), host);
}

void ScriptedResolver::do_async_resolve(Call call, std::string_view, std::string_view host,
                                        Function<void(Result<std::vector<std::string>>)> done) {
  const State::Scripted scripted = state_->take(host);
  const Context& context = call.context();
  if (scripted.delay <= Clock::duration::zero()) {
    done(scripted.of(context, host));
    return;
  }
  const bool answers = scripted.delay != Clock::duration::max();
  const auto question = std::make_shared<State::Question>(context, std::string(host), scripted, std::move(done));
  state_->add(question);
  // A Context that is done when the time has come or `context` is: one callback, which waits for no other.
  const Context until = answers ? context.with_timeout(scripted.delay) : context;
  question->timer = until.on_cancel([owner = std::weak_ptr(state_), weak = std::weak_ptr(question)] {
    const std::shared_ptr<State::Question> ending = weak.lock();
    if (!ending) return;
    if (const std::shared_ptr<State> state = owner.lock()) state->remove(ending);
    ending->done(ending->scripted.of(ending->context, ending->host));
  });
}

}  // namespace LEASH_NAMESPACE::net
