#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <leash/config.hpp>
#include <leash/fault/detail/child.hpp>
#include <leash/fault/detail/crash_report.hpp>
#include <leash/fault/detail/places.hpp>
#include <leash/fault/detail/runner.hpp>
#include <leash/fault/detail/script.hpp>
#include <leash/fault/sweep.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// A run that was begun: in a child that tries it first, or for a thread to make.
struct Job {
  std::optional<Child> child = std::nullopt;
  Script script = {};                     ///< Of a thread,
  std::optional<Run> run = std::nullopt;  ///< and what it has made of it.
  std::exception_ptr failure = nullptr;   ///< What kept that thread from making it.
};

/// Makes the runs of a sweep. Where `SweepOptions::jobs` says so, several are under way at once: in threads, or, if
/// they are isolated, in children. Of one thread.
class Jobs {
 public:
  Jobs(const SweepBody& body, const SweepOptions& options);
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;
  /// Waits for the runs that are under way.
  ~Jobs();

  /// How many runs are worth to be begun before the first of them is waited for.
  std::size_t at_once() const noexcept { return at_once_; }

  /// Why they are fewer than was asked for; empty if they are not.
  std::string remark() const;

  /// Begins the run of `script`; null if it is made only when it is finished. Throws `std::system_error` if there can
  /// be no child.
  std::shared_ptr<Job> begin(const Script& script);

  /// Makes the run of `script`, which was begun as `job`, or waits for it. Nothing if it was to be isolated and cannot
  /// be: then there are `other_threads`. Throws what kept the run from being made. Once for a Job.
  std::optional<Run> finish(const Script& script, Job* job);

  const Places& places() const noexcept { return places_; }

  /// The threads because of which nothing more is run.
  const std::vector<std::string>& other_threads() const noexcept { return other_threads_; }

 private:
  void add_thread();
  void work();
  std::optional<Run> run_isolated(const Script& script, Job& job);

  const SweepBody& body_;
  const SweepOptions& options_;
  const std::size_t at_once_;
  Places places_;
  const CrashReport crash_report_;
  std::optional<Runner> own_;  ///< If there are no threads.
  std::vector<std::string> other_threads_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> waiting_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
