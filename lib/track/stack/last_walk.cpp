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

// How many frames a last walk keeps, the innermost ones.
constexpr std::size_t capacity = 40;

// How a walk got from a callee to its caller, by the rule for the callee: whether the caller's rsp is an offset from
// the callee's rsp or from its rbp, and at which address the callee had saved the caller's rbp, if it had.
class Step {
 public:
  Step() noexcept = default;
  Step(UnwindRule rule, std::uintptr_t cfa) noexcept
      : bits_((rule.keeps_rbp() ? 0 : cfa - rule.saved()) | (rule.by_rbp() ? 1U : 0U)) {}

  [[nodiscard]] bool by_rbp() const noexcept { return (bits_ & 1U) != 0; }
  // The caller's rbp, where `bp` is the callee's.
  [[nodiscard]] LEASH_READS_RAW_STACK std::uintptr_t rbp(std::uintptr_t bp) const noexcept {
    const std::uintptr_t slot = bits_ & ~std::uintptr_t{1};
    return slot == 0 ? bp : word_at(slot);
  }

 private:
  // The address (0 if rbp was not saved), and in bit 0 whether it was found by rbp.
  std::uintptr_t bits_;  // NOLINT(*-member-init): for speed
};

// A frame that a walk has passed. `return_address` and `sp` are as in Position.
struct WalkedFrame {
  std::uintptr_t return_address;
  std::uintptr_t sp;
  // rbp in this frame when its caller was found. Compared only if the caller was found by rbp; may be out of date if
  // not.
  std::uintptr_t bp;
  // How this frame was found from the one before it. Means nothing in the first frame of a walk.
  Step step;

  // Whether the word under `sp` is still the return address.
  [[nodiscard]] LEASH_READS_RAW_STACK bool is_still_there() const noexcept {
    return word_at(sp - sizeof(std::uintptr_t)) == return_address;
  }
};

// The id of the last stack that got one, and what it was given for.
struct LastStack {
  os::Revision revision;  // of the other members
  std::uint64_t walk_number;
  Wanted wanted;
  std::uint32_t site;
  std::uint32_t id;
};

// What a thread remembers of its last walk for one purpose. `frames` begins with the innermost frame; each other one
// was found from the one before by the rule for that one's return address.
struct LastWalk {
  os::Revision revision;  // of all other members but `stack`
  // Each function loads these two only once: a signal handler may change them.
  std::atomic<std::uint32_t> count;
  // One past the last frame that was found by rbp: for the frames from there on, nobody needs to know rbp.
  std::atomic<std::uint32_t> by_rbp_end;
  // Changes when a walk finds other return addresses than the walk before. Two walks of a thread that have the same
  // number found the same, up to the lesser of their depths. Never 0 once there was a walk.
  std::uint64_t walk_number;
  // That of the rule cache when these frames were found. If the cache was cleared since, they are not used any more.
  std::uint32_t clear_count;
  // Whether the stack ends with the last of the frames.
  bool ends;
  LastStack stack;
  std::array<WalkedFrame, capacity> frames;
};

constinit thread_local std::array<LastWalk, purpose_count> last_walks{};

LastWalk& last_walk_for(Purpose purpose, std::uint32_t site) noexcept {
  const std::size_t use = purpose == Purpose::use ? site % use_count : 0;
  LastWalk* last = &last_walks[static_cast<std::size_t>(purpose) + use];
  // Hides that this is a thread-local variable: else the compiler would compute its address at each use.
  asm("" : "+r"(last));  // NOLINT(hicpp-no-assembler)
  return *last;
}

// Why `walk_again` stopped: it has written all that was wanted, the stack ends, or `finish_walk` has to go on, since
// the next step is not by a framed rule from the cache within readable memory.
enum class Stop : std::uint8_t { got_all, end_of_stack, needs_slow_walk };

// The frames that a walk has passed so far. They are collected here, and replace those of the last walk when the walk
// stops. If it stops at a frame of the last walk, the run of last-walk frames that leads there is not collected: those
// frames are moved, if they are not in the right place already.
class NewFrames {
 public:
  // The first `known` frames of `last` can be used.
  NewFrames(const LastWalk& last, std::size_t known) noexcept : last_(last), known_(known) {}

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  void add(const WalkedFrame& frame) noexcept {
    changed_ = changed_ || count_ >= known_ || last_.frames[count_].return_address != frame.return_address;
    if (count_ < capacity) {
      frames_[count_++] = frame;
    } else {
      complete_ = false;
    }
  }

