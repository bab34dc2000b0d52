#include <doctest/doctest.h>

#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <leash/track/stack.hpp>
#include <leash/track/stack/capture.hpp>
#include <leash/track/tracker.hpp>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "addresses.hpp"
#include "frames.hpp"
#include "sanitizers.hpp"
#include "stepping.hpp"

using leash::track::capture_stack;
using leash::track::max_depth;
using leash::track::Stack;
using leash::track::Unwinder;
using leash::track::detail::capture_addresses;
using leash_test::Addresses;
using leash_test::differing;
using leash_test::probe;
using leash_test::probed;

namespace {

// What is done to the processor's registers cannot be written in C++.
// NOLINTBEGIN(hicpp-no-assembler)
extern "C" {
// Calls a function with a frame pointer of one's choice.
void leash_test_with_rbp(void (*function)(), std::uintptr_t rbp);
// Calls a function on another stack, whose first frame is said to be found: by rbx, which holds the old stack pointer;
// by rbp, which does so too; 64 bytes up that other stack; by rbp, which is `rbp`.
void leash_test_on_stack_by_rbx(void (*function)(), std::uintptr_t top);
void leash_test_on_stack_by_rbp(void (*function)(), std::uintptr_t top);
void leash_test_on_stack_beyond(void (*function)(), std::uintptr_t top);
void leash_test_on_stack_with_rbp(void (*function)(), std::uintptr_t top, std::uintptr_t rbp);
}
#define LEASH_TEST_ON_STACK(name, set_rbp, cfa, offset)                \
  asm(".text\n.globl " name "\n.type " name ", @function\n" name       \
      ":\n"                                                            \
      ".cfi_startproc\n"                                               \
      "push %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %rbp, 0\n" \
      "push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %rbx, 0\n" \
      "mov %rsp, %rbx\n.cfi_def_cfa_register %rbx\n" set_rbp           \
      "mov %rsi, %rsp\n"                                               \
      ".cfi_remember_state\n.cfi_def_cfa " cfa ", " offset             \
      "\ncall *%rdi\n"                                                 \
      ".cfi_restore_state\n"                                           \
      "mov %rbx, %rsp\n.cfi_def_cfa_register %rsp\n"                   \
      "pop %rbx\n.cfi_adjust_cfa_offset -8\n.cfi_restore %rbx\n"       \
      "pop %rbp\n.cfi_adjust_cfa_offset -8\n.cfi_restore %rbp\n"       \
      "ret\n.cfi_endproc\n.size " name ", .-" name "\n")
LEASH_TEST_ON_STACK("leash_test_on_stack_by_rbx", "", "%rbx", "24");
LEASH_TEST_ON_STACK("leash_test_on_stack_by_rbp", "mov %rsp, %rbp\n", "%rbp", "24");
LEASH_TEST_ON_STACK("leash_test_on_stack_beyond", "", "%rsp", "64");
LEASH_TEST_ON_STACK("leash_test_on_stack_with_rbp", "mov %rdx, %rbp\n", "%rbp", "24");
asm(R"(
  .globl leash_test_with_rbp
  .type leash_test_with_rbp, @function
leash_test_with_rbp:
  .cfi_startproc
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  mov %rsi, %rbp
  call *%rdi
  pop %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  ret
  .cfi_endproc
  .size leash_test_with_rbp, .-leash_test_with_rbp
)");
// NOLINTEND(hicpp-no-assembler)

// By the tables, which do not trust the stack; only that it returns.
[[gnu::noinline]] void capture_untrusting() {
  Addresses found;
  for (const std::size_t skip : {std::size_t{0}, std::size_t{3}, SIZE_MAX}) {
    found.count = capture_addresses(Unwinder::tables, found.at.data(), max_depth, skip);
    if (skip == 0 && found.count == 0) differing.fetch_add(1);
  }
  probed.fetch_add(1);
}

std::vector<std::uintptr_t> wild_pointers(std::uintptr_t stack, std::uintptr_t top) {
  std::vector<std::uintptr_t> wild{0, 1, 7, 8, 4096, UINTPTR_MAX, UINTPTR_MAX - 7, UINTPTR_MAX - 15, UINTPTR_MAX - 23};
  wild.insert(wild.end(),
              {std::uintptr_t{1} << 47, (std::uintptr_t{1} << 47) - 8, std::uintptr_t{0x8000'0000'0000'0000}});
  for (const std::uintptr_t near : {stack, top}) {
    for (const int offset : {-65536, -4096, -64, -24, -17, -16, -9, -8, -1, 0, 1, 8, 16, 64, 4096, 65536, 1 << 24}) {
      wild.push_back(near + static_cast<std::uintptr_t>(std::intptr_t{offset}));
    }
  }
  return wild;
}

// A stack with memory that cannot be read on both sides.
class GuardedStack {
 public:
  GuardedStack() : begin_(::mmap(nullptr, guard + size + guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(begin_ != MAP_FAILED);
    REQUIRE(::mprotect(static_cast<char*>(begin_) + guard, size, PROT_READ | PROT_WRITE) == 0);
  }
  GuardedStack(const GuardedStack&) = delete;
  GuardedStack& operator=(const GuardedStack&) = delete;
  ~GuardedStack() { ::munmap(begin_, guard + size + guard); }

  [[nodiscard]] std::uintptr_t top() const { return reinterpret_cast<std::uintptr_t>(begin_) + guard + size; }

 private:
  static constexpr std::size_t guard = 4096;
  static constexpr std::size_t size = std::size_t{256} << 10;
  void* begin_;
};

// For the handler of SIGTRAP. What it found at an instruction must end with the frames of what called the scenario.
std::atomic<int> steps_left{0};
Addresses outer;

// Some compilers' tables are wrong at an instruction or two of a function that aligns its stack, and the compiler's own
// unwinder then reads what is not there.
bool compare_with_system = true;

[[gnu::noinline]] void on_trap(int, siginfo_t*, void* context) {
  if (compare_with_system) {
    probe();
  } else {
    Addresses found;
    found.count = capture_addresses(Unwinder::tables, found.at.data(), max_depth, 0);
    probed.fetch_add(1, std::memory_order_relaxed);
    const bool same = found.count > outer.count &&
                      std::equal(outer.at.begin() + 1, outer.at.begin() + static_cast<std::ptrdiff_t>(outer.count),
                                 found.at.begin() + static_cast<std::ptrdiff_t>(found.count - outer.count + 1));
    if (!same) differing.fetch_add(1, std::memory_order_relaxed);
  }
  if (steps_left.fetch_sub(1) <= 1) leash_test::step_no_more(context);
}

[[gnu::noinline]] void step_through(const frames::Scenario& scenario, int most) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  steps_left = most;
  outer.count = capture_addresses(Unwinder::tables, outer.at.data(), max_depth, 0);
  // A frame found by rbp, since the tables know nothing of what is pushed here, under the red zone.
  void* volatile by_rbp = alloca(16);
  static_cast<void>(by_rbp);
  leash_test::step_if(true);
  scenario.run([] { asm volatile("" ::: "memory"); });  // NOLINT(hicpp-no-assembler)
  leash_test::step_no_more();
  sigaction(SIGTRAP, &before, nullptr);
}

using Scenarios = std::span<const frames::Scenario>;

// The same code, compiled in several ways.
std::vector<Scenarios> variants() {
  std::vector<Scenarios> all{frames::at_O0(), frames::at_O2_without_frame_pointers()};
#ifdef LEASH_ALL_TESTS
  all.insert(all.end(), {frames::at_O1(), frames::at_O2(), frames::at_O3(), frames::at_O0_without_frame_pointers(),
                         frames::at_O1_without_frame_pointers(), frames::at_O3_without_frame_pointers()});
#endif
  return all;
}

void check_all(Scenarios scenarios) {
  for (const frames::Scenario& scenario : scenarios) {
    CAPTURE(scenario.name);
    // The second time all rules are known.
    for (int round = 0; round < 2; ++round) {
      probed = differing = 0;
      scenario.run(probe);
      CHECK(probed > 0);
      CHECK(differing == 0);
    }
  }
}

}  // namespace

TEST_CASE("the tables give the frames of _Unwind_Backtrace, whatever the code was optimized for") {
  for (const Scenarios scenarios : variants()) check_all(scenarios);
}

TEST_CASE("the tables give the right frames at every single instruction" * doctest::skip(leash_test::with_tsan)) {
  for (const Scenarios scenarios : variants()) {
    for (const frames::Scenario& scenario : scenarios) {
      const std::string name = scenario.name;
      if (name.find("signal") != std::string::npos || name.find("stack") != std::string::npos || name == "threads" ||
          name == "fibre") {
        continue;
      }
      CAPTURE(name);
      probed = differing = 0;
      compare_with_system = name.find("over-aligned") == std::string::npos;
      step_through(scenario, compare_with_system ? 500 : 20000);
      CHECK(probed > 20);
      CHECK(differing == 0);
    }
  }
}

#ifdef LEASH_ALL_TESTS
TEST_CASE("code in a library that was loaded late, and in another that took its place, has the right frames") {
  for (int round = 0; round < 6; ++round) {
    void* const plugin = ::dlopen(round % 2 == 0 ? FRAMES_PLUGIN_O0 : FRAMES_PLUGIN_O2, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(plugin != nullptr);
    auto* const run = reinterpret_cast<void (*)(frames::Probe)>(::dlsym(plugin, "run_frames"));
    REQUIRE(static_cast<bool>(run));
    for (int again = 0; again < 2; ++again) {
      probed = differing = 0;
      run(probe);
      CHECK(probed > 0);
      CHECK(differing == 0);
    }
    REQUIRE(::dlclose(plugin) == 0);
  }
}

TEST_CASE("rules are forgotten when another library has come to the same place") {
  std::vector<const void*> places;
  for (const char* const file : {RELOADED_24, RELOADED_56, RELOADED_88, RELOADED_24}) {
    void* const library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    const auto call = [&](const char* name) {
      void* const function = ::dlsym(library, name);
      REQUIRE(function != nullptr);
      reinterpret_cast<void (*)(frames::Probe)>(function)(probe);
      return function;
    };
    call("elsewhere");
    probed = differing = 0;
    places.push_back(call("reloaded"));
    CHECK(probed == 1);
    CHECK(differing == 0);
    REQUIRE(::dlclose(library) == 0);
  }
  // Else this has shown nothing.
  CHECK(std::ranges::adjacent_find(places) != places.end());
}
#endif

#if LEASH_TRACKING
namespace {

// What a tag keeps of the scenario's frames, through those of leash.
[[gnu::noinline]] void probe_tag() {
  leash::track::Tracker tracker({.depth = max_depth});
  const leash::track::Tag tag = tracker.create({{"slot", "slots"}, "a"});
  const Stack kept = tracker.snapshot().groups.at(0).opened.stack;
  const Stack expected = capture_stack(max_depth, 0, Unwinder::system);
  probed.fetch_add(1);
  // All from the caller on, for Tracker::create is the first that is kept.
  const bool same = kept.addresses.size() >= 62 && expected.addresses.size() >= 62 &&
                    std::equal(kept.addresses.begin() + 2, kept.addresses.begin() + 62, expected.addresses.begin() + 1);
  if (!same) differing.fetch_add(1);
}

}  // namespace

TEST_CASE("a tag keeps the frames of its caller") {
  for (const Scenarios scenarios : variants()) {
    probed = differing = 0;
    scenarios.front().run(probe_tag);
    CHECK(probed == 1);
    CHECK(differing == 0);
  }
}
#endif

TEST_CASE("a wild frame pointer does no harm") {
  int here = 0;
  const auto stack = reinterpret_cast<std::uintptr_t>(&here);
  const GuardedStack guarded;
  probed = differing = 0;
  for (const std::uintptr_t rbp : wild_pointers(stack, guarded.top())) leash_test_with_rbp(capture_untrusting, rbp);
  CHECK(differing == 0);
  std::thread([] {
    int inside = 0;
    const auto sp = reinterpret_cast<std::uintptr_t>(&inside);
    const auto top = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    for (const std::uintptr_t rbp : wild_pointers(sp, top)) leash_test_with_rbp(capture_untrusting, rbp);
  }).join();
  CHECK(differing == 0);
  // And with the tables the stack goes on behind it, since they say where the real one was saved.
  probed = differing = 0;
  for (const std::uintptr_t rbp : wild_pointers(stack, guarded.top())) leash_test_with_rbp(probe, rbp);
  CHECK(differing == 0);
}

TEST_CASE("a stack that ends in memory that cannot be read is read no further") {
  const GuardedStack guarded;
  probed = differing = 0;
  for (const std::uintptr_t below : {0U, 16U, 32U, 48U, 64U, 4096U}) {
    leash_test_on_stack_beyond(capture_untrusting, guarded.top() - below);
    for (const std::uintptr_t rbp : wild_pointers(guarded.top() - 4096, guarded.top())) {
      leash_test_on_stack_with_rbp(capture_untrusting, guarded.top() - below, rbp);
    }
  }
  CHECK(differing == 0);
}

TEST_CASE("what lay right under a thread's stack is not read when it is gone") {
  constexpr std::size_t size = std::size_t{1} << 20;
  void* const all = ::mmap(nullptr, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(all != MAP_FAILED);
  static std::uintptr_t first = 0;
  static std::uintptr_t second = 0;
  first = reinterpret_cast<std::uintptr_t>(all);
  second = first + size;
  pthread_attr_t attributes;
  REQUIRE(::pthread_attr_init(&attributes) == 0);
  REQUIRE(::pthread_attr_setstack(&attributes, reinterpret_cast<void*>(second + size), size) == 0);
  bool known = true;
  SUBCASE("and leash knows the thread") {}
  SUBCASE("and leash does not know the thread") { known = false; }
  const auto run = [](void* is_known) -> void* {
    if (*static_cast<bool*>(is_known)) static_cast<void>(capture_stack(16));
    capture_untrusting();
    // As two fibres do, one of which ends.
    for (const std::uintptr_t stack : {second, first}) leash_test_on_stack_by_rbx(capture_untrusting, stack + size);
    ::munmap(reinterpret_cast<void*>(second), size);
    leash_test_on_stack_with_rbp(capture_untrusting, first + size, second + size / 2);
    return nullptr;
  };
  probed = differing = 0;
  pthread_t thread{};
  REQUIRE(::pthread_create(&thread, &attributes, run, &known) == 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
  CHECK(probed > 0);
  CHECK(differing == 0);
  ::munmap(all, size);
  ::munmap(reinterpret_cast<void*>(second + size), size);
}

TEST_CASE("a stack goes on where a function was called on another one") {
  probed = differing = 0;
  {
    const GuardedStack guarded;
    leash_test_on_stack_by_rbx(probe, guarded.top());
    leash_test_on_stack_by_rbp(probe, guarded.top());
    leash_test_on_stack_by_rbp(probe, guarded.top() - 64);
  }
  const GuardedStack another;
  leash_test_on_stack_by_rbp(probe, another.top());
  CHECK(probed == 4);
  CHECK(differing == 0);
}

TEST_CASE("every unwinder gives as many addresses as were asked for") {
  for (const Unwinder unwinder : {Unwinder::tables, Unwinder::system}) {
    CAPTURE(static_cast<int>(unwinder));
    CHECK(capture_stack(0, 0, unwinder).addresses.empty());
    CHECK(capture_stack(0, SIZE_MAX, unwinder).addresses.empty());
    CHECK(capture_stack(1, 0, unwinder).addresses.size() == 1);
    CHECK(capture_stack(1'000'000, 0, unwinder).addresses.size() <= max_depth);
    CHECK(capture_stack(1'000'000, SIZE_MAX, unwinder).addresses.empty());
  }
  const auto capture = [](std::size_t skip, Unwinder unwinder) { return capture_stack(64, skip, unwinder); };
  for (const std::size_t skip : {0U, 1U, 2U, 3U}) {
    const Stack tables = capture(skip, Unwinder::tables);
    const Stack system = capture(skip, Unwinder::system);
    REQUIRE(tables.addresses.size() > 1);
    REQUIRE(tables.addresses.size() == system.addresses.size());
    CHECK(std::equal(tables.addresses.begin() + 2, tables.addresses.end(), system.addresses.begin() + 2));
  }
}

#ifdef LEASH_ALL_TESTS
TEST_CASE("many threads capture at once while libraries come and go") {
  probed = differing = 0;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      const std::vector<Scenarios> all = variants();
      const Scenarios scenarios = all[static_cast<std::size_t>(thread) * 2 % all.size()];
      while (!stop) {
        for (const frames::Scenario& scenario : scenarios.first(7)) scenario.run(probe);
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    void* const plugin = ::dlopen(round % 2 == 0 ? FRAMES_PLUGIN_O0 : FRAMES_PLUGIN_O2, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(plugin != nullptr);
    reinterpret_cast<void (*)(frames::Probe)>(::dlsym(plugin, "run_frames"))(probe);
    ::dlclose(plugin);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(differing == 0);
}
#endif
