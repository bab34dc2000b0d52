#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <leash/track/detail/stack_id.hpp>
#include <leash/track/stack.hpp>

namespace LEASH_NAMESPACE::track {
namespace {

struct Walk {
  std::array<std::uintptr_t, max_depth> addresses;
  std::size_t count = 0;
  std::size_t limit = 0;
  std::size_t skip = 0;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  Walk& walk = *static_cast<Walk*>(data);
  if (walk.skip > 0) {
    --walk.skip;
    return _URC_NO_REASON;
  }
  if (walk.count == walk.limit) return _URC_END_OF_STACK;
  int before_instruction = 0;
  const std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
  if (address == 0) return _URC_END_OF_STACK;
  walk.addresses[walk.count++] = before_instruction != 0 ? address : address - 1;
  return _URC_NO_REASON;
}

}  // namespace

[[gnu::noinline]] Stack capture_stack(std::size_t depth, std::size_t skip, Unwinder) {
  Walk walk;
  walk.limit = std::min(depth, max_depth);
  walk.skip = skip == SIZE_MAX ? skip : skip + 1;
  if (walk.limit != 0) _Unwind_Backtrace(visit, &walk);
  return Stack{{walk.addresses.begin(), walk.addresses.begin() + static_cast<std::ptrdiff_t>(walk.count)}};
}

namespace detail {

[[gnu::noinline]] std::uint32_t capture_stack_id(Unwinder, std::size_t depth, std::size_t skip, std::uint32_t site,
                                                 InternStack intern) noexcept {
  Walk walk;
  walk.limit = std::min(depth, max_depth);
  walk.skip = skip + 1;
  _Unwind_Backtrace(visit, &walk);
  return intern(site, {walk.addresses.data(), walk.count});
}

}  // namespace detail

}  // namespace LEASH_NAMESPACE::track
