#pragma once

#include <atomic>
#include <future>
#include <leash/config.hpp>
#include <leash/net/conformance/thread_state.hpp>
#include <leash/net/conformance/trial.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace LEASH_NAMESPACE::net::conformance {

/// A function at work in a thread of its own.
template <class T>
class Task {
 public:
  template <class Function>
  Task(Trial& trial, Function function) : trial_(&trial), shared_(std::make_shared<Shared>()) {
    std::packaged_task<T()> task([work = std::move(function), shared = shared_]() mutable {
      shared->thread = this_thread();
      struct Ended {
        Shared& shared;
        ~Ended() { shared.ended = true; }
      } const ended{*shared};
      return work();
    });
    result_ = task.get_future();
    thread_ = std::thread(std::move(task));
  }
  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (!thread_.joinable()) return;
    // What it refers to is about to go.
    trial_->end_handles();
    thread_.join();
  }

  /// Waits until the function has returned, and gives what it did.
  T get() {
    thread_.join();
    return result_.get();
  }

  /// Waits until the function has returned.
  void wait() const { result_.wait(); }

  /// Waits until the function has returned or waits, and says which.
  bool waits() const {
    wait_until_asleep(shared_->thread, trial_->options().time_scale, shared_->ended);
    return !shared_->ended;
  }

  /// Waits until the function waits. That it has returned already is a failure.
  void must_wait(std::string_view what) const {
    if (!waits()) trial_->expect(false, std::string(what) + " to wait", "it returned");
  }

 private:
  struct Shared {
    std::atomic<int> thread = 0;
    std::atomic<bool> ended = false;
  };

  Trial* trial_;
  std::shared_ptr<Shared> shared_;
  std::future<T> result_;
  std::thread thread_;
};

template <class Function>
Task<std::invoke_result_t<Function&>> Trial::start(Function function) {
  return {*this, std::move(function)};
}

}  // namespace LEASH_NAMESPACE::net::conformance
