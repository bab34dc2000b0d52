#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <leash/os/revision.hpp>
#include <leash/track/stack/capture.hpp>
#include <leash/track/stack/rule_cache.hpp>
#include <leash/track/stack/stack_bounds.hpp>
#include <leash/track/stack/table_walk.hpp>
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

// What the last stack that was numbered got.
struct LastStack {
  os::Revision revision;
  std::uint64_t walk;
  Wanted wanted;
  std::uint32_t site;
  std::uint32_t id;
};

// The frames from the innermost on, each found from the one before by the rule for its return address.
struct LastWalk {
  os::Revision revision;
  // Never read twice: a signal handler may change it.
  std::atomic<std::uint32_t> count;
  // One past the last frame that was found by rbp.
  std::atomic<std::uint32_t> by_rbp;
  // Another one for each walk that did not find the same return addresses.
  std::uint64_t number;
  // Of the rules. When they are forgotten, so is this.
  std::uint32_t generation;
  // Whether the stack ends with the last of the frames.
  bool ends;
  LastStack stack;
  std::array<Frame, capacity> frames;
};

constinit thread_local std::array<LastWalk, purposes> last_walks{};

LastWalk& last_walk_for(Purpose purpose) noexcept {
  LastWalk* last = &last_walks[static_cast<std::size_t>(purpose)];
  // The compiler would ask where it is again and again.
  asm("" : "+r"(last));  // NOLINT(hicpp-no-assembler)
  return *last;
}

// Why a walk went no further: it had all that was wanted, the stack ends, or others have to go on.
enum class Stop : std::uint8_t { wanted_no_more, end_of_stack, needs_others };

// The frames of a walk that are not those of the last one, or not at the same place.
class Fresh {
 public:
  Fresh(const LastWalk& last, std::size_t known) noexcept : last_(last), known_(known) {}

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  void add(const Frame& frame) noexcept {
    changed_ = changed_ || count_ >= known_ || last_.frames[count_].next != frame.next;
    if (count_ < capacity) {
      frames_[count_++] = frame;
    } else {
      complete_ = false;
    }
  }

  // Makes these the last walk's. Where it `wanted_no_more`, the known frames from `from` on, the first of which was
  // found by `step`, come behind them. Called only if the last walk may be changed.
  void keep(LastWalk& last, std::uint64_t revision, std::size_t from, Step step, Stop stop) const noexcept {
    const std::size_t tail = stop == Stop::wanted_no_more ? std::min(known_ - from, capacity - count_) : 0;
    const bool moves = count_ != from && tail != 0;
    if (moves) std::memmove(&last.frames[count_], &last.frames[from], tail * sizeof(Frame));
    std::copy_n(frames_.begin(), count_, last.frames.begin());
    // The registers may be others where the addresses are the same.
    const bool is_shorter = stop == Stop::end_of_stack && count_ < known_;
    if (changed_ || moves || is_shorter) last.number = revision + 1;
    if (tail != 0) {
      last.frames[count_].step = step;
      last.ends = last.ends && tail == known_ - from;
    } else {
      last.ends = stop == Stop::end_of_stack && complete_;
    }
    const std::size_t count = count_ + tail;
    std::size_t by_rbp = count;
    while (by_rbp > 1 && !last.frames[by_rbp - 1].step.by_rbp()) --by_rbp;
    last.count.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
    last.by_rbp.store(static_cast<std::uint32_t>(by_rbp), std::memory_order_relaxed);
  }

 private:
  const LastWalk& last_;
  std::array<Frame, capacity> frames_;  // NOLINT(*-member-init): for speed
  std::size_t known_;
  std::size_t count_ = 0;
  bool changed_ = false;
  bool complete_ = true;
};

// Whether all that is wanted, or there is, is as it was: what is most often so, in few instructions and without a
// store, for which an atomic operation that comes behind would have to wait.
LEASH_READS_RAW_STACK inline bool is_as_it_was(const LastWalk& last, const Position& begin, Output& out) noexcept {
  const std::size_t count = last.count.load(std::memory_order_relaxed);
  if (out.depth > count || out.skip > count - out.depth) {
    if (!last.ends || out.skip >= count) return false;
    out.depth = count - out.skip;
  }
  const Frame* frame = last.frames.data();
  const Frame* const stop = frame + out.skip + out.depth;
  // Another stack may have been here, and reached further.
  if (frame->sp != begin.sp || frame->next != begin.next || stop[-1].sp > begin.end) return false;
  const Frame* const by_sp = std::min<const Frame*>(frame + last.by_rbp.load(std::memory_order_relaxed), stop);
  for (std::uintptr_t bp = begin.bp; ++frame < by_sp; bp = frame->step.rbp(bp)) {
    if (!frame->is_as_it_was() || (frame->step.by_rbp() && frame[-1].bp != bp)) return false;
  }
  for (; frame < stop; ++frame) {
    if (!frame->is_as_it_was()) return false;
  }
  return true;
}

