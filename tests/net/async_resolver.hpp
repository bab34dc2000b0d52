#pragma once

#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <latch>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/resolver.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support.hpp"

using Found = leash::Result<std::vector<leash::net::IpAddress>>;
using Texts = leash::Result<std::vector<std::string>>;
using TextsDone = leash::Function<void(Texts)>;

/// One look-up, and what its `done` was called with.
class Asked {
 public:
  Asked(leash::net::Resolver& resolver, leash::Call call, std::string_view network, std::string_view host) {
    resolver.async_resolve(call, network, host, done());
  }

  leash::Function<void(Found)> done() const {
    return [state = state_](Found found) {
      const std::lock_guard lock(state->mutex);
      ++state->calls;
      state->thread = std::this_thread::get_id();
      state->found = std::move(found);
      state->changed.notify_all();
    };
  }

  /// Waits until `done` was called.
  Found get() const {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->found.has_value(); });
    return *state_->found;
  }

  /// How often `done` was called.
  int calls() const {
    const std::lock_guard lock(state_->mutex);
    return state_->calls;
  }

  /// Whether it was called in this thread.
  bool in_this_thread() const {
    const std::lock_guard lock(state_->mutex);
    return state_->thread == std::this_thread::get_id();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int calls = 0;
    std::thread::id thread;
    std::optional<Found> found;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// A resolver of a user who can only wait.
class Blocking final : public leash::net::Resolver {
 public:
  using Answer = std::function<Texts(leash::Call, std::string_view, std::string_view)>;
  explicit Blocking(Answer answer) : answer_(std::move(answer)) {}

 private:
  Texts do_resolve(leash::Call call, std::string_view network, std::string_view host) override {
    return answer_(call, network, host);
  }

  const Answer answer_;
};

inline std::shared_ptr<leash::net::Resolver> blocking(Blocking::Answer answer) {
  return std::make_shared<Blocking>(std::move(answer));
}

/// A resolver of a user who need not wait.
class Asynchronous final : public leash::net::Resolver {
 public:
  using Ask = std::function<void(leash::Call, std::string_view, std::string_view, TextsDone)>;
  explicit Asynchronous(Ask ask) : ask_(std::move(ask)) {}

 private:
  Texts do_resolve(leash::Call, std::string_view, std::string_view host) override {
    return leash::fail("resolve", host, std::errc::operation_not_supported);
  }
  void do_async_resolve(leash::Call call, std::string_view network, std::string_view host, TextsDone done) override {
    ask_(call, network, host, std::move(done));
  }

  const Ask ask_;
};

/// What a test says of a look-up: the addresses, or the Error.
inline std::string said(const Found& found) {
  if (!found) return to_string(found.error());
  std::string text;
  for (const leash::net::IpAddress& address : *found) text += to_string(address) + " ";
  return text;
}

inline std::size_t threads_of_process() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

/// Hangs in each look-up until it is released.
struct Hanging {
  std::atomic<std::size_t> begun = 0;
  std::latch released{1};

  void wait() {
    ++begun;
    released.wait();
  }

  /// Waits until so many look-ups have begun.
  void wait_for(std::size_t count) const {
    while (begun < count) std::this_thread::yield();
  }
};

inline std::shared_ptr<leash::net::Resolver> system_that(const std::shared_ptr<Hanging>& hanging) {
  return std::make_shared<leash::net::detail::SystemResolver>(
      [hanging](const char*, const char*, const addrinfo* hints, addrinfo** found) {
        hanging->wait();
        return ::getaddrinfo("127.0.0.1", nullptr, hints, found);
      });
}

inline std::shared_ptr<leash::net::Resolver> user_that(const std::shared_ptr<Hanging>& hanging) {
  return blocking([hanging](leash::Call, std::string_view, std::string_view) -> Texts {
    hanging->wait();
    return std::vector<std::string>{"127.0.0.1"};
  });
}

inline constexpr std::size_t max_threads = leash::net::detail::SystemResolver::max_threads;
