#include <algorithm>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <leash/net/conformance/thread_state.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/stream_conformance/runner.hpp>
#include <leash/os/open_descriptors.hpp>
#include <mutex>
#include <thread>
#include <utility>

namespace LEASH_NAMESPACE::net::stream_conformance {

struct Findings::State {
  std::string check;
  bool exchanged;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ConformanceFailure> failures;
  int thread = 0;                ///< By its number of the system; 0 before it runs.
  unsigned long long lives = 0;  ///< How often it has shown life.
  bool over = false;             ///< The check has ended, or was given up.
};

Findings::Findings(std::string_view check, bool exchanged) : state_(std::make_unique<State>()) {
  state_->check = check;
  state_->exchanged = exchanged;
}

Findings::~Findings() = default;

void Findings::record(std::string_view expected, std::string_view happened) {
  constexpr std::size_t max_failures = 4;
  std::string text(happened);
  if (state_->exchanged) text += " (near and far exchanged)";
  const std::lock_guard lock(state_->mutex);
  if (state_->over || state_->failures.size() == max_failures) return;
  state_->failures.push_back({state_->check, std::string(expected), std::move(text)});
}

void Findings::show_life() {
  const std::lock_guard lock(state_->mutex);
  ++state_->lives;
}

namespace {

/// Tells whether a thread is blocked, at looks at it some time apart: it slept at this one and has not woken since the
/// last, when it slept too. On a machine that has much else to do, a thread may run seldom, and notice late that its
/// time is up.
class Watch {
 public:
  bool is_blocked(int thread, unsigned long long lives) {
    const conformance::ThreadState now = conformance::thread_state(thread);
    const bool is_alive = thread == 0 || std::exchange(lives_, lives) != lives;
    const bool has_woken = std::exchange(sleeps_, now.sleeps_so_far) != now.sleeps_so_far;
    looks_ = is_alive ? 0 : looks_ + 1;
    if (looks_ < 2) return false;
    // One that neither sleeps on nor shows life may wait in a loop.
    return looks_ == most_looks || !now.known || (now.sleeps && !has_woken);
  }

 private:
  static constexpr int most_looks = 20;

  unsigned long long lives_ = 0;
  unsigned long long sleeps_ = 0;
  int looks_ = 0;
};

}  // namespace

std::vector<ConformanceFailure> run_one(std::string_view name, bool exchanged, const Function<void(Findings&)>& body,
                                        const ConformanceOptions& options) {
  const auto findings = std::make_shared<Findings>(name, exchanged);
  std::thread worker([findings, body] {
    {
      const std::lock_guard lock(findings->state_->mutex);
      findings->state_->thread = conformance::this_thread();
    }
    try {
      body(*findings);
    } catch (const std::exception& thrown) {
      findings->record("nothing to be thrown", std::string("there was: ") + thrown.what());
    } catch (...) {
      findings->record("nothing to be thrown", "there was something that is no std::exception");
    }
    const std::lock_guard lock(findings->state_->mutex);
    findings->state_->over = true;
    findings->state_->changed.notify_all();
  });
  Findings::State& state = *findings->state_;
  std::unique_lock lock(state.mutex);
  // Whatever waits for handlers shows life, and gives up at the limit.
  Watch watch;
  bool is_blocked = false;
  while (!is_blocked && !state.changed.wait_for(lock, options.limit, [&] { return state.over; })) {
    is_blocked = watch.is_blocked(state.thread, state.lives);
  }
  if (!is_blocked) {
    lock.unlock();
    worker.join();
    return std::move(state.failures);
  }
  state.over = true;
  state.failures.push_back({state.check, "no member to block", "one does; its thread was left behind"});
  worker.detach();
  return state.failures;
}

std::vector<ConformanceFailure> run(const std::vector<NamedCheck>& checks, const ConformanceOptions& options) {
  std::vector<ConformanceFailure> failures;
  const auto contains = [](const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  for (const auto* const names : {&options.skip, &options.only}) {
    for (const std::string& name : *names) {
      if (std::ranges::find(checks, name, &NamedCheck::name) != checks.end()) continue;
      failures.push_back({name, "the name of a check in the options", "there is no such check"});
    }
  }
  const auto selected = [&](std::string_view name) {
    return !contains(options.skip, name) && (options.only.empty() || contains(options.only, name));
  };
  if (std::ranges::none_of(checks, selected, &NamedCheck::name)) {
    failures.push_back({"options", "a check to be asked for", "none of them is"});
  }
  for (const NamedCheck& check : checks) {
    if (!selected(check.name)) continue;
    std::vector<ConformanceFailure> found;
    for (const bool exchanged : {false, true}) {
      // What fails already need not fail again.
      if (exchanged && (!check.has_ends || !found.empty())) continue;
      const auto body = [body = check.body, exchanged](Findings& findings) { body(findings, exchanged); };
      found = run_one(check.name, exchanged, body, options);
    }
    std::ranges::move(found, std::back_inserter(failures));
    if (!options.context.done()) continue;
    if (found.empty()) failures.push_back({std::string(check.name), "the next check to begin", "the Context was done"});
    break;
  }
  return failures;
}

std::size_t open_descriptor_count() { return os::open_descriptors().size(); }

std::string pattern(std::size_t size) { return conformance::pattern(size); }

}  // namespace LEASH_NAMESPACE::net::stream_conformance
