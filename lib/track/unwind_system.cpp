#include <unwind.h>

#include <leash/track/detail/unwind.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

struct Visit {
  Registers from;
  Output out;
  bool* interrupts;
  bool found = false;
  bool ended = false;
  std::size_t count = 0;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  Visit& to = *static_cast<Visit*>(data);
  int before_instruction = 0;
  const std::uintptr_t pc = _Unwind_GetIPInfo(context, &before_instruction);
  if (to.interrupts != nullptr && before_instruction != 0) *to.interrupts = true;
  const std::uintptr_t next = before_instruction != 0 ? pc + 1 : pc;
  to.found = to.found || (next == to.from.pc && (to.from.sp == 0 || _Unwind_GetCFA(context) == to.from.sp));
  if (!to.found) return _URC_NO_REASON;
  to.ended = to.ended || pc == 0 || to.count == to.out.depth;
  if (to.ended) return to.interrupts != nullptr ? _URC_NO_REASON : _URC_END_OF_STACK;
  if (to.out.skip > 0) {
    --to.out.skip;
  } else {
    to.out.addresses[to.count++] = before_instruction != 0 ? pc : pc - 1;
  }
  return _URC_NO_REASON;
}

}  // namespace

std::size_t walk_system(Registers from, Output out, bool* interrupts) noexcept {
  Visit to{.from = from, .out = out, .interrupts = interrupts};
  _Unwind_Backtrace(visit, &to);
  return to.count;
}

}  // namespace LEASH_NAMESPACE::track::detail
