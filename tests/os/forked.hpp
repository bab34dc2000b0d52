#pragma once

#include <doctest/doctest.h>

#include <latch>
#include <thread>
#include <utility>

#include "track/child.hpp"

/// A thread that stays in the midst of something until the end of the scope.
class Meanwhile {
 public:
  /// `work(stay)` is to call `stay()`, which returns at the end of the scope.
  template <class Work>
  explicit Meanwhile(Work work)
      : thread_([this, work = std::move(work)]() mutable {
          work([this] {
            there_.count_down();
            over_.wait();
          });
        }) {
    there_.wait();
  }
  ~Meanwhile() { over_.count_down(); }

 private:
  std::latch there_{1};
  std::latch over_{1};
  std::jthread thread_;
};

/// The status of a child that does `work` and says whether all was well.
template <class Work>
int status_of(Work work) {
  const Outcome outcome = in_child([&] { return work() ? 0 : 1; });
  if (outcome.status != 0) MESSAGE(outcome.output);
  return outcome.status;
}
