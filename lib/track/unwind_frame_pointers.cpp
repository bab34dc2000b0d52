#include <leash/track/detail/stack_bounds.hpp>
#include <leash/track/detail/unwind.hpp>

namespace LEASH_NAMESPACE::track::detail {

LEASH_READS_RAW_STACK std::size_t walk_frame_pointers(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp,
                                                      std::uintptr_t* addresses, std::size_t depth,
                                                      std::size_t skip) noexcept {
  std::uintptr_t end = readable_end(sp);
  std::uintptr_t low = sp;
  for (std::size_t count = 0; pc != 0;) {
    if (skip > 0) {
      --skip;
    } else {
      addresses[count++] = pc - 1;
      if (count == depth) return count;
    }
    // The frame pointer may be anything. It must lead up the stack, so that this ends.
    constexpr std::uintptr_t size = 2 * sizeof(std::uintptr_t);
    if (bp % sizeof(std::uintptr_t) != 0 || bp < low || bp > UINTPTR_MAX - size) return count;
    if (bp + size > end && (bp - low > page_size * 256 || !extend_readable(end, bp + size))) return count;
    const auto* const frame = reinterpret_cast<const std::uintptr_t*>(bp);
    low = bp + size;
    bp = frame[0];
    pc = frame[1];
    if (pc == 0) return count;
  }
  return 0;
}

}  // namespace LEASH_NAMESPACE::track::detail
