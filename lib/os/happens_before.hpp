#pragma once

#include <leash/config.hpp>

#if defined(__SANITIZE_THREAD__)
#define LEASH_SEEN_BY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LEASH_SEEN_BY_TSAN 1
#endif
#endif

namespace LEASH_NAMESPACE::os {

// A program compiled with -fsanitize=thread may be linked with a leash that is not. ThreadSanitizer then sees the
// program's memory accesses and leash's calls into the C library, but not leash's atomics, and would report races
// that these prevent. So leash tells it: what a thread does before `happens_before(x)` comes before what a thread does
// after a later `happens_after(x)`. Both do nothing in a program without ThreadSanitizer.
#ifdef LEASH_SEEN_BY_TSAN
// Always inlined: if they were emitted as functions, the linker might keep these empty ones of the program and use them
// in a leash that was compiled without -fsanitize=thread too.
[[gnu::always_inline]] inline void happens_before(const void*) noexcept {}
[[gnu::always_inline]] inline void happens_after(const void*) noexcept {}
#else
extern "C" {
[[gnu::weak]] void leash_tsan_release(void* address) noexcept asm("__tsan_release");
[[gnu::weak]] void leash_tsan_acquire(void* address) noexcept asm("__tsan_acquire");
}

[[gnu::always_inline]] inline void happens_before(const void* address) noexcept {
  if (leash_tsan_release != nullptr) [[unlikely]]
    leash_tsan_release(const_cast<void*>(address));
}

[[gnu::always_inline]] inline void happens_after(const void* address) noexcept {
  if (leash_tsan_acquire != nullptr) [[unlikely]]
    leash_tsan_acquire(const_cast<void*>(address));
}
#endif

}  // namespace LEASH_NAMESPACE::os

#undef LEASH_SEEN_BY_TSAN
