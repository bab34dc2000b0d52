#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/turn.hpp>
#include <leash/stop_token.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "forked.hpp"
#include "sanitizers.hpp"

// What a child finds that was forked while other threads were at something. ThreadSanitizer forbids threads in the
// child of a program with threads.

using leash::Clock;
using leash::Context;
using leash::FakeClock;
using leash::Registration;
using namespace std::chrono_literals;
namespace os = leash::os;

namespace {

/// Whether a timer of the machine's clock fires soon.
bool clock_works() {
  std::promise<void> called;
  const Registration soon = Clock::real()->at(Clock::real()->now() + 1ms, [&] { called.set_value(); });
  return called.get_future().wait_for(20s) == std::future_status::ready;
}

}  // namespace

TEST_SUITE_BEGIN("fork" * doctest::skip(leash_test::with_tsan));

TEST_CASE("a child does not wait for a callback of the clock that was running in a thread it does not have") {
  std::promise<void> entered;
  std::latch over(1);
  std::optional<Registration> running = Clock::real()->at(Clock::real()->now(), [&] {
    entered.set_value();
    over.wait();
  });
  entered.get_future().wait();
  CHECK(status_of([&] {
          running.reset();
          return clock_works();
        }) == 0);
  over.count_down();
}

TEST_CASE("a child does not wait for a callback of a Context that was running in a thread it does not have") {
  auto [context, source] = Context::background().with_cancel();
  std::atomic<bool> also_called = false;
  std::move_only_function<void()> in_callback;
  std::optional<Registration> running = context.on_cancel([&] { in_callback(); });
  const Registration behind = context.on_cancel([&] { also_called = true; });
  const Meanwhile meanwhile([&](auto stay) {
    in_callback = stay;
    source.cancel();
  });
  CHECK(status_of([&] {
          if (!context.done()) return false;
          running.reset();
          bool called = false;
          const Registration late = context.on_cancel([&] { called = true; });
          // What the lost thread did not come to.
          source.cancel();
          return called && also_called;
        }) == 0);
}

TEST_CASE("a child lets go of a Context whose stop token was being stopped in a thread it does not have") {
  std::stop_source source;
  std::optional<Context> context = Context::background().with_stop_token(source.get_token());
  std::move_only_function<void()> in_callback;
  std::optional<Registration> running = context->on_cancel([&] { in_callback(); });
  const Meanwhile meanwhile([&](auto stay) {
    in_callback = stay;
    source.request_stop();
  });
  CHECK(status_of([&] {
          running.reset();
          context.reset();
          return true;
        }) == 0);
}

namespace {

/// Whether all threads but this one sleep, so the clock's has come to wait.
bool others_sleep() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(::gettid())) continue;
    std::string state;
    std::getline(std::ifstream(task.path() / "stat"), state);
    if (!state.contains(") S ")) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("in a child a near timer does not wait for a far one, whatever the parent's clock was at") {
  const auto near_after_far = [] {
    const Registration far = Clock::real()->at(Clock::real()->now() + 24h, [] {});
    while (!others_sleep()) std::this_thread::yield();
    return clock_works();
  };
  CHECK(status_of(near_after_far) == 0);
  REQUIRE(clock_works());
  CHECK(status_of(near_after_far) == 0);
  const Registration pending = Clock::real()->at(Clock::real()->now() + 24h, [] {});
  CHECK(status_of(near_after_far) == 0);
  CHECK(status_of([&] { return near_after_far() && status_of(near_after_far) == 0; }) == 0);
}

TEST_CASE("deadlines from before a fork pass in the child") {
  const Context context = Context::background().with_timeout(10ms);
  const Context descendant = context.with_note("below").with_cancel().context;
  std::promise<void> early;
  const Registration before = context.on_cancel([&] { early.set_value(); });
  std::promise<Context> made;
  std::jthread([&] { made.set_value(Context::background().with_timeout(10ms)); }).join();
  const Context of_another = made.get_future().get();
  CHECK(status_of([&] {
          std::promise<void> passed;
          const Registration here = descendant.on_cancel([&] { passed.set_value(); });
          std::promise<void> other_passed;
          const Registration there = of_another.on_cancel([&] { other_passed.set_value(); });
          return passed.get_future().wait_for(20s) == std::future_status::ready &&
                 other_passed.get_future().wait_for(20s) == std::future_status::ready &&
                 early.get_future().wait_for(20s) == std::future_status::ready;
        }) == 0);
}