  // Replaces the frames of `last` by these. If the walk `got_all`, puts the known frames from index `from` on behind
  // them; `step` is how the first of those was found this time. To be called between begin_change and end_change of the
  // last walk's revision, which was `revision` before.
  void replace_frames_of(LastWalk& last, std::uint64_t revision, std::size_t from, Step step,
                         Stop stop) const noexcept {
    const std::size_t tail = stop == Stop::got_all ? std::min(known_ - from, capacity - count_) : 0;
    const bool moves = count_ != from && tail != 0;
    if (moves) std::memmove(&last.frames[count_], &last.frames[from], tail * sizeof(WalkedFrame));
    std::copy_n(frames_.begin(), count_, last.frames.begin());
    // The number stays if only sp, bp or steps have changed, but no return address.
    const bool is_shorter = stop == Stop::end_of_stack && count_ < known_;
    if (changed_ || moves || is_shorter) last.walk_number = revision + 1;
    if (tail != 0) {
      last.frames[count_].step = step;
      last.ends = last.ends && tail == known_ - from;
    } else {
      last.ends = stop == Stop::end_of_stack && complete_;
    }
    const std::size_t count = count_ + tail;
    std::size_t by_rbp_end = count;
    while (by_rbp_end > 1 && !last.frames[by_rbp_end - 1].step.by_rbp()) --by_rbp_end;
    last.count.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
    last.by_rbp_end.store(static_cast<std::uint32_t>(by_rbp_end), std::memory_order_relaxed);
  }

 private:
  const LastWalk& last_;
  std::array<WalkedFrame, capacity> frames_;  // NOLINT(*-member-init): for speed
  std::size_t known_;
  std::size_t count_ = 0;
  bool changed_ = false;  // Whether a return address is not that of the last walk at the same index.
  bool complete_ = true;  // Whether `frames_` had room for all.
};

// Whether a walk from `begin` would find the frames of the last walk, as far as `out` wants them. Then `out.depth`
// becomes the number of addresses to write, which is less than was wanted if the stack ends before.
//
// This is so most of the time. Therefore it takes few instructions, and no store: an atomic operation after it would
// have to wait for that.
LEASH_READS_RAW_STACK inline bool is_unchanged(const LastWalk& last, const Position& begin, Output& out) noexcept {
  const std::size_t count = last.count.load(std::memory_order_relaxed);
  if (out.depth > count || out.skip > count - out.depth) {
    if (!last.ends || out.skip >= count) return false;
    out.depth = count - out.skip;
  }
  const WalkedFrame* frame = last.frames.data();
  const WalkedFrame* const stop = frame + out.skip + out.depth;
  // The last walk may have been on another stack, which was at the same addresses and reached further up.
  if (frame->sp != begin.sp || frame->return_address != begin.return_address || stop[-1].sp > begin.end) return false;
  const WalkedFrame* const by_sp =
      std::min<const WalkedFrame*>(frame + last.by_rbp_end.load(std::memory_order_relaxed), stop);
  for (std::uintptr_t bp = begin.bp; ++frame < by_sp; bp = frame->step.rbp(bp)) {
    if (!frame->is_still_there() || (frame->step.by_rbp() && frame[-1].bp != bp)) return false;
  }
  for (; frame < stop; ++frame) {
    if (!frame->is_still_there()) return false;
  }
  return true;
}

