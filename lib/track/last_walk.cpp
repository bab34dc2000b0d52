#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <leash/track/detail/rule_cache.hpp>
#include <leash/track/detail/stack_bounds.hpp>
#include <leash/track/detail/stack_id.hpp>
#include <leash/track/detail/table_walk.hpp>
#include <span>

#ifdef __x86_64__

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::size_t capacity = 40;

// How a frame was found from the one before, whose rule says so: by its rsp or its rbp, and where that saved the rbp of
// this one, if it did.
class Step {
 public:
  Step() noexcept = default;
  Step(UnwindRule rule, std::uintptr_t cfa) noexcept
      : bits_((rule.keeps_rbp() ? 0 : cfa - rule.saved()) | (rule.by_rbp() ? 1U : 0U)) {}

  [[nodiscard]] bool by_rbp() const noexcept { return (bits_ & 1U) != 0; }
  // The rbp of this frame, where `bp` is that of the one before.
  [[nodiscard]] LEASH_READS_RAW_STACK std::uintptr_t rbp(std::uintptr_t bp) const noexcept {
    const std::uintptr_t slot = bits_ & ~std::uintptr_t{1};
    return slot == 0 ? bp : word_at(slot);
  }

 private:
  std::uintptr_t bits_;  // NOLINT(*-member-init): for speed
};

struct Frame {
  std::uintptr_t next;
  std::uintptr_t sp;
  // What it was when the frame behind this one was found. Needed only if that was found by it.
  std::uintptr_t bp;
  Step step;

  [[nodiscard]] LEASH_READS_RAW_STACK bool is_as_it_was() const noexcept {
    return word_at(sp - sizeof(std::uintptr_t)) == next;
  }
};

// The frames from the innermost on, each found from the one before by the rule for its return address.
struct LastWalk {
  std::array<Frame, capacity> frames;
  std::uint32_t count;
  // One past the last frame that was found by rbp.
  std::uint32_t by_rbp;
  // Whether the stack ends with the last of the frames.
  bool ends;
  // Of the rules. When they are forgotten, so is this.
  std::uint32_t generation;
  // Grows with every walk that did not find the same return addresses.
  std::uint64_t number;
  // The stack pointer of the walk that is using this. One in a signal handler that came in between must not; one that
  // began further up means that the other was abandoned.
  std::uintptr_t user;
};

constinit thread_local std::array<LastWalk, events> last_walks{};

// What the last stack that was numbered for an event got. A signal handler may number one in between: then it made
// another walk the last one, whose number is not `walk`, or leaves this alone.
struct LastStack {
  std::uint64_t walk;
  std::size_t depth;
  std::size_t skip;
  std::uint32_t site;
  std::uint32_t id;
};

constinit thread_local std::array<LastStack, events> last_stacks{};

// The frames of a walk that are not those of the last one, or not at the same place.
class Fresh {
 public:
  explicit Fresh(const LastWalk& last) noexcept : last_(last) {}

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  void add(const Frame& frame) noexcept {
    changed_ = changed_ || count_ >= last_.count || last_.frames[count_].next != frame.next;
    if (count_ < capacity) {
      frames_[count_++] = frame;
    } else {
      complete_ = false;
    }
  }

  // Makes these the last walk's, and those that it had from `from` on come behind them; if there are none, whether the
  // stack `ends` here.
  void keep(LastWalk& last, std::size_t from, bool ends) const noexcept {
    const std::size_t tail = std::min(last.count - from, capacity - count_);
    const bool moves = count_ != from && tail != 0;
    if (moves) std::memmove(&last.frames[count_], &last.frames[from], tail * sizeof(Frame));
    std::copy_n(frames_.begin(), count_, last.frames.begin());
    // The registers may be others where the addresses are the same.
    if (changed_ || moves) ++last.number;
    last.ends = tail == 0 ? ends && complete_ : last.ends && tail == last.count - from;
    last.count = static_cast<std::uint32_t>(count_ + tail);
    last.by_rbp = last.count;
    while (last.by_rbp > 1 && !last.frames[last.by_rbp - 1].step.by_rbp()) --last.by_rbp;
  }

