#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define LEASH_TEST_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define LEASH_TEST_TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEASH_TEST_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define LEASH_TEST_TSAN 1
#endif
#endif

namespace leash_test {

/// Whether this is compiled with AddressSanitizer.
#ifdef LEASH_TEST_ASAN
inline constexpr bool with_asan = true;
#else
inline constexpr bool with_asan = false;
#endif

/// Whether this is compiled with ThreadSanitizer, whose functions stand between the instructions of the program, take
/// locks, and must not be interrupted by a handler that calls them again: nothing is stepped through with it.
#ifdef LEASH_TEST_TSAN
inline constexpr bool with_tsan = true;
#else
inline constexpr bool with_tsan = false;
#endif

/// Whether a sanitizer is in the way of a child that was forked while other threads were at work: ThreadSanitizer
/// forbids it threads of its own, and in it the locks of AddressSanitizer's allocator may stay locked for ever (GCC
/// 12). Tests of that run in builds without.
inline constexpr bool no_fork_among_threads = with_asan || with_tsan;

}  // namespace leash_test
