#pragma once

#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/track/stack.hpp>
#include <leash/track/stack/capture.hpp>

namespace leash_test {

struct Addresses {
  std::array<std::uintptr_t, leash::track::max_depth> at{};
  std::size_t count = 0;
};

// The stack of the caller, this function first, by the compiler's unwinder itself.
[[gnu::noinline]] inline void unwind_backtrace(Addresses& addresses) {
  const auto visit = [](_Unwind_Context* context, void* data) {
    Addresses& to = *static_cast<Addresses*>(data);
    int before_instruction = 0;
    const std::uintptr_t pc = _Unwind_GetIPInfo(context, &before_instruction);
    if (pc == 0 || to.count == to.at.size()) return _URC_END_OF_STACK;
    to.at[to.count++] = before_instruction != 0 ? pc : pc - 1;
    return _URC_NO_REASON;
  };
  addresses.count = 0;
  _Unwind_Backtrace(visit, &addresses);
  asm volatile("" ::: "memory");
}

// What the probe found; it runs where nothing may be asserted.
inline std::atomic<int> probed{0};
inline std::atomic<int> differing{0};

[[gnu::noinline]] inline void probe() {
  Addresses expected;
  Addresses found;
  unwind_backtrace(expected);
  found.count = leash::track::detail::capture_addresses(leash::track::Unwinder::tables, found.at.data(),
                                                        leash::track::max_depth, 0);
  probed.fetch_add(1, std::memory_order_relaxed);
  // The first of the expected is unwind_backtrace; the calls in this function differ.
  const std::size_t count = std::min(expected.count, leash::track::max_depth) - 1;
  const bool same = found.count >= count && count >= 2 &&
                    found.count <= count + (expected.count == leash::track::max_depth ? 1 : 0) &&
                    std::equal(expected.at.begin() + 2, expected.at.begin() + 1 + static_cast<std::ptrdiff_t>(count),
                               found.at.begin() + 1);
  if (!same) differing.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace leash_test
