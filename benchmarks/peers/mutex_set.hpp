#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <call_chain.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

namespace bench {

/// The tracker that one would write in an afternoon: a mutex, a set, and a stack in every tag. `Capture` takes the
/// stack: `static std::size_t capture(void** addresses, std::size_t size)` returns how many addresses it wrote; there
/// is room for one more.
template <class Capture, std::size_t depth>
class MutexSet {
 public:
  struct Tag {
    std::string name;
    std::array<void*, depth + 1> stack;
    std::size_t size;
  };

  std::unique_ptr<Tag> create(const char* name) {
    auto tag = std::make_unique<Tag>();
    tag->name = name;
    tag->size = Capture::capture(tag->stack.data(), depth);
    const std::lock_guard lock(mutex_);
    open_.insert(tag.get());
    return tag;
  }

  void close(std::unique_ptr<Tag>& tag) {
    {
      const std::lock_guard lock(mutex_);
      open_.erase(tag.get());
    }
    tag.reset();
  }

 private:
  std::mutex mutex_;
  std::unordered_set<const Tag*> open_;
};

/// For a tracker without stacks.
struct NoStack {
  static std::size_t capture(void** addresses, std::size_t) {
    addresses[0] = nullptr;
    return 1;
  }
};

/// A tag created and closed with `depth` frames.
template <class Capture, std::size_t depth>
void mutex_set(benchmark::State& state) {
  MutexSet<Capture, depth> tracker;
  auto run = [&] {
    auto first = tracker.create("data.csv");
    if (first->size != depth) state.SkipWithError("the stack has not as many frames as it should");
    tracker.close(first);
    for (auto _ : state) {
      auto tag = tracker.create("data.csv");
      benchmark::DoNotOptimize(tag.get());
      tracker.close(tag);
    }
  };
  call_in_chain(depth + 4, 0, run);
}

/// The stack alone.
template <class Capture, std::size_t depth>
void stack_alone(benchmark::State& state) {
  auto run = [&] {
    std::array<void*, depth + 1> stack;
    if (Capture::capture(stack.data(), depth) != depth) {
      state.SkipWithError("the stack has not as many frames as it should");
    }
    for (auto _ : state) {
      benchmark::DoNotOptimize(Capture::capture(stack.data(), depth));
      benchmark::DoNotOptimize(stack.data());
    }
  };
  call_in_chain(depth + 4, 0, run);
}

}  // namespace bench
