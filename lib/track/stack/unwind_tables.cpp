#include <leash/os/modules.hpp>
#include <leash/track/stack/eh_frame.hpp>
#include <leash/track/stack/rule_cache.hpp>
#include <leash/track/stack/stack_bounds.hpp>
#include <leash/track/stack/table_walk.hpp>
#include <leash/track/stack/unwind.hpp>

#ifdef __x86_64__

namespace LEASH_NAMESPACE::track::detail {

constinit RuleCache rule_cache;

namespace {

// What os::modules_unloaded() returned when `clear_cache_after_unload` last asked.
constinit std::atomic<std::uint64_t> last_seen_unloads{0};

// A walk by the tables through frames of every kind, also onto other stacks. Looks up the rules that are not in the
// cache.
class Walk {
 public:
  explicit Walk(const Position& at) noexcept : at_(at) {}

  // Goes up the stack and writes what `out` asks for; returns how many addresses it wrote. `out.depth` must not be 0.
  // May be called again to go on; then it begins with the frame that it wrote last.
  std::size_t run(Output out) noexcept;

  // Goes on to the end of the stack. True if it is sure that a signal interrupted none of the frames of the walk: then
  // the thread is not in a signal handler.
  [[gnu::noinline]] bool run_to_end_without_signals() noexcept {
    never_by_system_ = true;
    run({.addresses = nullptr, .depth = 1, .skip = SIZE_MAX});
    return !met_signal_ && (!met_frame_for_system_ || is_free_of_signals_by_system());
  }

  // Whether the cache had no rule for some frame.
  [[nodiscard]] bool missed_cache() const noexcept { return missed_cache_; }

 private:
  bool step() noexcept;
  UnwindRule look_up() noexcept;
  bool step_framed(UnwindRule rule) noexcept;
  bool step_realigned(UnwindRule rule) noexcept;
  bool step_realigning(UnwindRule rule) noexcept;
  bool step_signal() noexcept;
  bool step_by_system() noexcept;
  void remember_end(std::uint32_t clear_count) const noexcept;
  bool is_behind_call_instruction() noexcept;
  bool enter(std::uintptr_t cfa, std::uintptr_t bp) noexcept;
  bool is_readable(std::uintptr_t begin, std::uintptr_t size) noexcept;
  bool change_stack(std::uintptr_t sp) noexcept;

