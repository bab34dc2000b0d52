#include <algorithm>
#include <leash/fault/detail/jobs.hpp>
#include <leash/os/thread_names.hpp>
#include <string_view>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

/// Why runs are made one at a time in one process, whatever `SweepOptions::jobs` says; empty if they need not be.
std::string_view why_alone(const SweepOptions& options) noexcept {
  if (options.tracker.rules.untracked != track::Severity::off) {
    return "the rule untracked looks at the descriptors of the whole process";
  }
  if (options.context.clock() != Clock::real()) return "they would share the clock of SweepOptions::context";
  return {};
}

std::size_t number_of_jobs(const SweepOptions& options) noexcept {
  constexpr unsigned most = 256;
  if (!options.isolate && !why_alone(options).empty()) return 1;
  return std::clamp(options.jobs == 0 ? std::thread::hardware_concurrency() : options.jobs, 1U, most);
}

/// What became of a run that its child did not come back from: all that it knew but what it struck, it took with it.
Run dead_run(const Script& script, ChildEnd end, const Places& places) {
  Run run{.hung = end.hung};
  if (!end.hung) run.death = std::move(end.how);
  for (const Injection& injection : script) {
    const Place& place = places[injection.step.place];
    Injection one = injection;
    for (one.times = 1; one.step.occurrence - injection.step.occurrence < injection.times; ++one.step.occurrence) {
      if (run.struck.size() == end.struck.size()) return run;
      run.struck.push_back({.injection = one,
                            .place = &place,
                            .subject = std::move(end.struck[run.struck.size()]),
                            .site = place.location,
                            .at = 0,
                            .failed = injection.fault.reports_failure()});
    }
  }
  return run;
}

}  // namespace

Jobs::Jobs(const SweepBody& body, const SweepOptions& options)
    : body_(body), options_(options), at_once_(number_of_jobs(options)), places_(options.faults) {
  if (at_once_ == 1 || options.isolate) own_.emplace(body, options, places_, true);
}

std::string Jobs::remark() const {
  const std::string_view why = why_alone(options_);
  if (options_.isolate || options_.jobs == 1 || why.empty()) return {};
  return "runs were made one at a time: " + std::string(why);
}

Jobs::~Jobs() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<Job> Jobs::begin(const Script& script) {
  if (options_.isolate) {
    auto job = std::make_shared<Job>();
    if (other_threads_.empty()) other_threads_ = os::other_threads();
    // With all that follows the body, where what it has left behind may crash too.
    const auto run = [&](ChildNotes& notes) { own_->run_in_child(script, notes); };
    if (other_threads_.empty()) job->child.emplace(FunctionRef<void(ChildNotes&)>(run));
    return job;
  }
  if (own_) return nullptr;
  auto job = std::make_shared<Job>();
  job->script = script;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(job);
  }
  changed_.notify_all();
  // Only as many as there is work for: a sweep may be over after a run.
  if (threads_.size() < at_once_) add_thread();
  return job;
}

void Jobs::add_thread() {
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // Those that there are have more to do.
    if (threads_.empty()) throw;
  }
}

std::optional<Run> Jobs::finish(const Script& script, Job* job) {
  if (job == nullptr) return own_->run(script);
  if (options_.isolate) return run_isolated(script, *job);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return job->run.has_value() || job->failure != nullptr; });
  if (job->failure) std::rethrow_exception(job->failure);
  return std::move(job->run);
}

std::optional<Run> Jobs::run_isolated(const Script& script, Job& job) {
  if (!job.child) return std::nullopt;
  ChildEnd end = job.child->wait(options_.watchdog);
  job.child.reset();
  if (!end.came_back) return dead_run(script, std::move(end), places_);
  Run run = own_->run(script);
  run.sanitizer_report = std::move(end.report);
  return run;
}

void Jobs::work() {
  std::optional<Runner> runner;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    const std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    std::optional<Run> run;
    std::exception_ptr failure;
    try {
      if (!runner) runner.emplace(body_, options_, places_, true);
      run = runner->run(std::move(job->script));
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    job->run = std::move(run);
    job->failure = std::move(failure);
    changed_.notify_all();
  }
}

}  // namespace LEASH_NAMESPACE::fault::detail
