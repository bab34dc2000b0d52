// Compiled several times: FRAMES is the name of the function that gives this one's scenarios. -DFRAMES_PLUGIN makes it
// a library to be loaded.
#include <pthread.h>
#include <ucontext.h>

#include <alloca.h>
#include <array>
#include <coroutine>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "frames.hpp"

namespace {

using frames::Probe;

// Keeps a call from being the last thing that a function does.
inline void after() { asm volatile("" ::: "memory"); }

[[gnu::noinline]] void direct(Probe probe) {
  probe();
  after();
}

[[gnu::noinline]] int recurse(int levels, Probe probe) {
  if (levels == 0) {
    direct(probe);
    return 0;
  }
  const int result = recurse(levels - 1, probe) + 1;
  after();
  return result;
}

void recursion(Probe probe) { recurse(60, probe); }

void lambdas(Probe probe) {
  const auto inner = [&](int number) {
    direct(probe);
    return number;
  };
  const std::function<int(int)> outer = [&](int number) { return inner(number) + 1; };
  outer(1);
  after();
}

struct Base {
  Base() = default;
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  virtual ~Base() = default;
  virtual void call(Probe probe, int levels) = 0;
};
struct Left final : virtual Base {
  [[gnu::noinline]] void call(Probe probe, int levels) override;
};
struct Right final : virtual Base {
  [[gnu::noinline]] void call(Probe probe, int levels) override {
    if (levels == 0) {
      direct(probe);
    } else {
      std::unique_ptr<Base>(new Left)->call(probe, levels - 1);
    }
    after();
  }
};
void Left::call(Probe probe, int levels) {
  if (levels == 0) {
    direct(probe);
  } else {
    std::unique_ptr<Base>(new Right)->call(probe, levels - 1);
  }
  after();
}

void virtual_calls(Probe probe) {
  std::unique_ptr<Base>(new Left)->call(probe, 4);
  after();
}

thread_local Probe current_probe;

int compare(const void* left, const void* right) {
  if (const Probe probe = std::exchange(current_probe, nullptr)) direct(probe);
  return *static_cast<const int*>(left) - *static_cast<const int*>(right);
}

void through_qsort(Probe probe) {
  current_probe = probe;
  std::array<int, 16> numbers{5, 3, 1, 4};
  std::qsort(numbers.data(), numbers.size(), sizeof(int), compare);
  after();
}

[[gnu::noinline]] void use(void* memory, std::size_t size) {
  std::memset(memory, 1, size);
  after();
}

[[gnu::noinline]] void with_alloca(std::size_t size, Probe probe) {
  void* const memory = alloca(size);
  use(memory, size);
  direct(probe);
  use(memory, size);
}

void allocas(Probe probe) {
  for (const std::size_t size : {1U, 100U, 5000U, 20000U}) with_alloca(size, probe);
}

[[gnu::noinline]] void aligned(std::size_t size, Probe probe, int a, int b, int c, int d, int e, int f) {
  alignas(64) std::array<char, 128> local{};
  void* const memory = alloca(size);
  use(local.data(), local.size());
  use(memory, size);
  if (a > 0) {
    aligned(size, probe, a - 1, b, c, d, e, f);
  } else {
    direct(probe);
  }
  use(local.data(), static_cast<std::size_t>(b + c + d + e + f) % local.size());
}

void over_aligned(Probe probe) { aligned(40, probe, 3, 1, 2, 3, 4, 5); }

[[gnu::noinline]] void aligned_only(Probe probe) {
  alignas(128) std::array<char, 256> local{};
  use(local.data(), local.size());
  direct(probe);
  use(local.data(), local.size());
}

// Its caller's return address is behind the caller's last instruction.
[[noreturn, gnu::noinline]] void throwing(Probe probe) {
  direct(probe);
  throw 1;
}
[[noreturn, gnu::noinline]] void not_returning(Probe probe) { throwing(probe); }

struct AtEnd {
  Probe probe;
  explicit AtEnd(Probe probe_) : probe(probe_) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { direct(probe); }
};

void exceptions(Probe probe) {
  try {
    const AtEnd at_end(probe);
    not_returning(probe);
  } catch (int) {
    direct(probe);
  }
}

[[gnu::noinline]] std::uint64_t busy(std::uint64_t a, std::uint64_t b, std::uint64_t c, Probe probe) {
  std::array<std::uint64_t, 600> numbers{};
  for (std::size_t index = 0; index < numbers.size(); ++index) numbers[index] = a * index + b;
  direct(probe);
  std::uint64_t x = a ^ b;
  std::uint64_t y = b ^ c;
  std::uint64_t z = a + c;
  for (const std::uint64_t number : numbers) {
    x += number ^ y;
    y = z * 3 + x;
    z ^= y >> 3;
  }
  direct(probe);
  return x + y + z + a * b * c;
}

void many_registers(Probe probe) {
  volatile std::uint64_t result = busy(3, 5, 7, probe);
  static_cast<void>(result);
}

struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::abort(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Task inner_coroutine(Probe probe) {
  direct(probe);
  co_await std::suspend_always{};
  direct(probe);
}

Task outer_coroutine(Probe probe) {
  Task inner = inner_coroutine(probe);
  while (!inner.handle.done()) {
    inner.handle.resume();
    co_await std::suspend_always{};
  }
  inner.handle.destroy();
}

void coroutine(Probe probe) {
  Task outer = outer_coroutine(probe);
  while (!outer.handle.done()) outer.handle.resume();
  outer.handle.destroy();
}

void* first(void* probe) {
  (*static_cast<Probe*>(probe))();
  return nullptr;
}

void threads(Probe probe) {
  std::thread(probe).join();
  std::thread([probe] { recurse(10, probe); }).join();
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, first, &probe) == 0) pthread_join(thread, nullptr);
}