// Walks a stack that has changed since the last walk. Where it comes to one of the first `known` frames of the last
// walk, it goes on along those as long as they are still there; it finds the other frames by the rules in the cache.
// As far as it gets, this becomes the last walk.
//
// Returns the number of this walk if it has written all that is wanted, or all up to the end of the stack. If it
// returns 0, `finish_walk(walk)` has to go on: from the frame where this function stopped, or from the beginning, if a
// signal handler has changed the last walk meanwhile.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): as one function, so that all stays in registers
[[gnu::noinline]] LEASH_READS_RAW_STACK std::uint64_t walk_again(LastWalk& last, std::uint64_t revision,
                                                                 std::uint32_t clear_count, std::size_t known,
                                                                 TableWalk& walk) noexcept {
  Output out = walk.all;
  // Writes the address of a frame, or skips it. False when nothing more is wanted.
  const auto write = [&](std::uintptr_t return_address) {
    if (out.skip > 0) [[unlikely]] {
      --out.skip;
      return true;
    }
    *out.addresses++ = return_address - 1;
    return --out.depth != 0;
  };
  const WalkedFrame* const frames = last.frames.data();
  const std::uintptr_t end = walk.begin.end;
  std::uintptr_t return_address = walk.begin.return_address;
  std::uintptr_t sp = walk.begin.sp;
  std::uintptr_t bp = walk.begin.bp;
  Step step{};
  NewFrames new_frames(last, known);
  std::size_t index = 0;
  // Makes this the last walk, and returns its number. 0 if a signal handler has changed the last walk meanwhile: then
  // what was read of it, and written, may be wrong.
  const auto make_last = [&](std::size_t from, Stop stop) -> std::uint64_t {
    if (!last.revision.begin_change(revision)) return 0;
    new_frames.replace_frames_of(last, revision, from, step, stop);
    last.clear_count = clear_count;
    const std::uint64_t walk_number = last.walk_number;
    last.revision.end_change();
    return walk_number;
  };
  // Returns the number, and unless it is 0, sets what is left to write.
  const auto end_with = [&](std::uint64_t walk_number) {
    if (walk_number != 0) walk.rest = out;
    return walk_number;
  };
  Stop stop = Stop::end_of_stack;
  while (true) {
    // Frames of the last walk below this one are gone: their functions have returned.
    while (index < known && frames[index].sp < sp) ++index;
    if (index < known && frames[index].sp == sp && frames[index].return_address == return_address) {
      // This frame is one of the last walk. `same` becomes the outermost that is still there.
      std::size_t same = index;
      while (true) {
        if (!write(frames[same].return_address)) {
          if (index != 0 || !new_frames.empty()) return end_with(make_last(index, Stop::got_all));
          const std::uint64_t walk_number = last.walk_number;
          return end_with(last.revision.is_still(revision) ? walk_number : 0);
        }
        if (same + 1 == known) break;
        const WalkedFrame& after = frames[same + 1];
        // As in is_unchanged: these may be frames of another stack.
        if (after.sp > end || !after.is_still_there()) break;
        if (after.step.by_rbp() && frames[same].bp != bp) break;
        bp = after.step.rbp(bp);
        ++same;
      }
      for (std::size_t copied = index; copied <= same; ++copied) {
        WalkedFrame frame = frames[copied];
        // The frame before this one may be another than in the last walk.
        if (copied == index) frame.step = step;
        if (copied == same) frame.bp = bp;
        new_frames.add(frame);
      }
      index = same + 1;
      return_address = frames[same].return_address;
      sp = frames[same].sp;
    } else {
      new_frames.add({.return_address = return_address, .sp = sp, .bp = bp, .step = step});
      if (!write(return_address)) {
        stop = Stop::got_all;
        break;
      }
    }
    const UnwindRule rule = rule_cache.find(return_address);
    const std::uintptr_t base = rule.by_rbp() ? bp : sp;
    const std::uintptr_t cfa = base + rule.offset();
    if (!rule.is_framed() || base - sp > end - sp || cfa > end || cfa % sizeof(std::uintptr_t) != 0) [[unlikely]] {
      if (rule == UnwindRule(UnwindRule::Kind::end)) break;
      stop = Stop::needs_slow_walk;
      // `finish_walk` begins with the present frame, which is written already.
      ++out.skip;
      break;
    }
    step = Step(rule, cfa);
    return_address = word_at(cfa - sizeof(std::uintptr_t));
    sp = cfa;
    bp = step.rbp(bp);
    if (return_address == 0) break;
  }
  const std::uint64_t walk_number = make_last(known, stop);
  if (walk_number == 0 || stop != Stop::needs_slow_walk) return end_with(walk_number);
  walk.rest = out;
  walk.at = {.return_address = return_address, .sp = sp, .bp = bp, .end = end};
  return 0;
}

// Walks as `walk_tables` does, with the help of the `last` walk for the same purpose. Sets `walk_number` to the number
// of the walk (see LastWalk), or to 0 if the walk is not remembered.
//
// A plain walk is slow because each step depends on the one before: the return address leads to the rule, and the rule
// to the next return address. But most of a thread's stack is usually the same as in the last walk. So the thread
// remembers the frames of that walk. Where this walk comes to one of them (same return address, same sp), it checks
// only whether the return addresses above are still there, which the processor does for many frames at once. The
// addresses that are written are always those that a plain walk would write.
std::size_t walk_and_remember(LastWalk& last, std::uintptr_t return_address, std::uintptr_t sp, std::uintptr_t bp,
                              Output out, std::uint64_t& walk_number) noexcept {
  walk_number = 0;
  if (return_address == 0) return 0;
  const Position begin{.return_address = return_address, .sp = sp, .bp = bp, .end = used_stack_end(sp)};
  const std::uint64_t revision = last.revision.get();
  TableWalk walk{.begin = begin, .all = out, .at = begin, .rest = out};
  // Without the last walk if this is not the thread's own stack, since the addresses of the remembered frames may not
  // be readable; and if this is a signal handler that interrupted a change of the last walk.
  if (begin.end != own_stack.top || os::Revision::is_changing(revision)) [[unlikely]]
    return finish_walk(walk);
  const std::uint32_t clear_count = rule_cache.clear_count();
  const bool is_current = last.clear_count == clear_count;
  if (Output there = out; is_current && is_unchanged(last, begin, there)) [[likely]] {
    std::size_t count = 0;
    const std::uint64_t remembered = last.walk_number;
    for (const WalkedFrame& frame : std::span(&last.frames[there.skip], there.depth)) {
      out.addresses[count++] = frame.return_address - 1;
    }
    if (!last.revision.is_still(revision)) [[unlikely]]
      return finish_walk(walk);
    walk_number = remembered;
    return count;
  }
  const std::size_t known = is_current ? last.count.load(std::memory_order_relaxed) : 0;
  walk_number = walk_again(last, revision, clear_count, known, walk);
  if (walk_number == 0) return finish_walk(walk);
  return static_cast<std::size_t>(walk.rest.addresses - out.addresses);
}

}  // namespace

