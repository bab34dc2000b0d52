#pragma once

#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/function.hpp>
#include <leash/net/resolver.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::net {

/// A Resolver for tests of what a name service may do: it gives the answers of a script, one for each question.
///
///     auto resolver = std::make_shared<ScriptedResolver>();
///     resolver->add({.delay = 2s, .addresses = {"10.0.0.1"}});
///     resolver->add({.error = net::errc::host_not_found_try_again});
///
/// A question when the script is at its end, or whose answer has neither an error nor an address, is never answered:
/// it ends with its Context. A question of `async_resolve` ends with this resolver, too. Neither needs a thread of its
/// own: with a `FakeClock` the answer comes in the call that advances it. Thread-safe.
class ScriptedResolver final : public Resolver {
 public:
  struct Answer {
    std::chrono::nanoseconds delay{};         ///< Before the answer, by the clock of the Context of the question.
    std::error_code error = {};               ///< If it is not 0, the answer.
    std::vector<std::string> addresses = {};  ///< Else these. One that is not numeric is `invalid_argument`.
  };

  ScriptedResolver();
  ~ScriptedResolver() override;

  /// Appends an answer to the script.
  void add(Answer answer);

  /// The hosts that were asked for so far, in order.
  std::vector<std::string> questions() const;

 private:
  Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) override;
  void do_async_resolve(Call call, std::string_view network, std::string_view host,
                        Function<void(Result<std::vector<std::string>>)> done) override;

  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace LEASH_NAMESPACE::net