ucontext_t home;
ucontext_t away;

void fibre_main() {
  recurse(20, current_probe);
  swapcontext(&away, &home);
  recurse(3, current_probe);
}

void fibre(Probe probe) {
  current_probe = probe;
  constexpr std::size_t size = std::size_t{256} << 10;
  const std::unique_ptr<char[]> stack(new char[size]);
  getcontext(&away);
  away.uc_stack.ss_sp = stack.get();
  away.uc_stack.ss_size = size;
  away.uc_link = &home;
  makecontext(&away, fibre_main, 0);
  swapcontext(&home, &away);
  swapcontext(&home, &away);
}

void on_signal(int) { direct(current_probe); }

void raise_with(Probe probe, int flags) {
  current_probe = probe;
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = on_signal;
  action.sa_flags = flags;
  sigaction(SIGUSR1, &action, &before);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
}

void signal_handler(Probe probe) { raise_with(probe, 0); }

void signal_stack(Probe probe) {
  constexpr std::size_t size = std::size_t{256} << 10;
  const std::unique_ptr<char[]> stack(new char[size]);
  stack_t fresh{};
  stack_t before{};
  fresh.ss_sp = stack.get();
  fresh.ss_size = size;
  sigaltstack(&fresh, &before);
  raise_with(probe, SA_ONSTACK);
  sigaltstack(&before, nullptr);
}

// Calls the probe when little is left of a small stack.
[[gnu::noinline]] void exhaust(std::uintptr_t low, Probe probe) {
  std::array<char, 512> local{};
  use(local.data(), local.size());
  constexpr std::uintptr_t left = std::uintptr_t{48} << 10;
  if (reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < low + left) {
    direct(probe);
  } else {
    exhaust(low, probe);
  }
  use(local.data(), local.size());
}

void* exhaust_all(void* probe) {
  pthread_attr_t attributes;
  void* low = nullptr;
  std::size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  exhaust(reinterpret_cast<std::uintptr_t>(low), *static_cast<Probe*>(probe));
  return nullptr;
}

void exhausted_stack(Probe probe) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t{256} << 10);
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, exhaust_all, &probe) == 0) pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

[[maybe_unused]] constexpr auto all = std::to_array<frames::Scenario>({
    {"recursion", recursion},
    {"lambdas", lambdas},
    {"virtual calls", virtual_calls},
    {"qsort", through_qsort},
    {"alloca", allocas},
    {"over-aligned locals and alloca", over_aligned},
    {"over-aligned locals", aligned_only},
    {"exceptions and functions that do not return", exceptions},
    {"many registers", many_registers},
    {"coroutines", coroutine},
    {"signal handler", signal_handler},
    {"threads", threads},
    {"fibre", fibre},
    {"signal handler on its own stack", signal_stack},
    {"nearly exhausted stack", exhausted_stack},
});

}  // namespace

#ifdef FRAMES_PLUGIN
extern "C" void run_frames(Probe probe) {
  recurse(5, probe);
  lambdas(probe);
  virtual_calls(probe);
  through_qsort(probe);
  over_aligned(probe);
  many_registers(probe);
}
#else
namespace frames {
std::span<const Scenario> FRAMES() { return all; }
}  // namespace frames
#endif
