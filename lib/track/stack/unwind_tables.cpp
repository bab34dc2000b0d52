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

// What modules_unloaded() was when the cache was last known to be good.
constinit std::atomic<std::uint64_t> known_unloads{0};

// A walk up a stack.
class Walk {
 public:
  explicit Walk(const Position& at) noexcept : at_(at) {}

  // Writes what `out` asks for. May be called again to go on, and begins with the frame that it wrote last.
  std::size_t run(Output out) noexcept;

  // Goes on to the end of the stack. Whether it is sure that no signal handler is among the frames.
  [[gnu::noinline]] bool is_free_of_signals() noexcept {
    only_by_rules_ = true;
    run({.addresses = nullptr, .depth = 1, .skip = SIZE_MAX});
    return !signals_ && (!needs_system_ || is_free_of_signals_by_system());
  }

  [[nodiscard]] bool missed() const noexcept { return missed_; }

 private:
  bool step() noexcept;
  UnwindRule look_up() noexcept;
  bool step_framed(UnwindRule rule) noexcept;
  bool step_realigned(UnwindRule rule) noexcept;
  bool step_realigning(UnwindRule rule) noexcept;
  bool step_signal() noexcept;
  bool step_by_system() noexcept;
  void remember_end(std::uint32_t generation) const noexcept;
  bool is_after_call() noexcept;
  bool enter(std::uintptr_t cfa, std::uintptr_t bp) noexcept;
  bool is_readable(std::uintptr_t begin, std::uintptr_t size) noexcept;
  bool change_stack(std::uintptr_t sp) noexcept;

  Position at_;
  // Of the function that a signal interrupted, and how that is known.
  std::uintptr_t r10_ = 0;
  std::uintptr_t interrupted_ = 0;
  // A walk that goes from stack to stack might never end.
  unsigned changes_left_ = 8;
  bool changed_ = false;
  bool missed_ = false;
  bool signals_ = false;
  bool ended_ = false;
  // Each frame that is passed by the system takes as long as all frames before it.
  bool only_by_rules_ = false;
  bool needs_system_ = false;
};

LEASH_READS_RAW_STACK inline std::size_t Walk::run(Output out) noexcept {
  std::size_t count = 0;
  // Not a member: the compiler would have to think that `out.addresses` points to it.
  Position at = at_;
  while (!ended_) {
    if (out.skip > 0) [[unlikely]] {
      --out.skip;
    } else {
      out.addresses[count++] = at.next - 1;
      if (count == out.depth) break;
    }
    const UnwindRule rule = rule_cache.find(at.next);
    const std::uintptr_t base = rule.by_rbp() ? at.bp : at.sp;
    const std::uintptr_t cfa = base + rule.offset();
    if (!rule.is_framed() || base - at.sp > at.end - at.sp || cfa > at.end) [[unlikely]] {
      at_ = at;
      ended_ = !step() || at_.next == 0;
      at = at_;
      continue;
    }
    const std::uintptr_t saved = word_at(cfa - rule.saved());
    at.bp = rule.keeps_rbp() ? at.bp : saved;
    at.next = word_at(cfa - sizeof(std::uintptr_t));
    at.sp = cfa;
    if (at.next == 0) [[unlikely]]
      ended_ = true;
  }
  at_ = at;
  return count;
}

