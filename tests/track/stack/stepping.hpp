#pragma once

#include <ucontext.h>

#include <cstdint>

namespace leash_test {

// NOLINTBEGIN(hicpp-no-assembler)
/// If `wanted`, this thread gets a SIGTRAP after each instruction from here on. Not with ThreadSanitizer (see
/// `with_tsan`); and the fewer the better, for a signal takes long on some machines.
[[gnu::always_inline]] inline void step_if(bool wanted) {
  const std::uintptr_t flag = wanted ? 0x100 : 0;
  // Under the red zone.
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n or %0, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::"r"(flag)
               : "cc", "memory");
}

[[gnu::always_inline]] inline void step_no_more() {
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
}
// NOLINTEND(hicpp-no-assembler)

/// In the handler of the signal, with its third argument: the same for what it interrupted.
inline void step_no_more(void* context) {
  constexpr greg_t trap_flag = 0x100;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
}

}  // namespace leash_test
