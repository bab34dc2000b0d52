#include <algorithm>
#include <array>
#include <leash/track/stack.hpp>
#include <leash/track/stack/capture.hpp>
#include <leash/track/stack/stack_bounds.hpp>
#include <leash/track/stack/unwind.hpp>

namespace LEASH_NAMESPACE::track {
namespace detail {
namespace {

// The registers as they will be when the function with this `__builtin_frame_address(0)` has returned to its caller. A
// function that asks for its frame address keeps a frame pointer: the caller's rbp is saved at the frame address, and
// the return address lies above it.
LEASH_READS_RAW_STACK inline Registers caller_of(const void* frame_address) noexcept {
  const auto* const frame = static_cast<const std::uintptr_t*>(frame_address);
  return {.return_address = frame[1], .sp = reinterpret_cast<std::uintptr_t>(frame + 2), .bp = frame[0]};
}

inline std::size_t walk(Unwinder unwinder, Registers from, Output out) noexcept {
  if (out.depth == 0) return 0;
#ifdef __x86_64__
  if (unwinder == Unwinder::tables)
    return walk_tables(from.return_address, from.sp, from.bp, out.addresses, out.depth, out.skip);
  return walk_system(from, out);
#else
  static_cast<void>(unwinder);
  return walk_system({.return_address = from.return_address}, out);
#endif
}

}  // namespace

[[gnu::noinline]] std::size_t capture_addresses(Unwinder unwinder, std::uintptr_t* out, std::size_t depth,
                                                std::size_t skip) noexcept {
  return walk(unwinder, caller_of(__builtin_frame_address(0)), {.addresses = out, .depth = depth, .skip = skip});
}

namespace {

// Never inlined, so that the array takes room on the stack only where the system's unwinder is used.
[[gnu::noinline]] std::uint32_t stack_id_by_system(Registers from, std::size_t depth, std::size_t skip,
                                                   std::uint32_t site, InternStack intern) noexcept {
  std::array<std::uintptr_t, max_depth> addresses;  // NOLINT(*-member-init): for speed
  const std::size_t count = walk(Unwinder::system, from, {.addresses = addresses.data(), .depth = depth, .skip = skip});
  return intern(site, std::span(addresses.data(), count));
}

}  // namespace

[[gnu::noinline]] std::uint32_t capture_stack_id([[maybe_unused]] Unwinder unwinder, std::size_t depth,
                                                 std::size_t skip, std::uint32_t site, InternStack intern,
                                                 [[maybe_unused]] Purpose purpose) noexcept {
  depth = std::min(depth, max_depth);
  const Registers from = caller_of(__builtin_frame_address(0));
#ifdef __x86_64__
  if (unwinder == Unwinder::tables && depth != 0) {
    const Wanted wanted{.skip = static_cast<std::uint32_t>(std::min<std::size_t>(skip, UINT32_MAX)),
                        .depth = static_cast<std::uint16_t>(depth),
                        .purpose = purpose};
    return stack_id_by_tables(from.return_address, from.sp, from.bp, wanted, site, intern);
  }
#endif
  return stack_id_by_system(from, depth, skip, site, intern);
}

}  // namespace detail

[[gnu::noinline]] Stack capture_stack(std::size_t depth, std::size_t skip, Unwinder unwinder) {
  detail::know_own_stack();
  std::array<std::uintptr_t, max_depth> addresses;  // NOLINT(*-member-init): for speed
  const std::size_t count =
      detail::walk(unwinder, detail::caller_of(__builtin_frame_address(0)),
                   {.addresses = addresses.data(), .depth = std::min(depth, max_depth), .skip = skip});
  return Stack{{addresses.data(), addresses.data() + count}};
}

}  // namespace LEASH_NAMESPACE::track
