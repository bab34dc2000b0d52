#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <leash/call.hpp>
#include <leash/context.hpp>
#include <leash/fault/plan.hpp>
#include <leash/fault/rule.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/fault_rules.hpp>
#include <leash/interpose/faults.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/thread_names.hpp>
#include <source_location>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::interpose {
namespace {

/// A Context with the plan. Never destroyed: destructors of the program call too.
constinit const Context* context = nullptr;

/// Whether the calls are leash's own, or those of a handler that has interrupted such a call.
bool is_leash() noexcept { return Descriptors::is_inside() || os::is_opening() || os::is_own_thread(); }

bool decide_as(const char* operation, std::string_view subject) {
  const Result<void> result = fault::check(Call(*context, std::source_location{}), operation, subject);
  if (result) return false;
  errno = result.error().code().value();
  return true;
}

/// `decide_as`, of the text that `subject()` returns. Without memory there is no fault.
template <class Subject>
bool decide_of(const char* operation, Subject subject) noexcept {
  if (is_leash()) return false;
  const int error = errno;
  const Descriptors::Inside inside;
  // A thread that is cancelled is not to end in there, where it may wait.
  int cancel_before = PTHREAD_CANCEL_ENABLE;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_before);
  bool strikes = false;
  try {
    strikes = decide_as(operation, subject());
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
  ::pthread_setcancelstate(cancel_before, nullptr);
  if (!strikes) errno = error;
  return strikes;
}

}  // namespace

constinit bool Faults::there_are = false;

void Faults::begin() noexcept {
  try {
    const Result<fault::Plan> plan = fault::Plan::from_environment();
    if (!plan) {
      std::fprintf(stderr, "leash: %s\n", to_string(plan.error()).c_str());
      return;
    }
    const std::vector<fault::Plan::Use> uses = plan->uses();
    if (uses.empty()) return;
    for (const fault::Plan::Use& use : uses) {
      const std::string why = why_not(use.rule);
      if (why.empty()) continue;
      std::fprintf(stderr, "leash: LEASH_FAULTS: %s: %s\n", to_string(use.rule).c_str(), why.c_str());
      return;
    }
    context = new Context(fault::with_plan(Context::background(), *plan));
    there_are = true;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: LEASH_FAULTS: %s\n", error.what());
  }
}

bool Faults::decide(const char* operation, const char* subject) noexcept {
  return decide_of(operation, [&] { return std::string_view(subject == nullptr ? "" : subject); });
}

bool Faults::decide(const char* operation, int number) noexcept {
  return decide_of(operation, [&] { return os::name_of_descriptor(number); });
}

bool Faults::decide(const char* operation, const sockaddr* address, unsigned size) noexcept {
  return decide_of(operation, [&] { return os::address_text(address, size); });
}

}  // namespace LEASH_NAMESPACE::interpose
