// Ends with 0 if capturing a stack allocates nothing, not even the first time in a thread. An own program, since it has
// an own malloc.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <leash/track/stack/capture.hpp>
#include <thread>

#include "frames.hpp"

extern "C" {
void* __libc_malloc(std::size_t size);                     // NOLINT(bugprone-reserved-identifier): glibc's names
void* __libc_calloc(std::size_t count, std::size_t size);  // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t size);      // NOLINT(bugprone-reserved-identifier)
}

namespace {

thread_local bool counting = false;
std::atomic<int> allocations{0};
std::atomic<int> captures{0};

void count() {
  if (counting) allocations.fetch_add(1);
}

void probe() {
  using leash::track::Unwinder;
  std::array<std::uintptr_t, 64> out{};
  counting = true;
  const std::size_t count = leash::track::detail::capture_addresses(Unwinder::tables, out.data(), out.size(), 0);
  counting = false;
  captures.fetch_add(count > 0 ? 1 : 0);
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* memory, std::size_t size) {
  count();
  return __libc_realloc(memory, size);
}
}

int main() {
  for (int round = 0; round < 2; ++round) {
    for (const frames::Scenario& scenario : frames::at_O2_without_frame_pointers()) scenario.run(probe);
  }
  std::thread(probe).join();
  std::printf("%d captures, %d allocations\n", captures.load(), allocations.load());
  return captures.load() > 50 && allocations.load() == 0 ? 0 : 1;
}
