// Captures at the end of a recursion whose frames the tables describe, but by a register that leash does not follow, so
// that each of them is left to the compiler's unwinder.
#include <cstdint>
#include <cstdio>
#include <leash/track/stack.hpp>

// NOLINTBEGIN(hicpp-no-assembler)
extern "C" void leash_test_found_by_rbx(void (*function)(std::uintptr_t), std::uintptr_t argument);
asm(R"(
  .text
  .globl leash_test_found_by_rbx
  .type leash_test_found_by_rbx, @function
leash_test_found_by_rbx:
  .cfi_startproc
  push %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  mov %rsp, %rbx
  .cfi_def_cfa_register %rbx
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  .cfi_def_cfa_register %rsp
  pop %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbx
  ret
  .cfi_endproc
  .size leash_test_found_by_rbx, .-leash_test_found_by_rbx
)");

namespace {

std::size_t found = 0;

void recurse(std::uintptr_t left) {
  if (left == 0) {
    found = leash::track::capture_stack(64).addresses.size();
  } else {
    leash_test_found_by_rbx(recurse, left - 1);
  }
  asm volatile("" ::: "memory");
}
// NOLINTEND(hicpp-no-assembler)

}  // namespace

int main() {
  recurse(30'000);
  std::printf("%zu frames\n", found);
  return found == 64 ? 0 : 1;
}