 private:
  const LastWalk& last_;
  std::array<Frame, capacity> frames_;  // NOLINT(*-member-init): for speed
  std::size_t count_ = 0;
  bool changed_ = false;
  bool complete_ = true;
};

// Whether all that is wanted, or there is, is as it was: what is most often so, in few instructions and without a
// store, for which an atomic operation that comes behind would have to wait.
LEASH_READS_RAW_STACK inline bool is_as_it_was(const LastWalk& last, const Position& begin, Output& out) noexcept {
  if (out.depth > last.count || out.skip > last.count - out.depth) {
    if (!last.ends || out.skip >= last.count) return false;
    out.depth = last.count - out.skip;
  }
  const Frame* frame = last.frames.data();
  const Frame* const stop = frame + out.skip + out.depth;
  // Another stack may have been here, and reached further.
  if (frame->sp != begin.sp || frame->next != begin.next || stop[-1].sp > begin.end) return false;
  const Frame* const by_sp = std::min<const Frame*>(frame + last.by_rbp, stop);
  for (std::uintptr_t bp = begin.bp; ++frame < by_sp; bp = frame->step.rbp(bp)) {
    if (!frame->is_as_it_was() || (frame->step.by_rbp() && frame[-1].bp != bp)) return false;
  }
  for (; frame < stop; ++frame) {
    if (!frame->is_as_it_was()) return false;
  }
  return true;
}

// Whether all was written; else `walk` says where others have to go on.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): as one function, so that all stays in registers
[[gnu::noinline]] LEASH_READS_RAW_STACK bool walk_again(LastWalk& last, TableWalk& walk) noexcept {
  Output out = walk.all;
  // False when nothing more is wanted.
  const auto write = [&](std::uintptr_t next) {
    if (out.skip > 0) [[unlikely]] {
      --out.skip;
      return true;
    }
    *out.addresses++ = next - 1;
    return --out.depth != 0;
  };
  Frame* const frames = last.frames.data();
  const std::size_t known = last.count;
  const std::uintptr_t end = walk.begin.end;
  std::uintptr_t next = walk.begin.next;
  std::uintptr_t sp = walk.begin.sp;
  std::uintptr_t bp = walk.begin.bp;
  Step step{};
  Fresh fresh(last);
  std::size_t index = 0;
  bool done = true;
  bool ends = false;
  while (true) {
    while (index < known && frames[index].sp < sp) ++index;
    if (index < known && frames[index].sp == sp && frames[index].next == next) {
      // The frame before may be another one now.
      frames[index].step = step;
      std::size_t same = index;
      while (true) {
        if (!write(frames[same].next)) {
          if (index != 0 || !fresh.empty()) fresh.keep(last, index, false);
          walk.rest = out;
          return true;
        }
        if (same + 1 == known) break;
        const Frame& after = frames[same + 1];
        // Another stack may have been here, and reached further.
        if (after.sp > end || !after.is_as_it_was()) break;
        if (after.step.by_rbp() && frames[same].bp != bp) break;
        bp = after.step.rbp(bp);
        ++same;
      }
      frames[same].bp = bp;
      for (std::size_t copied = index; copied <= same; ++copied) fresh.add(frames[copied]);
      index = same + 1;
      next = frames[same].next;
      sp = frames[same].sp;
    } else {
      fresh.add({.next = next, .sp = sp, .bp = bp, .step = step});
      if (!write(next)) break;
    }
    const UnwindRule rule = rule_cache.find(next);
    const std::uintptr_t base = rule.by_rbp() ? bp : sp;
    const std::uintptr_t cfa = base + rule.offset();
    done = rule.is_framed() && base - sp <= end - sp && cfa <= end && cfa % sizeof(std::uintptr_t) == 0;
    if (!done) [[unlikely]] {
      done = ends = rule == UnwindRule(UnwindRule::Kind::end);
      if (ends) break;
      // That frame is written already.
      ++out.skip;
      break;
    }
    step = Step(rule, cfa);
    next = word_at(cfa - sizeof(std::uintptr_t));
    sp = cfa;
    bp = step.rbp(bp);
    if (next == 0) break;
  }
  fresh.keep(last, known, ends);
  walk.rest = out;
  walk.at = {.next = next, .sp = sp, .bp = bp, .end = end};
  return done;
}

