#include <doctest/doctest.h>

#include <atomic>
#include <leash/os/biased_lock.hpp>
#include <thread>
#include <vector>

#include "forked.hpp"
#include "in_thread.hpp"
#include "sanitizers.hpp"

namespace os = leash::os;

namespace {

/// Adds to a number that only the lock protects.
struct Counter {
  void add(int times) {
    for (int i = 0; i < times; ++i) {
      const os::BiasedLock::Guard guard(lock);
      ++count;
    }
  }

  os::BiasedLock lock;
  int count = 0;
};

}  // namespace

TEST_CASE("BiasedLock: its owner locks it again and again, biased or not") {
  for (const bool biased : {false, true}) {
    Counter counter;
    if (biased) counter.lock.bias();
    counter.add(1000);
    CHECK(counter.count == 1000);
  }
}

TEST_CASE("BiasedLock: other threads end the bias while its owner is at work") {
  for (int round = 0; round < 200; ++round) {
    Counter counter;
    counter.lock.bias();
    std::atomic<bool> begun = false;
    std::vector<std::jthread> others;
    for (int i = 0; i < 2; ++i) {
      others.emplace_back([&] {
        while (!begun.load()) std::this_thread::yield();
        counter.add(100);
      });
    }
    counter.add(10);
    begun.store(true);
    counter.add(1000);
    for (auto& other : others) other.join();
    CHECK(counter.count == 1210);
  }
}

TEST_CASE("BiasedLock: a thread that ends the bias waits until the owner has unlocked") {
  os::BiasedLock lock;
  lock.bias();
  bool entered = false;
  auto other = leash_test::in_thread([] {});
  {
    const os::BiasedLock::Guard guard(lock);
    other = leash_test::in_thread([&] {
      const os::BiasedLock::Guard inner(lock);
      entered = true;
    });
    CHECK(other.is_blocked());
    CHECK_FALSE(entered);
  }
  other.get();
  CHECK(entered);
}

TEST_CASE("BiasedLock: a later thread with the owner's index may be taken for it") {
  Counter counter;
  for (int i = 0; i < 3; ++i) {
    std::jthread([&] {
      if (i == 0) counter.lock.bias();
      counter.add(10);
    }).join();
  }
  CHECK(counter.count == 30);
}

TEST_CASE("BiasedLock: a child finds one free that is biased to a thread it does not have" *
          doctest::skip(leash_test::no_fork_among_threads)) {
  Counter counter;
  std::atomic<bool> over = false;
  std::atomic<bool> begun = false;
  std::jthread owner([&] {
    counter.lock.bias();
    while (!over.load()) {
      counter.add(1);
      begun.store(true);
    }
  });
  while (!begun.load()) std::this_thread::yield();
  CHECK(status_of([&] {
          const int before = counter.count;
          counter.add(10);
          return counter.count == before + 10;
        }) == 0);
  over.store(true);
}
