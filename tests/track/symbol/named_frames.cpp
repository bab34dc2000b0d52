// Always compiled with optimization and all debug information: what names_test.cpp looks at.
// NOLINTBEGIN(hicpp-no-assembler)
#include "named_frames.hpp"

#include <coroutine>

namespace named {
namespace {

// Keeps a call from being the last thing that a function does.
inline void after() { asm volatile("" ::: "memory"); }

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;

  void run() const {
    while (!handle.done()) handle.resume();
    handle.destroy();
  }
};

[[gnu::noinline]] Task coroutine(Probe probe) {
  co_await std::suspend_always{};
  probe();
  after();
}

template <class T>
[[gnu::noinline]] Task template_coroutine(T probe) {
  co_await std::suspend_always{};
  probe();
  after();
}

struct Server {
  [[gnu::noinline]] Task member_coroutine(Probe probe) const {
    co_await std::suspend_always{};
    probe();
    after();
  }

  struct Part {
    [[gnu::always_inline]] static inline void inlined_member(Probe probe) {
      probe();
      after();
    }
  };
};

[[gnu::always_inline]] inline void inlined_function(Probe probe) {
  Server::Part::inlined_member(probe);
  after();
}

}  // namespace

void call_from_coroutine(Probe probe) { coroutine(probe).run(); }

void call_from_member_coroutine(Probe probe) { Server().member_coroutine(probe).run(); }

void call_from_template_coroutine(Probe probe) { template_coroutine(probe).run(); }

void call_from_coroutine_lambda(Probe probe) {
  const auto lambda = [](Probe wanted) -> Task {
    co_await std::suspend_always{};
    wanted();
    after();
  };
  lambda(probe).run();
}

void call_from_lambda(Probe probe) {
  const auto lambda = [&]() __attribute__((noinline)) {
    probe();
    after();
  };
  lambda();
  after();
}

void call_from_template_lambda(Probe probe) {
  const auto lambda = []<class Wanted, class... More>(Wanted wanted, More... more) __attribute__((noinline)) {
    wanted(more...);
    after();
  };
  lambda(probe);
  after();
}

void call_from_generic_lambda(Probe probe) {
  const auto lambda = [](auto wanted) __attribute__((noinline)) {
    const auto inner = [&]() __attribute__((noinline)) {
      wanted();
      after();
    };
    inner();
    after();
  };
  lambda(probe);
  after();
}

void call_from_inlined_lambda(Probe probe) {
  const auto lambda = [&]() __attribute__((always_inline)) {
    probe();
    after();
  };
  lambda();
  after();
}

void call_from_inlined_function(Probe probe) {
  inlined_function(probe);
  after();
}

}  // namespace named
// NOLINTEND(hicpp-no-assembler)
