#include <leash/context.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/sleep.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net {

void ScriptedResolver::add(Answer answer) {
  const std::lock_guard lock(mutex_);
  script_.push_back(std::move(answer));
}

std::vector<std::string> ScriptedResolver::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

std::optional<ScriptedResolver::Answer> ScriptedResolver::take(std::string_view host) {
  const std::lock_guard lock(mutex_);
  questions_.emplace_back(host);
  if (script_.empty()) return std::nullopt;
  Answer answer = std::move(script_.front());
  script_.pop_front();
  return answer;
}

Result<std::vector<std::string>> ScriptedResolver::do_resolve(Call call, std::string_view, std::string_view host) {
  std::optional<Answer> answer = take(host);
  const bool answers = answer && (answer->error || !answer->addresses.empty());
  const Clock::duration delay = answers ? answer->delay : Clock::duration::max();
  if (delay > Clock::duration::zero() && !sleep_for(call, delay)) {
    return std::unexpected(call.context().check("resolve", host).error());
  }
  if (answer->error) return fail("resolve", host, answer->error);
  return std::move(answer->addresses);
}

}  // namespace LEASH_NAMESPACE::net
