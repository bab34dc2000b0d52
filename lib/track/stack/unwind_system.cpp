#include <unwind.h>

#include <leash/track/stack/unwind.hpp>

namespace LEASH_NAMESPACE::track::detail {
namespace {

// A frame as `_Unwind_Backtrace` shows it to its callback.
struct ShownFrame {
  explicit ShownFrame(_Unwind_Context* context) noexcept
      : pc(_Unwind_GetIPInfo(context, &interrupted)), sp(_Unwind_GetCFA(context)) {}

  // As in Position.
  [[nodiscard]] std::uintptr_t return_address() const noexcept { return interrupted != 0 ? pc + 1 : pc; }

  int interrupted = 0;
  std::uintptr_t pc;  // the return address, or the interrupted address
  std::uintptr_t sp;
};

// Writes the addresses of `from` and its callers, once `_Unwind_Backtrace` has come to `from`.
struct AddressWriter {
  Registers from;
  Output out;
  bool found = false;
  std::size_t count = 0;
};

_Unwind_Reason_Code visit_to_write(_Unwind_Context* context, void* data) {
  AddressWriter& to = *static_cast<AddressWriter*>(data);
  const ShownFrame frame(context);
  to.found =
      to.found || (frame.return_address() == to.from.return_address && (to.from.sp == 0 || frame.sp == to.from.sp));
  if (!to.found) return _URC_NO_REASON;
  if (frame.pc == 0 || to.count == to.out.depth) return _URC_END_OF_STACK;
  if (to.out.skip > 0) {
    --to.out.skip;
  } else {
    to.out.addresses[to.count++] = frame.return_address() - 1;
  }
  return _URC_NO_REASON;
}

#ifdef __x86_64__
// Looks for the frame `at`; the frame that is shown after that is its caller, and becomes `at`.
struct CallerSearch {
  Position at;
  bool at_reached = false;
  bool found = false;
  bool interrupted = false;
};

_Unwind_Reason_Code visit_to_find_caller(_Unwind_Context* context, void* data) {
  CallerSearch& search = *static_cast<CallerSearch*>(data);
  const ShownFrame frame(context);
  if (!search.at_reached) {
    search.at_reached = frame.return_address() == search.at.return_address && frame.sp == search.at.sp;
    return _URC_NO_REASON;
  }
  constexpr int rbp = 6;
  search.found = frame.pc != 0;
  search.interrupted = frame.interrupted != 0;
  search.at.return_address = frame.return_address();
  search.at.sp = frame.sp;
  search.at.bp = _Unwind_GetGR(context, rbp);
  return _URC_END_OF_STACK;
}

// Stops at the first frame that a signal interrupted, or when `left` frames were shown.
struct SignalCheck {
  std::size_t left;
  bool free = true;
};

_Unwind_Reason_Code visit_to_find_signal(_Unwind_Context* context, void* data) {
  SignalCheck& check = *static_cast<SignalCheck*>(data);
  check.free = check.left != 0 && ShownFrame(context).interrupted == 0;
  --check.left;
  return check.free ? _URC_NO_REASON : _URC_END_OF_STACK;
}
#endif

}  // namespace

std::size_t walk_system(Registers from, Output out) noexcept {
  AddressWriter to{.from = from, .out = out};
  _Unwind_Backtrace(visit_to_write, &to);
  return to.count;
}

#ifdef __x86_64__
FoundCaller find_caller_by_system(const Position& at) noexcept {
  CallerSearch search{.at = at};
  _Unwind_Backtrace(visit_to_find_caller, &search);
  return {.found = search.found, .interrupted = search.interrupted, .to = search.at};
}

bool is_free_of_signals_by_system() noexcept {
  // Limits the time: a frame takes about 200 ns.
  SignalCheck check{.left = 1000};
  _Unwind_Backtrace(visit_to_find_signal, &check);
  return check.free;
}
#endif

}  // namespace LEASH_NAMESPACE::track::detail
