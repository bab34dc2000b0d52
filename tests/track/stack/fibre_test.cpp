#include <doctest/doctest.h>

#include <sys/mman.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <leash/track/stack.hpp>
#include <leash/track/stack/capture.hpp>
#include <leash/track/stack/stack_bounds.hpp>

#include "addresses.hpp"
#include "sanitizers.hpp"
#include "stepping.hpp"

using leash::track::Unwinder;
using leash::track::detail::capture_addresses;
using leash::track::detail::own_stack;
using leash::track::detail::OwnStack;
using leash::track::detail::page_size;
using leash_test::Addresses;

namespace {

// NOLINTBEGIN(hicpp-no-assembler)
extern "C" {
// Runs a function on another stack as Boost.Context does: what it returns to has no unwind table, and was not called.
void leash_test_on_fibre(void (*function)(), std::uintptr_t top);
}
asm(R"(
  .text
  .globl leash_test_on_fibre
  .type leash_test_on_fibre, @function
leash_test_on_fibre:
  push %rbp
  push %rbx
  mov %rsp, %rbx
  mov %rsi, %rsp
  xor %ebp, %ebp
  lea 1f(%rip), %rax
  push %rax
  jmp *%rdi
1:
  mov %rbx, %rsp
  pop %rbx
  pop %rbp
  ret
  .size leash_test_on_fibre, .-leash_test_on_fibre
)");

/// Some pages with one behind that cannot be read.
class FibreStack {
 public:
  FibreStack() : pages_(::mmap(nullptr, size + page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(pages_ != MAP_FAILED);
    REQUIRE(::mprotect(pages_, size, PROT_READ | PROT_WRITE) == 0);
  }
  FibreStack(const FibreStack&) = delete;
  FibreStack& operator=(const FibreStack&) = delete;
  ~FibreStack() { ::munmap(pages_, size + page_size); }

  [[nodiscard]] std::uintptr_t top() const { return reinterpret_cast<std::uintptr_t>(pages_) + size; }

 private:
  static constexpr std::size_t size = std::size_t{1} << 20;
  void* pages_;
};

volatile int system_calls = 0;

void count_system_calls(int, siginfo_t*, void* context) {
  constexpr std::array<unsigned char, 2> system_call{0x0f, 0x05};
  const auto next = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  if (std::memcmp(reinterpret_cast<const void*>(next), system_call.data(), system_call.size()) == 0) {
    system_calls = system_calls + 1;
  }
}

std::size_t frames_found = 0;

/// Captures several times, and counts the system calls of the last time.
[[gnu::noinline]] void capture_again_and_again() {
  Addresses found;
  for (int time = 0; time < 3; ++time) {
    system_calls = 0;
    leash_test::step_if(time == 2);
    found.count = capture_addresses(Unwinder::tables, found.at.data(), 64, 0);
    leash_test::step_no_more();
  }
  frames_found = found.count;
}

template <std::size_t Pages>
[[gnu::noinline]] void capture_behind() {
  std::array<char, Pages * page_size> pages;  // NOLINT(*-member-init): only its size matters
  asm volatile("" ::"r"(pages.data()) : "memory");
  capture_again_and_again();
  asm volatile("" ::"r"(pages.data()) : "memory");
}
// NOLINTEND(hicpp-no-assembler)

}  // namespace

TEST_CASE("a capture on a fibre costs no more than one system call" * doctest::skip(leash_test::with_tsan)) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_sigaction = count_system_calls;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  SUBCASE("where the thread's own stack is known") {}
  SUBCASE("where the thread was never seen on its own stack") { own_stack = OwnStack{}; }
  for (int fibre = 0; fibre < 3; ++fibre) {
    const FibreStack stack;
    for (auto* const function : {capture_again_and_again, capture_behind<1>, capture_behind<2>}) {
      leash_test_on_fibre(function, stack.top());
      CHECK(frames_found >= 2);
      CHECK(system_calls <= (leash_test::with_asan ? 2 : 1));
    }
  }
  sigaction(SIGTRAP, &before, nullptr);
}
