#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <leash/track/detail/rule_cache.hpp>
#include <leash/track/detail/stack_bounds.hpp>
#include <leash/track/detail/table_walk.hpp>

#ifdef __x86_64__

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::size_t capacity = 24;

// A frame, and the words that it was found by: its return address under `sp`, and `saved` at `slot`, which is its rbp
// or, if the frame before did not save that, the return address once more.
struct Frame {
  std::uintptr_t next;
  std::uintptr_t sp;
  std::uintptr_t bp;
  std::uintptr_t slot;
  std::uintptr_t saved;
};

// The frames from the innermost on, each found from the one before by the rule for its return address.
struct LastWalk {
  std::array<Frame, capacity> frames;
  std::uint32_t count;
  // Of the rules. When they are forgotten, so is this.
  std::uint32_t generation;
  // The stack pointer of the walk that is using this. One in a signal handler that came in between must not; one that
  // began further up means that the other was abandoned.
  std::uintptr_t user;
};

constinit thread_local LastWalk last_walk{};

// The frames of a walk that are not those of the last one, or not at the same place.
class Fresh {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  void add(const Frame& frame) noexcept {
    if (count_ < capacity) frames_[count_++] = frame;
  }

  // Makes these the last walk's, and those that it had from `from` on come behind them.
  void keep(LastWalk& last, std::size_t from) const noexcept {
    const std::size_t tail = std::min(last.count - from, capacity - count_);
    if (count_ != from && tail != 0) std::memmove(&last.frames[count_], &last.frames[from], tail * sizeof(Frame));
    std::copy_n(frames_.begin(), count_, last.frames.begin());
    last.count = static_cast<std::uint32_t>(count_ + tail);
  }

 private:
  std::array<Frame, capacity> frames_;  // NOLINT(*-member-init): for speed
  std::size_t count_ = 0;
};

// Whether all was written; else `walk` says where others have to go on.
LEASH_READS_RAW_STACK inline bool walk_again(LastWalk& last, TableWalk& walk) noexcept {
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
  std::uintptr_t slot = 0;
  std::uintptr_t saved = 0;
  Fresh fresh;
  std::size_t index = 0;
  bool done = true;
  while (true) {
    while (index < known && frames[index].sp < sp) ++index;
    if (index < known && frames[index].sp == sp && frames[index].next == next && frames[index].bp == bp) {
      // The frame before may be another one now.
      frames[index].slot = slot;
      frames[index].saved = saved;
      std::size_t same = index;
      while (true) {
        if (!write(frames[same].next)) {
          if (index != 0 || !fresh.empty()) fresh.keep(last, index);
          walk.rest = out;
          return true;
        }
        if (same + 1 == known) break;
        const Frame& after = frames[same + 1];
        // Another stack may have been here, and reached further.
        if (after.sp > end) break;
        if (word_at(after.sp - sizeof(std::uintptr_t)) != after.next || word_at(after.slot) != after.saved) break;
        ++same;
      }
      for (std::size_t copied = index; copied <= same; ++copied) fresh.add(frames[copied]);
      index = same + 1;
      next = frames[same].next;
      sp = frames[same].sp;
      bp = frames[same].bp;
    } else {
      fresh.add({.next = next, .sp = sp, .bp = bp, .slot = slot, .saved = saved});
      if (!write(next)) break;
    }
    const UnwindRule rule = rule_cache.find(next);
    const std::uintptr_t base = rule.by_rbp() ? bp : sp;
    const std::uintptr_t cfa = base + rule.offset();
    done = rule.is_framed() && base - sp <= end - sp && cfa <= end;
    if (!done) [[unlikely]] {
      // That frame is written already.
      ++out.skip;
      break;
    }
    slot = cfa - rule.saved();
    saved = word_at(slot);
    next = word_at(cfa - sizeof(std::uintptr_t));
    sp = cfa;
    bp = rule.keeps_rbp() ? bp : saved;
    if (next == 0) break;
  }
  fresh.keep(last, known);
  walk.rest = out;
  walk.at = {.next = next, .sp = sp, .bp = bp, .end = end};
  return done;
}

}  // namespace

// Each step of a walk depends on the one before: the return address leads to the rule, and the rule to the next return
// address. But most of a thread's stack is as it was the last time. So the frames of that walk are remembered, and
// where this one comes to one of them (the same return address and registers), it only checks that the words it read
// then are still there, which the processor does for many frames at once. What is found never depends on what is
// remembered.
std::size_t walk_tables(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                        std::size_t depth, std::size_t skip) noexcept {
  if (pc == 0) return 0;
  TableWalk walk;
  walk.begin = {.next = pc, .sp = sp, .bp = bp, .end = readable_end(sp)};
  walk.all = {.addresses = addresses, .depth = depth, .skip = skip};
  LastWalk& last = last_walk;
  // The words of another stack may be gone.
  if (walk.begin.end == own_stack.top && sp >= last.user) [[likely]] {
    const std::uint32_t generation = rule_cache.generation();
    if (last.user != 0 || last.generation != generation) last.count = 0;
    last.user = sp;
    last.generation = generation;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const bool done = walk_again(last, walk);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    last.user = 0;
    if (done) [[likely]]
      return static_cast<std::size_t>(walk.rest.addresses - addresses);
  } else {
    walk.at = walk.begin;
    walk.rest = walk.all;
  }
  return finish(walk);
}

}  // namespace LEASH_NAMESPACE::track::detail

#endif