// Any step, also those that `run` leaves to this function. Whether there was one.
[[gnu::noinline]] bool Walk::step() noexcept {
  UnwindRule rule = rule_cache.find(at_.next);
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

UnwindRule Walk::look_up() noexcept {
  missed_ = true;
  const std::uint32_t generation = rule_cache.generation();
  const std::optional<EhFrame> tables = find_tables(at_.next - 1);
  UnwindRule rule = tables ? find_rule(*tables, at_.next - 1) : UnwindRule();
  // Code that was compiled at run time may be known to the compiler's unwinder alone.
  if (rule == UnwindRule()) rule = UnwindRule(UnwindRule::Kind::unsupported);
  rule_cache.store(at_.next, rule, generation);
  return rule;
}

// Goes to the frame whose rsp is `cfa`, which is above the present one.
LEASH_READS_RAW_STACK bool Walk::enter(std::uintptr_t cfa, std::uintptr_t bp) noexcept {
  constexpr std::uintptr_t size = sizeof(std::uintptr_t);
  if (cfa <= at_.sp || !is_readable(cfa - size, size)) return false;
  at_ = {.next = word_at(cfa - size), .sp = cfa, .bp = bp, .end = at_.end};
  return true;
}

LEASH_READS_RAW_STACK bool Walk::step_framed(UnwindRule rule) noexcept {
  const std::uintptr_t base = rule.by_rbp() ? at_.bp : at_.sp;
  const std::uintptr_t size = rule.offset();
  if (!is_readable(base, size)) {
    // Code that runs a function on another stack keeps its own in rbp.
    if (!rule.by_rbp() || !change_stack(base) || !is_readable(base, size)) return false;
    changed_ = true;
  }
  const std::uintptr_t cfa = base + size;
  return enter(cfa, rule.keeps_rbp() ? at_.bp : word_at(cfa - rule.saved()));
}

LEASH_READS_RAW_STACK bool Walk::step_realigned(UnwindRule rule) noexcept {
  constexpr std::uintptr_t size = sizeof(std::uintptr_t);
  const std::uintptr_t place = at_.bp + static_cast<std::uintptr_t>(rule.realigned_at());
  return is_readable(at_.bp, size) && is_readable(place, size) && enter(word_at(place), word_at(at_.bp));
}

LEASH_READS_RAW_STACK bool Walk::step_realigning(UnwindRule rule) noexcept {
  if (at_.next != interrupted_) return false;
  // GCC says so even when rbp is the caller's again, and then it is not in this frame.
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
  signals_ = true;
  if (!is_readable(at_.sp, rip + sizeof(std::uintptr_t))) return false;
  const std::uintptr_t pc = word_at(at_.sp + rip);
  const std::uintptr_t sp = word_at(at_.sp + rsp);
  at_.bp = word_at(at_.sp + rbp);
  r10_ = word_at(at_.sp + r10);
  at_.next = pc == 0 ? 0 : pc + 1;
  interrupted_ = at_.next;
  if (sp <= at_.sp || sp >= at_.end) return change_stack(sp);
  at_.sp = sp;
  return true;
}

bool Walk::step_by_system() noexcept {
  // That trusts all it reads, and reads the code too. A frame pointer that led elsewhere may have been a wild one.
  if (changed_) return false;
  const std::uint32_t generation = rule_cache.generation();
  const bool may_ask = at_.next == interrupted_ || is_after_call();
  needs_system_ = needs_system_ || may_ask;
  if (may_ask && only_by_rules_) return false;
  const auto [passed, interrupted, to] = may_ask ? pass_by_system(at_) : PassedFrame();
  if (!passed) {
    remember_end(generation);
    return false;
  }
  signals_ = signals_ || interrupted;
  interrupted_ = interrupted ? to.next : interrupted_;
  const bool changes = to.sp <= at_.sp || to.sp >= at_.end;
  at_.next = to.next;
  at_.bp = to.bp;
  if (changes) return change_stack(to.sp);
  at_.sp = to.sp;
  return true;
}

// The first function on a fibre's stack often has no table, and returns to where none was called. For as long as its
// library is there, nobody needs to find that out again.
void Walk::remember_end(std::uint32_t generation) const noexcept {
  const std::optional<EhFrame> tables = find_tables(at_.next - 1);
  if (!tables || find_rule(*tables, at_.next - 1) != UnwindRule()) return;
  rule_cache.store(at_.next, UnwindRule(UnwindRule::Kind::end), generation);
}

// Whether the present address is one that a call returns to, and no other word of the stack that was taken for one.
LEASH_READS_RAW_STACK bool Walk::is_after_call() noexcept {
  constexpr std::uintptr_t longest = 7;
  if (at_.next < page_size || !is_page_readable(at_.next - longest) || !is_page_readable(at_.next + 16)) return false;
  const auto code = [this](std::uintptr_t before)
                        LEASH_READS_RAW_STACK { return *reinterpret_cast<const std::uint8_t*>(at_.next - before); };
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

// Whether [begin, begin + size) can be read and is part of this stack above rsp.
bool Walk::is_readable(std::uintptr_t begin, std::uintptr_t size) noexcept {
  // No frame is so large. Each page is a system call.
  constexpr std::uintptr_t most = std::uintptr_t{16} << 20;
  const std::uintptr_t to = begin + size;
  if (begin < at_.sp || to < begin) return false;
  return to <= at_.end || (to - at_.end < most && extend_readable(at_.end, to));
}

bool Walk::change_stack(std::uintptr_t sp) noexcept {
  const std::uintptr_t end = changes_left_ > 0 ? find_readable_end(sp) : 0;
  if (end == 0) return false;
  --changes_left_;
  at_.sp = sp;
  at_.end = end;
  return true;
}

// After an address was met that is not in the cache: if a library was unloaded since that last happened, all rules are
// forgotten, since another may have come to where it was. Not in a signal handler, since it takes the loader's lock.
[[gnu::noinline]] bool forget_unloaded(Walk& walk) noexcept {
  if (!walk.is_free_of_signals()) return false;
  const std::uint64_t unloads = os::modules_unloaded();
  if (known_unloads.exchange(unloads, std::memory_order_relaxed) == unloads) return false;
  rule_cache.clear();
  return true;
}

}  // namespace

[[gnu::cold]] std::size_t finish(const TableWalk& begun) noexcept {
  Walk walk(begun.at);
  const auto written = static_cast<std::size_t>(begun.rest.addresses - begun.all.addresses);
  const std::size_t count = written + walk.run(begun.rest);
  if (!walk.missed() || !forget_unloaded(walk)) return count;
  return Walk(begun.begin).run(begun.all);
}

}  // namespace LEASH_NAMESPACE::track::detail

#endif
