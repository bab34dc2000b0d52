#include <doctest/doctest.h>

#include <alloca.h>
#include <setjmp.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <leash/track/stack.hpp>
#include <leash/track/stack/capture.hpp>
#include <map>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "addresses.hpp"
#include "all_tests.hpp"
#include "sanitizers.hpp"
#include "stepping.hpp"

using leash::track::max_depth;
using leash::track::Unwinder;
using leash::track::detail::capture_addresses;
using leash::track::detail::capture_stack_id;
using leash::track::detail::Purpose;
using leash::track::detail::purpose_count;
using leash_test::Addresses;
using leash_test::differing;
using leash_test::probe;
using leash_test::probed;

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

[[gnu::noinline]] void probe_number() {
  static std::mt19937 random{17};
  const std::uint32_t site = 1 + random() % 2;
  const std::size_t depth = std::array<std::size_t, 4>{1, 3, 16, 40}[random() % 4];
  const std::size_t skip = 1 + random() % 3;
  const auto purpose = std::array{Purpose::opening, Purpose::closing, Purpose::use}[random() % 3];
  // Not to be unrolled: each time from the same place.
  int times = 4;
  asm("" : "+r"(times));  // NOLINT(hicpp-no-assembler)
  for (int time = 0; time < times; ++time) {
    Addresses expected;
    expected.count = capture_addresses(Unwinder::system, expected.at.data(), depth, skip);
    const int before = interned;
    const std::uint32_t number = capture_stack_id(Unwinder::tables, depth, skip, site, number_of, purpose);
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

// NOLINTBEGIN(hicpp-no-assembler)
extern "C" {
// Of unwind_test.cpp.
void leash_test_on_stack_beyond(void (*function)(), std::uintptr_t top);
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
  leash_test::step_no_more(context);
}

/// How far apart the instructions are that a handler comes at, of a capture that has so many: a sanitizer makes them
/// many more, and each of them slower.
int stride_through(int all) {
  constexpr int budget = leash_test::all_tests ? 30'000 : 3'000;
  return std::max(1, all / std::clamp(budget / all, 5, 300));
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
    leash_test::step_if(to == &found);
    to->count = capture_addresses(Unwinder::tables, to->at.data(), max_depth, 0);
    leash_test::step_no_more();
  }
  return found.count == expected.count && found.at == expected.at;
}
// NOLINTEND(hicpp-no-assembler)

enum class Stepping : std::uint8_t { none, all, since_it_was_numbered };
Stepping stepping_of_number = Stepping::none;

// A number that depends on all of a stack, and needs no memory.
std::uint32_t checksum(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept {
  // A frame found by rbp, since the tables know nothing of what `step_if` pushes.
  void* volatile by_rbp = alloca(16);
  static_cast<void>(by_rbp);
  for (const std::uintptr_t address : addresses) site = site * 31 + static_cast<std::uint32_t>(address);
  leash_test::step_if(std::exchange(stepping_of_number, Stepping::none) == Stepping::since_it_was_numbered);
  return site | 1U;
}

// Whether the stack from the caller on, or from `skip` frames on, has the right number.
std::uintptr_t innermost = 0;
[[gnu::noinline]] bool has_right_number(std::uint32_t site, Stepping stepping, std::size_t skip = 1,
                                        std::size_t depth = 16) {
  void* volatile by_rbp = alloca(16);
  static_cast<void>(by_rbp);
  Addresses expected;
  expected.count = capture_addresses(Unwinder::tables, expected.at.data(), depth, skip);
  innermost = expected.at[0];
  stepping_of_number = stepping;
  leash_test::step_if(stepping == Stepping::all);
  const std::uint32_t number = capture_stack_id(Unwinder::tables, depth, skip, site, checksum);
  leash_test::step_no_more();
  return number == checksum(site, std::span(expected.at).first(expected.count));
}

Addresses callers_found;
[[gnu::noinline]] void capture_callers() {
  callers_found.count = capture_addresses(Unwinder::tables, callers_found.at.data(), max_depth, 1);
}

std::uint32_t callers_number = 0;
[[gnu::noinline]] void number_callers() { callers_number = capture_stack_id(Unwinder::tables, 16, 1, 1, checksum); }

sigjmp_buf after_jump;

[[gnu::noinline]] bool has_right_number_or_is_left(std::uint32_t site, Stepping stepping, std::size_t depth) {
  return sigsetjmp(after_jump, 1) != 0 || has_right_number(site, stepping, 1, depth);
}

bool wrong_in_handler = false;
int numbered_in_handler = 0;
bool leave_by_jump = false;

[[gnu::noinline]] void number_on_one_trap(int, siginfo_t*, void* context) {
  const int step = steps;
  steps = step + 1;
  if (step != capture_at_step) return;
  leash_test::step_no_more(context);
  if (leave_by_jump) siglongjmp(after_jump, 1);
  // The same stack with another site, so that one word mistaken is a wrong number later.
  Addresses all;
  all.count = capture_addresses(Unwinder::tables, all.at.data(), max_depth, 0);
  const auto found = static_cast<std::size_t>(std::find(all.at.begin(), all.at.end(), innermost) - all.at.begin());
  ++numbered_in_handler;
  wrong_in_handler = wrong_in_handler || found >= all.count;
  for (const std::size_t depth : {16U, 5U})
    wrong_in_handler = wrong_in_handler || !has_right_number(3, Stepping::none, found + 1, depth);
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
  path.end = probe_number;
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

TEST_CASE("a stack that ends where the last one went on has its own number") {
  alignas(16) std::array<std::uintptr_t, std::size_t{64} << 10> stack{};
  std::uintptr_t* const top = stack.data() + stack.size() - 64;
  const auto run = [top](void (*function)()) {
    leash_test_on_stack_beyond(function, reinterpret_cast<std::uintptr_t>(top));
  };
  run(capture_callers);
  REQUIRE(callers_found.count == 1);
  const std::array<std::uintptr_t, 2> function{callers_found.at[0], callers_found.at[0]};
  // Where its return address is said to lie. It has none, or itself is its caller.
  for (const std::size_t callers : {1U, 2U, 1U}) {
    top[7] = callers == 1 ? 0 : function[0] + 1;
    run(number_callers);
    CAPTURE(callers);
    CHECK(callers_number == checksum(1, std::span(function).first(callers)));
  }
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
  for (capture_at_step = 0; capture_at_step < all; capture_at_step += stride_through(all)) {
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
  alignas(16) std::array<char, std::size_t{256} << 10> above{};
  int flags = SA_SIGINFO;
  SUBCASE("on the same stack") {}
  SUBCASE("on a stack of its own that lies above") { flags |= SA_ONSTACK; }
  SUBCASE("and leaves it by a jump") { leave_by_jump = true; }
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = number_on_one_trap;
  action.sa_flags = flags;
  sigaction(SIGTRAP, &action, &before);
  stack_t stack{};
  stack_t stack_before{};
  stack.ss_sp = above.data();
  stack.ss_size = above.size();
  sigaltstack(&stack, &stack_before);
  int wrong = 0;
  wrong_in_handler = false;
  numbered_in_handler = 0;
  // The same stack was numbered last, or the same one with another site, which is then remembered.
  for (const std::uint32_t last : {1U, 2U}) {
    int all = 1;
    int stride = 1;
    // The first time to the end, to learn how many steps there are.
    for (capture_at_step = -1; capture_at_step < all; capture_at_step += capture_at_step < 0 ? 1 : stride) {
      // All from the same place, so that the stacks are the same. Afterwards what is remembered must be right.
      for (std::size_t turn = 0; turn < 6; ++turn) {
        const std::uint32_t site = std::array{last, 1U, leave_by_jump ? 1U : 3U, 1U, 2U, 1U}[turn];
        const std::size_t depth = turn == 5 ? 5 : 16;
        Stepping stepping = Stepping::none;
        if (turn == 1) stepping = last == site ? Stepping::all : Stepping::since_it_was_numbered;
        steps = 0;
        wrong += has_right_number_or_is_left(site, stepping, depth) ? 0 : 1;
        if (turn == 1 && capture_at_step < 0) {
          all = steps;
          stride = stride_through(all);
        }
      }
    }
    CAPTURE(last);
    CHECK(all > 10);
  }
  CHECK(wrong == 0);
  CHECK_FALSE(wrong_in_handler);
  CHECK((leave_by_jump || numbered_in_handler > 0));
  sigaltstack(&stack_before, nullptr);
  sigaction(SIGTRAP, &before, nullptr);
}
