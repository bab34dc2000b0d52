#include <doctest/doctest.h>

#include <alloca.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <leash/track/detail/stack_id.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/tracker.hpp>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "frames.hpp"
#include "sanitizers.hpp"

using leash::track::capture_stack;
using leash::track::max_depth;
using leash::track::Stack;
using leash::track::Unwinder;
using leash::track::detail::capture_addresses;
using leash::track::detail::capture_stack_id;
using leash::track::detail::Event;
using leash::track::detail::events;

namespace {

struct Addresses {
  std::array<std::uintptr_t, max_depth> at{};
  std::size_t count = 0;
};

// The stack of the caller, this function first, by the compiler's unwinder itself.
[[gnu::noinline]] void unwind_backtrace(Addresses& addresses) {
  const auto visit = [](_Unwind_Context* context, void* data) {
    Addresses& to = *static_cast<Addresses*>(data);
    int before_instruction = 0;
    const std::uintptr_t pc = _Unwind_GetIPInfo(context, &before_instruction);
    if (pc == 0 || to.count == to.at.size()) return _URC_END_OF_STACK;
    to.at[to.count++] = before_instruction != 0 ? pc : pc - 1;
    return _URC_NO_REASON;
  };
  addresses.count = 0;
  _Unwind_Backtrace(visit, &addresses);
  asm volatile("" ::: "memory");
}

// What the probe found; it runs where nothing may be asserted.
std::atomic<int> probed{0};
std::atomic<int> differing{0};

[[gnu::noinline]] void probe() {
  Addresses expected;
  Addresses found;
  unwind_backtrace(expected);
  found.count = capture_addresses(Unwinder::tables, found.at.data(), max_depth, 0);
  probed.fetch_add(1, std::memory_order_relaxed);
  // The first of the expected is unwind_backtrace; the calls in this function differ.
  const std::size_t count = std::min(expected.count, max_depth) - 1;
  const bool same = found.count >= count && count >= 2 &&
                    found.count <= count + (expected.count == max_depth ? 1 : 0) &&
                    std::equal(expected.at.begin() + 2, expected.at.begin() + 1 + static_cast<std::ptrdiff_t>(count),
                               found.at.begin() + 1);
  if (!same) differing.fetch_add(1, std::memory_order_relaxed);
}

// The same with a frame pointer of its own, and whether frame pointers lead as far as the scenario's own frames.
[[gnu::noinline]] void probe_frame_pointers() {
  Addresses expected;
  Addresses found;
  const void* volatile frame = __builtin_frame_address(0);
  expected.count = capture_addresses(Unwinder::tables, expected.at.data(), max_depth, 0);
  found.count = capture_addresses(Unwinder::frame_pointers, found.at.data(), max_depth, 0);
  probed.fetch_add(1, std::memory_order_relaxed);
  const bool same = frame != nullptr && found.count >= 62 && expected.count >= 62 &&
                    std::equal(expected.at.begin() + 1, expected.at.begin() + 62, found.at.begin() + 1);
  if (!same) differing.fetch_add(1, std::memory_order_relaxed);
}

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

// By every mechanism that does not trust the stack; only that it returns.
[[gnu::noinline]] void capture_by_all() {
  Addresses found;
  for (const Unwinder unwinder : {Unwinder::tables, Unwinder::frame_pointers}) {
    for (const std::size_t skip : {std::size_t{0}, std::size_t{3}, SIZE_MAX}) {
      found.count = capture_addresses(unwinder, found.at.data(), max_depth, skip);
      if (skip == 0 && found.count == 0) differing.fetch_add(1);
    }
    probed.fetch_add(1);
  }
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

// A step is a signal, which takes long on some machines.
void stop_stepping(void* context) {
  constexpr greg_t trap_flag = 0x100;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
}

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
  if (steps_left.fetch_sub(1) <= 1) stop_stepping(context);
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
  // NOLINTBEGIN(hicpp-no-assembler)
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
  scenario.run([] { asm volatile("" ::: "memory"); });
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
  // NOLINTEND(hicpp-no-assembler)
  sigaction(SIGTRAP, &before, nullptr);
}

const std::array<std::span<const frames::Scenario>, 8>& variants() {
  static const std::array<std::span<const frames::Scenario>, 8> all{
      frames::at_O0(),
      frames::at_O1(),
      frames::at_O2(),
      frames::at_O3(),
      frames::at_O0_without_frame_pointers(),
      frames::at_O1_without_frame_pointers(),
      frames::at_O2_without_frame_pointers(),
      frames::at_O3_without_frame_pointers(),
  };
  return all;
}

void check_all(std::span<const frames::Scenario> scenarios) {
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
  SUBCASE("-O0") { check_all(frames::at_O0()); }
  SUBCASE("-O1") { check_all(frames::at_O1()); }
  SUBCASE("-O2") { check_all(frames::at_O2()); }
  SUBCASE("-O3") { check_all(frames::at_O3()); }
  SUBCASE("-O0 -fomit-frame-pointer") { check_all(frames::at_O0_without_frame_pointers()); }
  SUBCASE("-O1 -fomit-frame-pointer") { check_all(frames::at_O1_without_frame_pointers()); }
  SUBCASE("-O2 -fomit-frame-pointer") { check_all(frames::at_O2_without_frame_pointers()); }
  SUBCASE("-O3 -fomit-frame-pointer") { check_all(frames::at_O3_without_frame_pointers()); }
}

TEST_CASE("the tables give the right frames at every single instruction" * doctest::skip(leash_test::with_tsan)) {
  for (const std::span<const frames::Scenario> scenarios : variants()) {
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

TEST_CASE("frame pointers lead through all functions that keep them") {
  for (const std::span<const frames::Scenario> scenarios :
       {frames::at_O0(), frames::at_O1(), frames::at_O2(), frames::at_O3()}) {
    probed = differing = 0;
    scenarios.front().run(probe_frame_pointers);
    CHECK(probed == 1);
    CHECK(differing == 0);
  }
}

#if LEASH_TRACKING
namespace {

// What a tag keeps of the scenario's frames, through those of leash.
[[gnu::noinline]] void probe_tag() {
  const void* volatile frame = __builtin_frame_address(0);
  leash::track::Tracker tracker({.depth = max_depth, .unwinder = Unwinder::frame_pointers});
  const leash::track::Tag tag = tracker.create({{"slot", "slots"}, "a"});
  const Stack kept = tracker.snapshot().groups.at(0).opened.stack;
  Stack expected = capture_stack(max_depth, 0, Unwinder::tables);
  probed.fetch_add(1);
  // All from the caller on, for Tracker::create is the first that is kept.
  const bool same = frame != nullptr && kept.addresses.size() >= 62 && expected.addresses.size() >= 62 &&
                    std::equal(kept.addresses.begin() + 2, kept.addresses.begin() + 62, expected.addresses.begin() + 1);
  if (!same) differing.fetch_add(1);
}

}  // namespace

TEST_CASE("a tag keeps the frames that frame pointers lead to") {
  for (const std::span<const frames::Scenario> scenarios :
       {frames::at_O0(), frames::at_O1(), frames::at_O2(), frames::at_O3()}) {
    probed = differing = 0;
    scenarios.front().run(probe_tag);
    CHECK(probed == 1);
    CHECK(differing == 0);
  }
}
#endif

TEST_CASE("a wild frame pointer ends the stack and does no harm") {
  int here = 0;
  const auto stack = reinterpret_cast<std::uintptr_t>(&here);
  const GuardedStack guarded;
  probed = differing = 0;
  for (const std::uintptr_t rbp : wild_pointers(stack, guarded.top())) leash_test_with_rbp(capture_by_all, rbp);
  CHECK(differing == 0);
  std::thread([] {
    int inside = 0;
    const auto sp = reinterpret_cast<std::uintptr_t>(&inside);
    const auto top = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    for (const std::uintptr_t rbp : wild_pointers(sp, top)) leash_test_with_rbp(capture_by_all, rbp);
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
    leash_test_on_stack_beyond(capture_by_all, guarded.top() - below);
    for (const std::uintptr_t rbp : wild_pointers(guarded.top() - 4096, guarded.top())) {
      leash_test_on_stack_with_rbp(capture_by_all, guarded.top() - below, rbp);
    }
  }
  CHECK(differing == 0);
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
  for (const Unwinder unwinder : {Unwinder::tables, Unwinder::frame_pointers, Unwinder::system}) {
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

TEST_CASE("many threads capture at once while libraries come and go") {
  probed = differing = 0;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      const std::span<const frames::Scenario> scenarios = variants()[static_cast<std::size_t>(thread) * 2 % 8];
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

namespace {

// The number of a stack is what `intern` gave it the first time. It is not asked again for the last stack, once the
// rules for its frames are known.
std::map<std::pair<std::uint32_t, std::vector<std::uintptr_t>>, std::uint32_t> numbers;
int interned = 0;
int asked_again = 0;

std::uint32_t number_of(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept {
  ++interned;
  const auto next = static_cast<std::uint32_t>(numbers.size() + 1);
  return numbers.try_emplace({site, {addresses.begin(), addresses.end()}}, next).first->second;
}

template <Unwinder By>
[[gnu::noinline]] void probe_number() {
  static std::mt19937 random{17};
  const void* volatile frame = __builtin_frame_address(0);
  static_cast<void>(frame);
  const std::uint32_t site = 1 + random() % 2;
  const std::size_t depth = std::array<std::size_t, 4>{1, 3, 16, 40}[random() % 4];
  const std::size_t skip = 1 + random() % 3;
  const auto event = static_cast<Event>(random() % events);
  // Not to be unrolled: each time from the same place.
  int times = 4;
  asm("" : "+r"(times));  // NOLINT(hicpp-no-assembler)
  for (int time = 0; time < times; ++time) {
    Addresses expected;
    expected.count = capture_addresses(By == Unwinder::tables ? Unwinder::system : By, expected.at.data(), depth, skip);
    const int before = interned;
    const std::uint32_t number = capture_stack_id(By, depth, skip, site, number_of, event);
    const bool asked = interned != before;
    if (number != number_of(site, std::span(expected.at).first(expected.count))) ++differing;
    if (asked && time > 1 && depth + skip < 20) ++asked_again;
  }
  ++probed;
}

// Frames of different sizes, which call each other as a sequence says.
struct Path {
  void (*end)() = probe;
  std::mt19937 random{11};
  std::array<unsigned, 40> steps{};
};

template <int Size>
void follow(const Path& path, std::size_t at);

constexpr std::array<void (*)(const Path&, std::size_t), 4> branches{follow<1>, follow<4>, follow<9>, follow<30>};

template <int Size>
[[gnu::noinline]] void follow(const Path& path, std::size_t at) {
  std::array<int, Size> local{};
  asm volatile("" ::"r"(local.data()) : "memory");
  if (at == path.steps.size()) {
    path.end();
  } else if (path.steps[at] % 8 < 4) {
    branches[path.steps[at] % 4](path, at + 1);
  } else {
    branches[path.steps[at] % 4](path, at + 1);
  }
  asm volatile("" ::"r"(local.data()) : "memory");
}

}  // namespace

namespace {

// NOLINTBEGIN(hicpp-no-assembler)
extern "C" {
// Call a function with nothing of use in rbp, which each saves at another place.
void leash_test_saves_rbp_first(void (*function)());
void leash_test_saves_rbp_second(void (*function)());
void leash_test_saves_rbp_third(void (*function)());
}
#define LEASH_TEST_PUSH(name) "push %" name "\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %" name ", 0\n"
#define LEASH_TEST_POP(name) "pop %" name "\n.cfi_adjust_cfa_offset -8\n.cfi_restore %" name "\n"
#define LEASH_TEST_SAVES_RBP(name, first, second, third)                                                      \
  asm(".text\n.globl " name "\n.type " name ", @function\n" name ":\n.cfi_startproc\n" LEASH_TEST_PUSH(first) \
          LEASH_TEST_PUSH(second) LEASH_TEST_PUSH(third) "xor %ebp, %ebp\ncall *%rdi\n" LEASH_TEST_POP(third) \
              LEASH_TEST_POP(second) LEASH_TEST_POP(first) "ret\n.cfi_endproc\n.size " name ", .-" name "\n")
LEASH_TEST_SAVES_RBP("leash_test_saves_rbp_first", "rbp", "rbx", "r12");
LEASH_TEST_SAVES_RBP("leash_test_saves_rbp_second", "rbx", "rbp", "r12");
LEASH_TEST_SAVES_RBP("leash_test_saves_rbp_third", "rbx", "r12", "rbp");

[[gnu::noinline]] void inner_frame(std::size_t size, unsigned choice) {
  constexpr std::array<void (*)(void (*)()), 3> savers{leash_test_saves_rbp_first, leash_test_saves_rbp_second,
                                                       leash_test_saves_rbp_third};
  asm volatile("" ::"r"(alloca(size)) : "memory");
  savers[choice % 3](probe);
  asm volatile("" ::: "memory");
}

template <int Which>
[[gnu::noinline]] void outer_frame(std::size_t size, std::size_t inner, unsigned choice) {
  asm volatile("" ::"r"(alloca(size)) : "memory");
  inner_frame(inner, choice);
  asm volatile("" ::: "memory");
}

// How many instructions a capture took, and at which of them the handler captures.
volatile int steps = 0;
int capture_at_step = 0;

[[gnu::noinline]] void on_one_trap(int, siginfo_t*, void* context) {
  const int step = steps;
  steps = step + 1;
  if (step != capture_at_step) return;
  Addresses found;
  found.count = capture_addresses(Unwinder::tables, found.at.data(), max_depth, 0);
  asm volatile("" ::"r"(&found) : "memory");
  stop_stepping(context);
}

// Whether a capture that is interrupted at each instruction gives what one gives that is not.
[[gnu::noinline]] bool step_through_capture() {
  static Addresses expected;
  static Addresses found;
  void* volatile by_rbp = alloca(16);
  static_cast<void>(by_rbp);
  steps = 0;
  for (Addresses* const to : {&expected, &found}) {
    // All from the same place, so that the frames are the same.
    const std::uintptr_t flag = to == &found ? 0x100 : 0;
    asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n or %0, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::"r"(flag)
                 : "cc", "memory");
    to->count = capture_addresses(Unwinder::tables, to->at.data(), max_depth, 0);
    asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                     : "cc", "memory");
  }
  return found.count == expected.count && found.at == expected.at;
}
// NOLINTEND(hicpp-no-assembler)

enum class Stepping : std::uint8_t { none, all, since_it_was_numbered };
Stepping stepping_of_number = Stepping::none;

// NOLINTBEGIN(hicpp-no-assembler)
[[gnu::always_inline]] inline void step_if(bool wanted) {
  const std::uintptr_t flag = wanted ? 0x100 : 0;
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n or %0, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::"r"(flag)
               : "cc", "memory");
}

[[gnu::always_inline]] inline void step_no_more() {
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
}
// NOLINTEND(hicpp-no-assembler)

// A number that depends on all of a stack, and needs no memory.
std::uint32_t checksum(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept {
  for (const std::uintptr_t address : addresses) site = site * 31 + static_cast<std::uint32_t>(address);
  step_if(std::exchange(stepping_of_number, Stepping::none) == Stepping::since_it_was_numbered);
  return site | 1U;
}

// Whether the stack from the caller on, or from `skip` frames on, has the right number.
std::uintptr_t innermost = 0;
[[gnu::noinline]] bool has_right_number(Unwinder unwinder, std::uint32_t site, Stepping stepping,
                                        std::size_t skip = 1) {
  const void* volatile frame = __builtin_frame_address(0);
  static_cast<void>(frame);
  Addresses expected;
  expected.count = capture_addresses(unwinder, expected.at.data(), 16, skip);
  innermost = expected.at[0];
  stepping_of_number = stepping;
  step_if(stepping == Stepping::all);
  const std::uint32_t number = capture_stack_id(unwinder, 16, skip, site, checksum);
  step_no_more();
  return number == checksum(site, std::span(expected.at).first(expected.count));
}

sigjmp_buf after_jump;

[[gnu::noinline]] bool has_right_number_or_is_left(Unwinder unwinder, std::uint32_t site, Stepping stepping) {
  return sigsetjmp(after_jump, 1) != 0 || has_right_number(unwinder, site, stepping);
}

Unwinder unwinder_of_handler = Unwinder::tables;
bool wrong_in_handler = false;
int same_in_handler = 0;
bool leave_by_jump = false;

[[gnu::noinline]] void number_on_one_trap(int, siginfo_t*, void* context) {
  const void* volatile frame = __builtin_frame_address(0);
  static_cast<void>(frame);
  const int step = steps;
  steps = step + 1;
  if (step != capture_at_step) return;
  stop_stepping(context);
  if (leave_by_jump) siglongjmp(after_jump, 1);
  // The same stack with another site, so that one word mistaken is a wrong number later.
  Addresses all;
  all.count = capture_addresses(unwinder_of_handler, all.at.data(), max_depth, 0);
  const auto same = static_cast<std::size_t>(std::find(all.at.begin(), all.at.end(), innermost) - all.at.begin());
  if (same < all.count) {
    ++same_in_handler;
    wrong_in_handler = wrong_in_handler || !has_right_number(unwinder_of_handler, 3, Stepping::none, same + 1);
  }
}

}  // namespace

TEST_CASE("stacks that differ from the last one in some frames have their own frames") {
  Path path;
  probed = differing = 0;
  for (int round = 0; round < 3000; ++round) {
    for (unsigned changes = path.random() % 4; changes > 0; --changes)
      path.steps[path.random() % 40] = path.random() % 8;
    follow<2>(path, path.random() % 20);
  }
  CHECK(probed == 3000);
  CHECK(differing == 0);
}

TEST_CASE("a stack has the same number each time, and no other has it") {
  Path path;
  SUBCASE("by tables") { path.end = probe_number<Unwinder::tables>; }
  SUBCASE("by frame pointers") { path.end = probe_number<Unwinder::frame_pointers>; }
  probed = differing = asked_again = 0;
  for (int round = 0; round < 3000; ++round) {
    for (unsigned changes = path.random() % 4; changes > 0; --changes)
      path.steps[path.random() % 40] = path.random() % 8;
    follow<2>(path, path.random() % 40);
  }
  CHECK(probed == 3000);
  CHECK(differing == 0);
  // The rules for two addresses may compete for one place in their cache.
  CHECK(asked_again < 100);
}

TEST_CASE("a stack is not taken for the last one because its inner frames are the same") {
  std::mt19937 random(5);
  probed = differing = 0;
  for (int round = 0; round < 3000; ++round) {
    // The inner frames are at the same place, whoever called them.
    const std::size_t inner = (1 + random() % 6) * 64;
    constexpr std::array<void (*)(std::size_t, std::size_t, unsigned), 3> outermost{outer_frame<0>, outer_frame<1>,
                                                                                    outer_frame<2>};
    outermost[random() % 3](512 - inner, inner, static_cast<unsigned>(random()));
  }
  CHECK(probed == 3000);
  CHECK(differing == 0);
}

TEST_CASE("a capture that a signal handler interrupts at any instruction, and captures too, has the right frames" *
          doctest::skip(leash_test::with_tsan)) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = on_one_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  capture_at_step = 1 << 30;
  CHECK(step_through_capture());
  const int all = steps;
  CHECK(all > 50);
  int wrong = 0;
  // A sanitizer makes a capture of many more instructions, and each of them slower.
  const int points = std::clamp(30'000 / all, 5, 300);
  for (capture_at_step = 0; capture_at_step < all; capture_at_step += std::max(1, all / points)) {
    // As in the last walk, so that it goes the quick way.
    CHECK(step_through_capture());
    wrong += step_through_capture() ? 0 : 1;
  }
  CHECK(wrong == 0);
  sigaction(SIGTRAP, &before, nullptr);
}

TEST_CASE("a stack that a signal handler interrupts at any instruction, and numbers another one, has the right number" *
          doctest::skip(leash_test::with_tsan)) {
  leave_by_jump = false;
  SUBCASE("by tables") { unwinder_of_handler = Unwinder::tables; }
  SUBCASE("by frame pointers") { unwinder_of_handler = Unwinder::frame_pointers; }
  SUBCASE("by tables, and leaves it by a jump") {
    unwinder_of_handler = Unwinder::tables;
    leave_by_jump = true;
  }
  SUBCASE("by frame pointers, and leaves it by a jump") {
    unwinder_of_handler = Unwinder::frame_pointers;
    leave_by_jump = true;
  }
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = number_on_one_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  int wrong = 0;
  wrong_in_handler = false;
  same_in_handler = 0;
  // The same stack was numbered last, or the same one with another site, which is then remembered.
  for (const std::uint32_t last : {1U, 2U}) {
    int all = 1;
    int stride = 1;
    // The first time to the end, to learn how many steps there are.
    for (capture_at_step = -1; capture_at_step < all; capture_at_step += capture_at_step < 0 ? 1 : stride) {
      // All from the same place, so that the stacks are the same. Afterwards what is remembered must be right.
      for (std::size_t turn = 0; turn < 5; ++turn) {
        const std::uint32_t site = std::array{last, 1U, leave_by_jump ? 1U : 3U, 1U, 2U}[turn];
        Stepping stepping = Stepping::none;
        if (turn == 1) stepping = last == site ? Stepping::all : Stepping::since_it_was_numbered;
        steps = 0;
        wrong += has_right_number_or_is_left(unwinder_of_handler, site, stepping) ? 0 : 1;
        if (turn == 1 && capture_at_step < 0) {
          all = steps;
          stride = std::max(1, all / std::clamp(30'000 / all, 5, 300));
        }
      }
    }
    CAPTURE(last);
    CHECK(all > 20);
  }
  CHECK(wrong == 0);
  CHECK_FALSE(wrong_in_handler);
  CHECK((leave_by_jump || same_in_handler > 50));
  sigaction(SIGTRAP, &before, nullptr);
}
