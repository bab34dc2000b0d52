#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <leash/clock.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "in_thread.hpp"
#include "sanitizers.hpp"

using leash::Clock;
using leash::FakeClock;
using leash::Registration;
using leash_test::in_thread;
using namespace std::chrono_literals;

TEST_CASE("the real clock goes on, and its coarse time is close behind") {
  Clock& clock = *Clock::real();
  const Clock::time_point before = clock.now();
  Clock::time_point coarse = clock.coarse_now();
  CHECK(coarse <= before);
  while (coarse <= before) coarse = clock.coarse_now();
  CHECK(coarse <= clock.now());
  const auto difference = clock.system_now() - std::chrono::system_clock::now();
  CHECK(std::chrono::abs(difference) < 1min);
}

TEST_CASE("the real clock calls back from its own thread, not before the time") {
  Clock& clock = *Clock::real();
  const Clock::time_point due = clock.now() + 10ms;
  std::promise<std::pair<Clock::time_point, std::thread::id>> called;
  const Registration registration = clock.at(due, [&] { called.set_value({clock.now(), std::this_thread::get_id()}); });
  const auto [time, thread] = called.get_future().get();
  CHECK(time >= due);
  CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("a later registration with an earlier time comes first") {
  Clock& clock = *Clock::real();
  std::promise<void> late;
  std::promise<void> early;
  const Registration a = clock.at(clock.now() + 24h, [&] { late.set_value(); });
  const Registration b = clock.at(clock.now() + 1ms, [&] { early.set_value(); });
  early.get_future().get();
  CHECK(late.get_future().wait_for(0s) == std::future_status::timeout);
}

TEST_CASE("a callback that was taken back does not run, and one that runs is waited for") {
  Clock& clock = *Clock::real();
  bool ran = false;
  clock.at(clock.now() + 24h, [&] { ran = true; }).reset();
  CHECK_FALSE(ran);

  std::promise<void> started;
  std::promise<void> taking_back;
  std::atomic<bool> finished = false;
  Registration registration = clock.at(clock.now(), [&] {
    started.set_value();
    taking_back.get_future().get();
    finished = true;
  });
  started.get_future().get();
  auto taken_back = in_thread([&] {
    registration.reset();
    return finished.load();
  });
  CHECK(taken_back.is_blocked());
  taking_back.set_value();
  CHECK(taken_back.get());
}

TEST_CASE("a fake clock stands still, and runs callbacks in order at their own times") {
  FakeClock clock;
  const Clock::time_point start = clock.now();
  CHECK(clock.now() == start);
  std::vector<std::string> events;
  const auto log = [&](const char* name) { events.push_back(name + std::to_string((clock.now() - start) / 1s)); };
  const Registration c = clock.at(start + 3s, [&] { log("c"); });
  const Registration a = clock.at(start + 1s, [&] { log("a"); });
  const Registration b = clock.at(start + 1s, [&] { log("b"); });
  const Registration d = clock.at(start + 4s, [&] { log("d"); });
  clock.advance(3s);
  CHECK(events == std::vector<std::string>{"a1", "b1", "c3"});
  CHECK(clock.now() == start + 3s);
  CHECK(clock.coarse_now() == clock.now());
}

TEST_CASE("a fake clock runs what is due already at once, in the caller") {
  FakeClock clock;
  clock.advance(10s);
  std::thread::id thread;
  const Registration registration = clock.at(clock.now() - 1s, [&] { thread = std::this_thread::get_id(); });
  CHECK(thread == std::this_thread::get_id());
}

TEST_CASE("a callback may register, take back and advance") {
  FakeClock clock;
  const Clock::time_point start = clock.now();
  int fired = 0;
  Registration second;
  Registration third = clock.at(start + 5s, [&] { fired += 100; });
  Registration first = clock.at(start + 1s, [&] {
    ++fired;
    first.reset();
    third.reset();
    second = clock.at(clock.now() + 1s, [&] { fired += 10; });
    clock.advance(1s);
  });
  clock.advance(10s);
  CHECK(fired == 11);
}

TEST_CASE("a fake clock's time of day goes along, and it does not go back") {
  FakeClock clock;
  const Clock::system_time_point start = clock.system_now();
  CHECK(start == std::chrono::sys_days(std::chrono::year(2000) / 1 / 1));
  clock.advance(90min);
  CHECK(clock.system_now() - start == 90min);
  CHECK_THROWS_AS(clock.advance(-1ns), std::logic_error);
}

TEST_CASE("a registration may outlive its clock") {
  auto clock = std::make_unique<FakeClock>();
  Registration registration = clock->at(clock->now() + 1s, [] {});
  clock.reset();
  registration.reset();
}

TEST_CASE("threads may advance a fake clock, register and take back at the same time") {
  FakeClock clock;
  std::atomic<int> fired = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const Registration kept = clock.at(clock.now() + 1ns, [&] { ++fired; });
        const Registration dropped = clock.at(clock.now() + 24h, [&] { fired = -1000000; });
        clock.advance(1ns);
      }
    });
  }
  threads.clear();
  CHECK(fired >= 0);
  CHECK(clock.now().time_since_epoch() == 4 * 200 * 1ns);
}

