#include <doctest/doctest.h>

#include <execinfo.h>

#include <array>
#include <cstdint>
#include <leash/track/stack.hpp>
#include <vector>

using leash::track::capture_stack;
using leash::track::Stack;

namespace {

[[gnu::noinline]] Stack deep(int levels, std::size_t depth) {
  Stack stack = levels == 0 ? capture_stack(depth) : deep(levels - 1, depth);
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
  return stack;
}

}  // namespace

TEST_CASE("a captured stack is that of glibc's backtrace, with addresses inside the calls") {
  std::array<void*, 64> expected{};
  const int count = ::backtrace(expected.data(), static_cast<int>(expected.size()));
  const Stack stack = capture_stack(64);
  // The innermost address differs, and a sanitizer may put a frame of its own before glibc's.
  const std::size_t outer = stack.addresses.size() - 1;
  REQUIRE(outer >= 3);
  REQUIRE(static_cast<std::size_t>(count) > outer);
  for (std::size_t index = 0; index < outer; ++index) {
    const void* const same = expected[static_cast<std::size_t>(count) - 1 - index];
    CHECK(stack.addresses[outer - index] + 1 == reinterpret_cast<std::uintptr_t>(same));
  }
}

TEST_CASE("a stack has as many addresses as were asked for, if there are so many") {
  CHECK(deep(40, 16).addresses.size() == 16);
  CHECK(deep(40, 1).addresses.size() == 1);
  CHECK(deep(0, 0).addresses.empty());
  CHECK(deep(1000, 1000000).addresses.size() == leash::track::max_depth);
}

TEST_CASE("skipping leaves out the innermost") {
  const auto capture = [](std::size_t skip) { return capture_stack(64, skip); };
  Stack all = capture(0);
  const Stack skipped = capture(2);
  REQUIRE(all.addresses.size() == skipped.addresses.size() + 2);
  all.addresses.erase(all.addresses.begin(), all.addresses.begin() + 2);
  CHECK(all == skipped);
  CHECK(capture(1000).addresses.empty());
  CHECK(capture(SIZE_MAX).addresses.empty());
}
