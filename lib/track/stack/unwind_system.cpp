#include <unwind.h>

#include <leash/track/stack/unwind.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

// A frame as the compiler's unwinder shows it.
struct Frame {
  explicit Frame(_Unwind_Context* context) noexcept
      : pc(_Unwind_GetIPInfo(context, &interrupted)), sp(_Unwind_GetCFA(context)) {}

  [[nodiscard]] std::uintptr_t next() const noexcept { return interrupted != 0 ? pc + 1 : pc; }

  int interrupted = 0;
  std::uintptr_t pc;
  std::uintptr_t sp;
};

struct Visit {
  Registers from;
  Output out;
  bool found = false;
  std::size_t count = 0;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  Visit& to = *static_cast<Visit*>(data);
  const Frame frame(context);
  to.found = to.found || (frame.next() == to.from.pc && (to.from.sp == 0 || frame.sp == to.from.sp));
  if (!to.found) return _URC_NO_REASON;
  if (frame.pc == 0 || to.count == to.out.depth) return _URC_END_OF_STACK;
  if (to.out.skip > 0) {
    --to.out.skip;
  } else {
    to.out.addresses[to.count++] = frame.next() - 1;
  }
  return _URC_NO_REASON;
}

#ifdef __x86_64__
struct Pass {
  Position at;
  bool found = false;
  bool passed = false;
  bool interrupted = false;
};

_Unwind_Reason_Code visit_to_pass(_Unwind_Context* context, void* data) {
  Pass& pass = *static_cast<Pass*>(data);
  const Frame frame(context);
  if (!pass.found) {
    pass.found = frame.next() == pass.at.next && frame.sp == pass.at.sp;
    return _URC_NO_REASON;
  }
  constexpr int rbp = 6;
  pass.passed = frame.pc != 0;
  pass.interrupted = frame.interrupted != 0;
  pass.at.next = frame.next();
  pass.at.sp = frame.sp;
  pass.at.bp = _Unwind_GetGR(context, rbp);
  return _URC_END_OF_STACK;
}

struct Check {
  std::size_t left;
  bool free = true;
};

_Unwind_Reason_Code visit_to_check(_Unwind_Context* context, void* data) {
  Check& check = *static_cast<Check*>(data);
  check.free = check.left != 0 && Frame(context).interrupted == 0;
  --check.left;
  return check.free ? _URC_NO_REASON : _URC_END_OF_STACK;
}
#endif

}  // namespace

std::size_t walk_system(Registers from, Output out) noexcept {
  Visit to{.from = from, .out = out};
  _Unwind_Backtrace(visit, &to);
  return to.count;
}

#ifdef __x86_64__
PassedFrame pass_by_system(const Position& at) noexcept {
  Pass pass{.at = at};
  _Unwind_Backtrace(visit_to_pass, &pass);
  return {.passed = pass.passed, .interrupted = pass.interrupted, .to = pass.at};
}

bool is_free_of_signals_by_system() noexcept {
  // Each takes some 200 ns.
  Check check{.left = 1000};
  _Unwind_Backtrace(visit_to_check, &check);
  return check.free;
}
#endif

}  // namespace LEASH_NAMESPACE::track::detail