TEST_CASE("callbacks of a fake clock run one at a time, in order, whoever advances it") {
  FakeClock clock;
  std::atomic<int> running = 0;
  std::atomic<int> together = 0;
  std::vector<Registration> registrations;
  for (int index = 1; index <= 100; ++index) {
    registrations.push_back(clock.at(clock.now() + index * 1ms, [&] {
      if (++running > 1) ++together;
      std::this_thread::yield();
      --running;
    }));
  }
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int step = 0; step < 25; ++step) clock.advance(1ms);
    });
  }
  threads.clear();
  CHECK(together == 0);
}

TEST_CASE("to register runs no callback but one's own") {
  FakeClock clock;
  std::vector<int> order;
  Registration inner;
  const Registration first = clock.at(clock.now() + 1s, [&] {
    order.push_back(1);
    inner = clock.at(clock.now(), [&] { order.push_back(2); });
  });
  const Registration second = clock.at(clock.now() + 1s, [&] { order.push_back(3); });
  clock.advance(1s);
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("a fake clock stops before its time overflows") {
  FakeClock clock;
  clock.advance(Clock::duration::max());
  const Clock::time_point end = clock.now();
  clock.advance(24h);
  CHECK(clock.now() == end);
  CHECK(clock.system_now() > Clock::system_time_point(std::chrono::sys_days(std::chrono::year(2199) / 1 / 1)));
}

TEST_CASE("an empty callback is a mistake") {
  FakeClock clock;
  CHECK_THROWS_AS((void)clock.at(clock.now(), {}), std::logic_error);
}

TEST_CASE("the timer thread leaves the program's signals alone") {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  Registration registration = Clock::real()->at(Clock::real()->now() + 24h, [] {});
  sigset_t before;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &signals, &before) == 0);
  // A thread that does not block it would take it, and the program would end.
  ::kill(::getpid(), SIGUSR1);
  const timespec patience{.tv_sec = 10, .tv_nsec = 0};
  CHECK(::sigtimedwait(&signals, nullptr, &patience) == SIGUSR1);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a child process has a working clock" * doctest::skip(leash_test::no_fork_among_threads)) {
  std::promise<void> started;
  const Registration before = Clock::real()->at(Clock::real()->now(), [&] { started.set_value(); });
  started.get_future().get();
  const pid_t child = ::fork();
  if (child == 0) {
    std::promise<void> called;
    const Registration registration = Clock::real()->at(Clock::real()->now() + 1ms, [&] { called.set_value(); });
    const bool in_time = called.get_future().wait_for(10s) == std::future_status::ready;
    ::_exit(in_time ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