std::size_t walk_tables(std::uintptr_t return_address, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                        std::size_t depth, std::size_t skip) noexcept {
  std::uint64_t walk_number = 0;
  return walk_and_remember(last_walk_for(Purpose::opening, 0), return_address, sp, bp,
                           {.addresses = addresses, .depth = depth, .skip = skip}, walk_number);
}

namespace {

// The id of the thread's last stack for this purpose, if the stack, the site and what is wanted are still the same;
// else 0.
LEASH_READS_RAW_STACK inline std::uint32_t id_of_last_stack(const LastWalk& last, const Position& begin, Wanted wanted,
                                                            std::uint32_t site) noexcept {
  const LastStack& stack = last.stack;
  const std::uint64_t revision = last.revision.get();
  const std::uint64_t revision_of_stack = stack.revision.get();
  if (os::Revision::is_changing(revision) || os::Revision::is_changing(revision_of_stack)) return 0;
  if (stack.site != site || stack.wanted != wanted || stack.walk_number != last.walk_number) return 0;
  if (last.clear_count != rule_cache.clear_count()) return 0;
  Output out{.addresses = nullptr, .depth = wanted.depth, .skip = wanted.skip};
  if (!is_unchanged(last, begin, out)) return 0;
  const std::uint32_t id = stack.id;
  return last.revision.is_still(revision) && stack.revision.is_still(revision_of_stack) ? id : 0;
}

// Walks, and returns the remembered id if the stack is the last one after all; else gets one from `intern` and
// remembers it.
[[gnu::noinline]] std::uint32_t walk_and_find_id(LastWalk& last_walk, std::uintptr_t return_address, std::uintptr_t sp,
                                                 std::uintptr_t bp, Wanted wanted, std::uint32_t site,
                                                 InternStack intern) noexcept {
  std::array<std::uintptr_t, max_depth> addresses;  // NOLINT(*-member-init): for speed
  std::uint64_t walk_number = 0;
  const std::size_t count =
      walk_and_remember(last_walk, return_address, sp, bp,
                        {.addresses = addresses.data(), .depth = wanted.depth, .skip = wanted.skip}, walk_number);
  LastStack& last = last_walk.stack;
  const std::uint64_t revision = last.revision.get();
  const bool same = walk_number != 0 && last.walk_number == walk_number && last.site == site && last.wanted == wanted;
  const std::uint32_t known = last.id;
  if (same && !os::Revision::is_changing(revision) && last.revision.is_still(revision)) return known;
  const std::uint32_t id = intern(site, std::span(addresses.data(), count));
  // Id 0, a stack for which there was no room, is not remembered: the next time there may be room.
  if (walk_number == 0 || id == 0 || !last.revision.begin_change(revision)) return id;
  last.walk_number = walk_number;
  last.wanted = wanted;
  last.site = site;
  last.id = id;
  last.revision.end_change();
  return id;
}

}  // namespace

std::uint32_t stack_id_by_tables(std::uintptr_t return_address, std::uintptr_t sp, std::uintptr_t bp, Wanted wanted,
                                 std::uint32_t site, InternStack intern) noexcept {
  // Without an end, because none needs to be checked: each remembered walk was on the thread's own stack, and so is
  // this one if it begins at the same sp. If it does not, id_of_last_stack reads nothing above it.
  const Position begin{.return_address = return_address, .sp = sp, .bp = bp, .end = UINTPTR_MAX};
  LastWalk& last = last_walk_for(wanted.purpose, site);
  const std::uint32_t known = id_of_last_stack(last, begin, wanted, site);
  return known != 0 ? known : walk_and_find_id(last, return_address, sp, bp, wanted, site, intern);
}

}  // namespace LEASH_NAMESPACE::track::detail

#endif
