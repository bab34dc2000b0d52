#include <deque>
#include <leash/context.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/os/mutex.hpp>
#include <leash/sleep.hpp>
#include <mutex>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net {

struct ScriptedResolver::State {
  os::Mutex mutex;
  std::deque<Answer> script;
  std::vector<std::string> questions;

  std::optional<Answer> take(std::string_view host) {
    const std::lock_guard lock(mutex);
    questions.emplace_back(host);
    if (script.empty()) return std::nullopt;
    Answer answer = std::move(script.front());
    script.pop_front();
    return answer;
  }
};

ScriptedResolver::ScriptedResolver() = default;
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
  std::optional<Answer> answer = state_->take(host);
  const bool answers = answer && (answer->error || !answer->addresses.empty());
  const Clock::duration delay = answers ? answer->delay : Clock::duration::max();
  if (delay > Clock::duration::zero() && !sleep_for(call, delay)) {
    return std::unexpected(call.context().check("resolve", host).error());
  }
  if (answer->error) return fail("resolve", host, answer->error);
  return std::move(answer->addresses);
}

}  // namespace LEASH_NAMESPACE::net
