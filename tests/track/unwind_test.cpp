#include <doctest/doctest.h>

#include <dlfcn.h>
#include <sys/mman.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <leash/track/detail/stack_id.hpp>
#include <leash/track/stack.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "frames.hpp"

using leash::track::capture_stack;
using leash::track::max_depth;
using leash::track::Unwinder;
using leash::track::detail::capture_addresses;

namespace {

struct Addresses {
  std::array<std::uintptr_t, max_depth> at{};
  std::size_t count = 0;
};

// The stack of the caller, this function first, by the compiler's unwinder itself.
[[gnu::noinline]] void unwind_backtrace(Addresses& addresses) {
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
std::atomic<int> probed{0};
std::atomic<int> differing{0};

[[gnu::noinline]] void probe() {
  Addresses expected;
  Addresses found;
  unwind_backtrace(expected);
  found.count = capture_addresses(Unwinder::tables, found.at.data(), max_depth, 0);
  probed.fetch_add(1, std::memory_order_relaxed);
  // The first of the expected is unwind_backtrace; the calls in this function differ.
  const std::size_t count = std::min(expected.count, max_depth) - 1;
  const bool same = found.count >= count && count >= 2 && found.count <= count + (expected.count == max_depth ? 1 : 0) &&
                    std::equal(expected.at.begin() + 2, expected.at.begin() + 1 + static_cast<std::ptrdiff_t>(count),
                               found.at.begin() + 1);
  if (!same) differing.fetch_add(1, std::memory_order_relaxed);
}

void check_all(std::span<const frames::Scenario> scenarios) {
  for (const frames::Scenario& scenario : scenarios) {
    CAPTURE(scenario.name);
    // The second time all rules are known.
    for (int round = 0; round < 2; ++round) {
      probed = differing = 0;
      scenario.run(probe);
      CHECK(probed > 0);
      CHECK(differing == 0);
    }
  }
}

}  // namespace

TEST_CASE("the tables give the frames of _Unwind_Backtrace, whatever the code was optimized for") {
  SUBCASE("-O0") { check_all(frames::at_O0()); }
  SUBCASE("-O1") { check_all(frames::at_O1()); }
  SUBCASE("-O2") { check_all(frames::at_O2()); }
  SUBCASE("-O3") { check_all(frames::at_O3()); }
  SUBCASE("-O0 -fomit-frame-pointer") { check_all(frames::at_O0_without_frame_pointers()); }
  SUBCASE("-O1 -fomit-frame-pointer") { check_all(frames::at_O1_without_frame_pointers()); }
  SUBCASE("-O2 -fomit-frame-pointer") { check_all(frames::at_O2_without_frame_pointers()); }
  SUBCASE("-O3 -fomit-frame-pointer") { check_all(frames::at_O3_without_frame_pointers()); }
}
