#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

namespace leash_test {

/// What the kernel says of one thread of this process.
class ThreadState {
 public:
  /// Of the calling thread.
  ThreadState()
      : file_(::open(("/proc/self/task/" + std::to_string(::gettid()) + "/status").c_str(), O_RDONLY | O_CLOEXEC)) {}
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;
  ~ThreadState() { ::close(file_); }

  /// How often it had gone to sleep, if it sleeps now; else an empty text. Once the thread is gone, it sleeps for ever.
  [[nodiscard]] std::string sleeps() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::pread(file_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return "gone";
    const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
    if (!text.contains("State:\tS")) return {};
    return std::string(text.substr(text.find("voluntary_ctxt_switches:")));
  }

 private:
  const int file_;
};

/// A function at work in a thread of its own, which ends before this does.
template <class T>
class InThread {
 public:
  explicit InThread(std::move_only_function<T()> function) {
    std::promise<std::unique_ptr<ThreadState>> begun;
    auto state = begun.get_future();
    result_ = std::async(std::launch::async, [function = std::move(function), &begun]() mutable {
      begun.set_value(std::make_unique<ThreadState>());
      return function();
    });
    state_ = state.get();
  }

  /// Waits until the function has returned, and gives what it did, or throws.
  T get() {
    state_.reset();
    return result_.get();
  }

  /// Waits until the function has returned, or sleeps: in a system call, or because another thread must do something.
  void wait_until_blocked() const { static_cast<void>(is_blocked()); }

  /// The same, and says which it was.
  [[nodiscard]] bool is_blocked() const {
    std::string before;
    while (result_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      // Seen twice: it may sleep for a moment to take a lock.
      std::string now = state_->sleeps();
      if (!now.empty() && now == before) return true;
      before = std::move(now);
      std::this_thread::yield();
    }
    return false;
  }

 private:
  std::future<T> result_;
  std::unique_ptr<ThreadState> state_;
};

/// Runs `function` in a thread of its own.
template <class Function>
[[nodiscard]] InThread<std::invoke_result_t<Function&>> in_thread(Function function) {
  return InThread<std::invoke_result_t<Function&>>(std::move(function));
}

}  // namespace leash_test