TEST_CASE("in a child a callback runs if the thread that forked had registered it") {
  FakeClock clock;
  auto [context, source] = Context::background().with_cancel();
  int own = 0;
  int of_lost = 0;
  const Registration timer = clock.at(clock.now() + 1s, [&] { ++own; });
  const Registration watch = context.on_cancel([&] { ++own; });
  const Meanwhile meanwhile([&](auto stay) {
    const Registration lost_timer = clock.at(clock.now() + 1s, [&] { ++of_lost; });
    const Registration lost_watch = context.on_cancel([&] { ++of_lost; });
    stay();
  });
  CHECK(status_of([&] {
          clock.advance(1s);
          source.cancel();
          return own == 2 && of_lost == 0;
        }) == 0);
}

TEST_CASE("a fake clock goes on in a child although a thread it does not have was advancing it") {
  FakeClock clock;
  std::move_only_function<void()> in_callback;
  const Registration running = clock.at(clock.now() + 1s, [&] { in_callback(); });
  const Meanwhile meanwhile([&](auto stay) {
    in_callback = stay;
    clock.advance(1s);
  });
  CHECK(status_of([&] {
          bool called = false;
          const Registration timer = clock.at(clock.now() + 1s, [&] { called = true; });
          clock.advance(2s);
          return called;
        }) == 0);
}

TEST_CASE("a callback may fork") {
  FakeClock clock;
  auto [context, source] = Context::background().with_cancel();
  int status = -1;
  SUBCASE("of the machine's clock") {
    std::promise<int> in_timer;
    std::optional<Registration> own;
    own = Clock::real()->at(Clock::real()->now() + 1ms, [&] {
      in_timer.set_value(status_of([&] {
        own.reset();
        return clock_works();
      }));
    });
    status = in_timer.get_future().get();
  }
  SUBCASE("of a fake clock") {
    const Registration own = clock.at(clock.now() + 1s, [&] {
      status = status_of([&] {
        clock.advance(1s);
        // The child's other threads wait for this callback, as the parent's do.
        return clock_works();
      });
    });
    clock.advance(1s);
  }
  SUBCASE("of a Context") {
    std::optional<Registration> own;
    own = context.on_cancel([&] {
      status = status_of([&] {
        own.reset();
        return context.done() && clock_works();
      });
    });
    source.cancel();
  }
  CHECK(status == 0);
}

TEST_CASE("a callback that forked comes back in the child too") {
  FakeClock clock;
  pid_t child = -1;
  std::atomic<int> order = 0;
  const Registration forks = clock.at(clock.now() + 1s, [&] { child = ::fork(); });
  const Registration next = clock.at(clock.now() + 2s, [&] { ++order; });
  clock.advance(1s);
  if (child == 0) {
    ::alarm(60);
    std::jthread([&] { clock.advance(1s); }).join();
    ::_exit(order == 1 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a child has a mutex that a thread it does not have was waiting for, and the condition") {
  os::Mutex mutex;
  os::ConditionVariable changed;
  bool ready = false;
  std::latch about_to_wait(1);
  std::jthread waiting([&] {
    std::unique_lock lock(mutex);
    about_to_wait.count_down();
    changed.wait(lock, [&] { return ready; });
  });
  about_to_wait.wait();
  const auto tell = [&] {
    {
      const std::lock_guard lock(mutex);
      ready = true;
    }
    changed.notify_all();
  };
  CHECK(status_of([&] {
          const std::jthread child_waits([&] {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return ready; });
          });
          tell();
          return true;
        }) == 0);
  tell();
}

TEST_CASE("a turn that a thread has which forks is the same thread's in the child, and a lost one's is free") {
  os::Turn own;
  os::Turn of_lost;
  const Meanwhile meanwhile([&](auto stay) {
    const std::lock_guard lock(of_lost);
    stay();
  });
  const std::lock_guard lock(own);
  CHECK(status_of([&] {
          const std::lock_guard taken(of_lost);
          bool elsewhere = false;
          std::jthread([&] { elsewhere = own.held() || of_lost.held(); }).join();
          return own.held() && of_lost.held() && !elsewhere;
        }) == 0);
}

TEST_SUITE_END();
