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

// A program that is compiled with -fsanitize=thread may be linked with a leash that is not. ThreadSanitizer does not
// see the atomics of leash then, but sees what it calls of the C library, and what the program does; so it is told of
// the order that these atomics make: all before `happens_before(x)` is before all after a later `happens_after(x)`.
#ifdef LEASH_SEEN_BY_TSAN
// Always inlined: of a function that stays one, the linker might take this one for the library too.
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