  Position at_;
  // Of the function that a signal interrupted last: its r10 and its `Position::return_address`.
  std::uintptr_t r10_ = 0;
  std::uintptr_t interrupted_address_ = 0;
  // How often the walk may still go to another stack: without a limit it might never end.
  unsigned stack_changes_left_ = 8;
  // Then the frames since may be wrong, for rbp may have held anything.
  bool followed_rbp_to_other_stack_ = false;
  bool missed_cache_ = false;
  bool met_signal_ = false;
  bool ended_ = false;
  // Set for the walk to the end: asking the system about a frame takes as long as walking all frames below it.
  bool never_by_system_ = false;
  // Whether the walk came to a frame that only the system can get from to the caller.
  bool met_frame_for_system_ = false;
};

LEASH_READS_RAW_STACK inline std::size_t Walk::run(Output out) noexcept {
  std::size_t count = 0;
  // A local copy: for all the compiler knows, a store to `out.addresses` may change the member.
  Position at = at_;
  while (!ended_) {
    if (out.skip > 0) [[unlikely]] {
      --out.skip;
    } else {
      out.addresses[count++] = at.return_address - 1;
      if (count == out.depth) break;
    }
    const UnwindRule rule = rule_cache.find(at.return_address);
    const std::uintptr_t base = rule.by_rbp() ? at.bp : at.sp;
    const std::uintptr_t cfa = base + rule.offset();
    if (!rule.is_framed() || base - at.sp > at.end - at.sp || cfa > at.end) [[unlikely]] {
      at_ = at;
      ended_ = !step() || at_.return_address == 0;
      at = at_;
      continue;
    }
    const std::uintptr_t saved = word_at(cfa - rule.saved());
    at.bp = rule.keeps_rbp() ? at.bp : saved;
    at.return_address = word_at(cfa - sizeof(std::uintptr_t));
    at.sp = cfa;
    if (at.return_address == 0) [[unlikely]]
      ended_ = true;
  }
  at_ = at;
  return count;
}

// Goes to the caller by a rule of any kind, also by those that `run` cannot apply. False if it finds no caller.
[[gnu::noinline]] bool Walk::step() noexcept {
  UnwindRule rule = rule_cache.find(at_.return_address);
  if (rule == UnwindRule()) rule = look_up();
  if (rule.is_framed()) return step_framed(rule);
  switch (rule.kind()) {
    case UnwindRule::Kind::realigned:
      return step_realigned(rule);
    case UnwindRule::Kind::realigning:
      return step_realigning(rule);
    case UnwindRule::Kind::signal:
      return step_signal();
    case UnwindRule::Kind::unsupported:
      return step_by_system();
    default:
      return false;
  }
}

// Finds the rule for the present frame in the unwind tables, and stores it in the cache.
UnwindRule Walk::look_up() noexcept {
  missed_cache_ = true;
  const std::uint32_t clear_count = rule_cache.clear_count();
  const std::optional<EhFrame> tables = find_tables(at_.return_address - 1);
  UnwindRule rule = tables ? find_rule(*tables, at_.return_address - 1) : UnwindRule();
  // Code that was compiled at run time may be known to the compiler's unwinder alone.
  if (rule == UnwindRule()) rule = UnwindRule(UnwindRule::Kind::unsupported);
  rule_cache.store(at_.return_address, rule, clear_count);
  return rule;
}

// Goes to the caller, whose rsp is `cfa`. False if that is not above the present rsp, or cannot be read.
LEASH_READS_RAW_STACK bool Walk::enter(std::uintptr_t cfa, std::uintptr_t bp) noexcept {
  constexpr std::uintptr_t size = sizeof(std::uintptr_t);
  if (cfa <= at_.sp || !is_readable(cfa - size, size)) return false;
  at_ = {.return_address = word_at(cfa - size), .sp = cfa, .bp = bp, .end = at_.end};
  return true;
}

LEASH_READS_RAW_STACK bool Walk::step_framed(UnwindRule rule) noexcept {
  const std::uintptr_t base = rule.by_rbp() ? at_.bp : at_.sp;
  const std::uintptr_t size = rule.offset();
  if (!is_readable(base, size)) {
    // Code that calls a function on another stack keeps its own stack pointer in rbp meanwhile.
    if (!rule.by_rbp() || !change_stack(base) || !is_readable(base, size)) return false;
    followed_rbp_to_other_stack_ = true;
  }
  const std::uintptr_t cfa = base + size;
  return enter(cfa, rule.keeps_rbp() ? at_.bp : word_at(cfa - rule.saved()));
}

LEASH_READS_RAW_STACK bool Walk::step_realigned(UnwindRule rule) noexcept {
  constexpr std::uintptr_t size = sizeof(std::uintptr_t);
  const std::uintptr_t cfa_slot = at_.bp + static_cast<std::uintptr_t>(rule.realigned_at());
  return is_readable(at_.bp, size) && is_readable(cfa_slot, size) && enter(word_at(cfa_slot), word_at(at_.bp));
}

LEASH_READS_RAW_STACK bool Walk::step_realigning(UnwindRule rule) noexcept {
  // r10 is known only of a function that a signal interrupted.
  if (at_.return_address != interrupted_address_) return false;
  // GCC's tables say that rbp is saved even where it is the caller's again; then it does not point into this frame.
  const bool is_saved = rule.realigning_saves_rbp() && at_.bp >= at_.sp && at_.bp < r10_;
  if (is_saved && !is_readable(at_.bp, sizeof(std::uintptr_t))) return false;
  return enter(r10_, is_saved ? word_at(at_.bp) : at_.bp);
}

LEASH_READS_RAW_STACK bool Walk::step_signal() noexcept {
  // Offsets in ucontext_t, which rsp points to.
  constexpr std::uintptr_t r10 = 56;
  constexpr std::uintptr_t rbp = 120;
  constexpr std::uintptr_t rsp = 160;
  constexpr std::uintptr_t rip = 168;
  met_signal_ = true;
  if (!is_readable(at_.sp, rip + sizeof(std::uintptr_t))) return false;
  const std::uintptr_t pc = word_at(at_.sp + rip);
  const std::uintptr_t sp = word_at(at_.sp + rsp);
  at_.bp = word_at(at_.sp + rbp);
  r10_ = word_at(at_.sp + r10);
  at_.return_address = pc == 0 ? 0 : pc + 1;
  interrupted_address_ = at_.return_address;
  if (sp <= at_.sp || sp >= at_.end) return change_stack(sp);
  at_.sp = sp;
  return true;
}

// Leaves a frame to the compiler's unwinder, which reads the stack and the code without testing whether they can be
// read. So it is asked only if the return address is a true one.
bool Walk::step_by_system() noexcept {
  if (followed_rbp_to_other_stack_) return false;
  const std::uint32_t clear_count = rule_cache.clear_count();
  const bool may_ask = at_.return_address == interrupted_address_ || is_behind_call_instruction();
  met_frame_for_system_ = met_frame_for_system_ || may_ask;
  if (may_ask && never_by_system_) return false;
  const auto [found, interrupted, to] = may_ask ? find_caller_by_system(at_) : FoundCaller();
  if (!found) {
    remember_end(clear_count);
    return false;
  }
  met_signal_ = met_signal_ || interrupted;
  interrupted_address_ = interrupted ? to.return_address : interrupted_address_;
  const bool changes = to.sp <= at_.sp || to.sp >= at_.end;
  at_.return_address = to.return_address;
  at_.bp = to.bp;
  if (changes) return change_stack(to.sp);
  at_.sp = to.sp;
  return true;
}

// Stores the rule `end` for the present frame, which has no caller, if its module has tables but no entry for it. The
// first function on a fibre's stack is often such a one. So no later walk asks the system about it, until the cache is
// cleared.
void Walk::remember_end(std::uint32_t clear_count) const noexcept {
  const std::optional<EhFrame> tables = find_tables(at_.return_address - 1);
  if (!tables || find_rule(*tables, at_.return_address - 1) != UnwindRule()) return;
  rule_cache.store(at_.return_address, UnwindRule(UnwindRule::Kind::end), clear_count);
}

// Whether there is a call instruction before the present address, as before each true return address. Otherwise the
// walk has taken another word of the stack for one. The system also reads the code behind the address: false if it
// cannot.
LEASH_READS_RAW_STACK bool Walk::is_behind_call_instruction() noexcept {
  constexpr std::uintptr_t longest = 7;
  if (at_.return_address < page_size || !is_page_readable(at_.return_address - longest) ||
      !is_page_readable(at_.return_address + 16))
    return false;
  const auto code = [this](std::uintptr_t before) LEASH_READS_RAW_STACK {
    return *reinterpret_cast<const std::uint8_t*>(at_.return_address - before);
  };
  if (code(5) == 0xe8) return true;
  // Intel's manual, volume 2: opcode ff with 2 in the middle of ModRM, which says how long the instruction is.
  for (std::uintptr_t size = 2; size <= longest; ++size) {
    if (code(size) != 0xff || (code(size - 1) >> 3 & 7U) != 2) continue;
    const unsigned mod = code(size - 1) >> 6U;
    const unsigned rm = code(size - 1) & 7U;
    const bool has_sib = mod != 3 && rm == 4;
    const bool is_absolute = mod == 0 && (rm == 5 || (has_sib && (code(size - 2) & 7U) == 5));
    std::uintptr_t displacement = 0;
    if (is_absolute || mod == 2) displacement = 4;
    if (mod == 1) displacement = 1;
    if (size == 2 + (has_sib ? 1U : 0U) + displacement) return true;
  }
  return false;
}

// Whether [begin, begin + size) can be read and lies in this stack, at rsp or above. Tests pages above `at_.end` as
// needed, and moves that up.
bool Walk::is_readable(std::uintptr_t begin, std::uintptr_t size) noexcept {
  // Frames are smaller than this, and testing the pages takes system calls.
  constexpr std::uintptr_t most = std::uintptr_t{16} << 20;
  const std::uintptr_t to = begin + size;
  if (begin < at_.sp || to < begin) return false;
  return to <= at_.end || (to - at_.end < most && extend_readable(at_.end, to));
}

// Goes to another stack, at `sp`. False if that cannot be read, or if the walk has changed stacks too often.
bool Walk::change_stack(std::uintptr_t sp) noexcept {
  const std::uintptr_t end = stack_changes_left_ > 0 ? probe_stack_end(sp) : 0;
  if (end == 0) return false;
  --stack_changes_left_;
  at_.sp = sp;
  at_.end = end;
  return true;
}

// Called after a walk that met an address without a rule in the cache, as happens when a library was loaded. If any
// library was unloaded since the last call, clears the cache, since the new one may lie where that was; returns whether
// it did. Not in a signal handler, since asking takes the loader's lock: for that `walk` goes on to the end of the
// stack.
[[gnu::noinline]] bool clear_cache_after_unload(Walk& walk) noexcept {
  if (!walk.run_to_end_without_signals()) return false;
  const std::uint64_t unloads = os::modules_unloaded();
  if (last_seen_unloads.load(std::memory_order_acquire) == unloads) return false;
  rule_cache.clear();
  // Not before: another thread that sees this number relies on the cache.
  last_seen_unloads.store(unloads, std::memory_order_release);
  return true;
}

}  // namespace

[[gnu::cold]] std::size_t finish_walk(const TableWalk& begun) noexcept {
  Walk walk(begun.at);
  const auto written = static_cast<std::size_t>(begun.rest.addresses - begun.all.addresses);
  const std::size_t count = written + walk.run(begun.rest);
  // If the cache was cleared, this walk may have used rules of an unloaded library.
  if (!walk.missed_cache() || !clear_cache_after_unload(walk)) return count;
  return Walk(begun.begin).run(begun.all);
}

}  // namespace LEASH_NAMESPACE::track::detail

#endif