// Each step of a walk depends on the one before: the return address leads to the rule, and the rule to the next return
// address. But most of a thread's stack is as it was the last time. So the frames of that walk are remembered, and
// where this one comes to one of them (the same return address at the same place), it only checks that the return
// addresses above are still there, which the processor does for many frames at once. What is found never depends on
// what is remembered.
//
// `number` becomes that of the walk: two walks of a thread that have the same found the same frames, up to the lesser
// of their depths. 0 if nobody remembers it. Where `is_known(number)`, nothing is written.
template <class IsKnown>
inline std::size_t walk_and_remember(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, Output out, Event event,
                                     std::uint64_t& number, IsKnown is_known) noexcept {
  number = 0;
  if (pc == 0) return 0;
  const Position begin{.next = pc, .sp = sp, .bp = bp, .end = readable_end(sp)};
  LastWalk* own = &last_walks[static_cast<std::size_t>(event)];
  // The compiler would ask where it is again and again.
  asm("" : "+r"(own));  // NOLINT(hicpp-no-assembler)
  LastWalk& last = *own;
  // The words of another stack may be gone.
  if (begin.end != own_stack.top || sp < last.user) [[unlikely]]
    return finish({.begin = begin, .all = out, .at = begin, .rest = out});
  const std::uint32_t generation = rule_cache.generation();
  if (last.user != 0 || last.generation != generation) last.count = 0;
  last.user = sp;
  last.generation = generation;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (Output there = out; is_as_it_was(last, begin, there)) [[likely]] {
    std::size_t count = 0;
    number = last.number;
    if (!is_known(number)) {
      for (const Frame& frame : std::span(&last.frames[there.skip], there.depth))
        out.addresses[count++] = frame.next - 1;
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
    last.user = 0;
    return count;
  }
  TableWalk walk{.begin = begin, .all = out, .at = {}, .rest = {}};
  const bool done = walk_again(last, walk);
  const std::uint64_t remembered = last.number;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  last.user = 0;
  if (!done) return finish(walk);
  number = remembered;
  return static_cast<std::size_t>(walk.rest.addresses - out.addresses);
}

}  // namespace

std::size_t walk_tables(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                        std::size_t depth, std::size_t skip) noexcept {
  std::uint64_t number = 0;
  return walk_and_remember(pc, sp, bp, {.addresses = addresses, .depth = depth, .skip = skip}, Event::opening, number,
                           [](std::uint64_t) { return false; });
}

std::uint32_t number_by_tables(Registers from, std::size_t depth, std::size_t skip, std::uint32_t site,
                               InternStack intern, Event event) noexcept {
  std::array<std::uintptr_t, max_depth> addresses;  // NOLINT(*-member-init): for speed
  LastStack& last = last_stacks[static_cast<std::size_t>(event)];
  std::uint64_t number = 0;
  std::uint32_t known = 0;
  const auto is_known = [&](std::uint64_t walk) {
    // Before it is known whether it is the one.
    const std::uint32_t id = last.id;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (last.walk == walk && last.site == site && last.depth == depth && last.skip == skip) known = id;
    return known != 0;
  };
  const std::size_t count =
      walk_and_remember(from.pc, from.sp, from.bp, {.addresses = addresses.data(), .depth = depth, .skip = skip}, event,
                        number, is_known);
  if (known != 0 || (number != 0 && is_known(number))) return known;
  const std::uint32_t id = intern(site, std::span(addresses.data(), count));
  if (number == 0) return id;
  last.walk = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  last.depth = depth;
  last.skip = skip;
  last.site = site;
  last.id = id;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // One that was not stored for want of room might be the next time.
  last.walk = id == 0 ? 0 : number;
  return id;
}

}  // namespace LEASH_NAMESPACE::track::detail

#endif