// Walks with the help of the last walk, of which the first `known` frames are to be trusted, and makes this the last
// one. Returns its number if all was written, else 0, and `walk` says where others have to go on.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): as one function, so that all stays in registers
[[gnu::noinline]] LEASH_READS_RAW_STACK std::uint64_t walk_again(LastWalk& last, std::uint64_t revision,
                                                                 std::uint32_t generation, std::size_t known,
                                                                 TableWalk& walk) noexcept {
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
  const Frame* const frames = last.frames.data();
  const std::uintptr_t end = walk.begin.end;
  std::uintptr_t next = walk.begin.next;
  std::uintptr_t sp = walk.begin.sp;
  std::uintptr_t bp = walk.begin.bp;
  Step step{};
  Fresh fresh(last, known);
  std::size_t index = 0;
  // Makes this the last walk, and returns its number; 0 if a signal handler made another one that, while this one read.
  const auto keep = [&](std::size_t from, Stop stop) -> std::uint64_t {
    if (!last.revision.begin_change(revision)) return 0;
    fresh.keep(last, revision, from, step, stop);
    last.generation = generation;
    const std::uint64_t number = last.number;
    last.revision.end_change();
    return number;
  };
  const auto have_all = [&](std::uint64_t number) {
    if (number != 0) walk.rest = out;
    return number;
  };
  Stop stop = Stop::end_of_stack;
  while (true) {
    while (index < known && frames[index].sp < sp) ++index;
    if (index < known && frames[index].sp == sp && frames[index].next == next) {
      std::size_t same = index;
      while (true) {
        if (!write(frames[same].next)) {
          if (index != 0 || !fresh.empty()) return have_all(keep(index, Stop::wanted_no_more));
          const std::uint64_t number = last.number;
          return have_all(last.revision.is_still(revision) ? number : 0);
        }
        if (same + 1 == known) break;
        const Frame& after = frames[same + 1];
        // Another stack may have been here, and reached further.
        if (after.sp > end || !after.is_as_it_was()) break;
        if (after.step.by_rbp() && frames[same].bp != bp) break;
        bp = after.step.rbp(bp);
        ++same;
      }
      for (std::size_t copied = index; copied <= same; ++copied) {
        Frame frame = frames[copied];
        // The frame before may be another one now.
        if (copied == index) frame.step = step;
        if (copied == same) frame.bp = bp;
        fresh.add(frame);
      }
      index = same + 1;
      next = frames[same].next;
      sp = frames[same].sp;
    } else {
      fresh.add({.next = next, .sp = sp, .bp = bp, .step = step});
      if (!write(next)) {
        stop = Stop::wanted_no_more;
        break;
      }
    }
    const UnwindRule rule = rule_cache.find(next);
    const std::uintptr_t base = rule.by_rbp() ? bp : sp;
    const std::uintptr_t cfa = base + rule.offset();
    if (!rule.is_framed() || base - sp > end - sp || cfa > end || cfa % sizeof(std::uintptr_t) != 0) [[unlikely]] {
      if (rule == UnwindRule(UnwindRule::Kind::end)) break;
      stop = Stop::needs_others;
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
  const std::uint64_t number = keep(known, stop);
  if (number == 0 || stop != Stop::needs_others) return have_all(number);
  walk.rest = out;
  walk.at = {.next = next, .sp = sp, .bp = bp, .end = end};
  return 0;
}

// Each step of a walk depends on the one before: the return address leads to the rule, and the rule to the next return
// address. But most of a thread's stack is as it was the last time. So the frames of that walk are remembered, and
// where this one comes to one of them (the same return address at the same place), it only checks that the return
// addresses above are still there, which the processor does for many frames at once. What is found never depends on
// what is remembered.
//
// `number` becomes that of the walk: two walks of a thread that have the same found the same frames, up to the lesser
// of their depths. 0 if nobody remembers it.
std::size_t walk_and_remember(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, Output out, Purpose purpose,
                              std::uint64_t& number) noexcept {
  number = 0;
  if (pc == 0) return 0;
  const Position begin{.next = pc, .sp = sp, .bp = bp, .end = readable_end(sp)};
  LastWalk& last = last_walk_for(purpose);
  const std::uint64_t revision = last.revision.get();
  TableWalk walk{.begin = begin, .all = out, .at = begin, .rest = out};
  // The words of another stack may be gone.
  if (begin.end != own_stack.top || os::Revision::is_changing(revision)) [[unlikely]]
    return finish(walk);
  const std::uint32_t generation = rule_cache.generation();
  const bool is_current = last.generation == generation;
  if (Output there = out; is_current && is_as_it_was(last, begin, there)) [[likely]] {
    std::size_t count = 0;
    const std::uint64_t remembered = last.number;
    for (const Frame& frame : std::span(&last.frames[there.skip], there.depth)) {
      out.addresses[count++] = frame.next - 1;
    }
    if (!last.revision.is_still(revision)) [[unlikely]]
      return finish(walk);
    number = remembered;
    return count;
  }
  const std::size_t known = is_current ? last.count.load(std::memory_order_relaxed) : 0;
  number = walk_again(last, revision, generation, known, walk);
  if (number == 0) return finish(walk);
  return static_cast<std::size_t>(walk.rest.addresses - out.addresses);
}

}  // namespace

std::size_t walk_tables(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                        std::size_t depth, std::size_t skip) noexcept {
  std::uint64_t number = 0;
  return walk_and_remember(pc, sp, bp, {.addresses = addresses, .depth = depth, .skip = skip}, Purpose::opening,
                           number);
}

namespace {

// The number of the last stack, if this is the same again, else 0.
LEASH_READS_RAW_STACK inline std::uint32_t number_of_last(const LastWalk& last, const Position& begin, Wanted wanted,
                                                          std::uint32_t site) noexcept {
  const LastStack& stack = last.stack;
  const std::uint64_t revision = last.revision.get();
  const std::uint64_t revision_of_stack = stack.revision.get();
  if (os::Revision::is_changing(revision) || os::Revision::is_changing(revision_of_stack)) return 0;
  if (stack.site != site || stack.wanted != wanted || stack.walk != last.number) return 0;
  if (last.generation != rule_cache.generation()) return 0;
  Output out{.addresses = nullptr, .depth = wanted.depth, .skip = wanted.skip};
  if (!is_as_it_was(last, begin, out)) return 0;
  const std::uint32_t id = stack.id;
  return last.revision.is_still(revision) && stack.revision.is_still(revision_of_stack) ? id : 0;
}

[[gnu::noinline]] std::uint32_t number_anew(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, Wanted wanted,
                                            std::uint32_t site, InternStack intern) noexcept {
  std::array<std::uintptr_t, max_depth> addresses;  // NOLINT(*-member-init): for speed
  std::uint64_t number = 0;
  const std::size_t count = walk_and_remember(
      pc, sp, bp, {.addresses = addresses.data(), .depth = wanted.depth, .skip = wanted.skip}, wanted.purpose, number);
  LastStack& last = last_walk_for(wanted.purpose).stack;
  const std::uint64_t revision = last.revision.get();
  const bool same = number != 0 && last.walk == number && last.site == site && last.wanted == wanted;
  const std::uint32_t known = last.id;
  if (same && !os::Revision::is_changing(revision) && last.revision.is_still(revision)) return known;
  const std::uint32_t id = intern(site, std::span(addresses.data(), count));
  // One that was not stored for want of room might be the next time.
  if (number == 0 || id == 0 || !last.revision.begin_change(revision)) return id;
  last.walk = number;
  last.wanted = wanted;
  last.site = site;
  last.id = id;
  last.revision.end_change();
  return id;
}

}  // namespace

std::uint32_t number_by_tables(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, Wanted wanted,
                               std::uint32_t site, InternStack intern) noexcept {
  // A walk that is remembered was in the thread's own stack, and so is one that begins at the same place.
  const Position begin{.next = pc, .sp = sp, .bp = bp, .end = UINTPTR_MAX};
  const std::uint32_t known = number_of_last(last_walk_for(wanted.purpose), begin, wanted, site);
  return known != 0 ? known : number_anew(pc, sp, bp, wanted, site, intern);
}

}  // namespace LEASH_NAMESPACE::track::detail

#endif
