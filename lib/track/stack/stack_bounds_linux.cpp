#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <leash/track/stack/stack_bounds.hpp>

// Where the main thread's stack pointer was when the program began.
extern "C" [[gnu::weak]] void* __libc_stack_end;  // NOLINT(bugprone-reserved-identifier): glibc's name

namespace LEASH_NAMESPACE::track::detail {

constinit thread_local OwnStack own_stack;

namespace {

constexpr std::uintptr_t word_size = 8;

constexpr std::uintptr_t page_of(std::uintptr_t address) { return address & ~(page_size - 1); }

bool is_main_thread() noexcept { return ::syscall(SYS_gettid) == ::getpid(); }

// A signal handler that runs between the two stores sees an empty range.
void set_own(std::uintptr_t low, std::uintptr_t top) noexcept {
  own_stack.top = top;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own_stack.low = low;
}

// Sets the bounds of the own stack if the calling thread is the main one; also while it is on another stack, so that
// this is worked out only once.
void know_main_stack() noexcept {
  if (&__libc_stack_end == nullptr || !is_main_thread()) return;
  const std::uintptr_t top = page_of(reinterpret_cast<std::uintptr_t>(__libc_stack_end)) + page_size;
  rlimit limit{};
  // The kernel keeps room for the stack by the limit that held when the program began; the limit may have been raised
  // since. So not more than 64 MiB, which it keeps free in any case.
  std::uintptr_t size = std::uintptr_t{8} << 20;
  if (::getrlimit(RLIMIT_STACK, &limit) == 0) size = std::min<std::uintptr_t>(limit.rlim_cur, std::uintptr_t{64} << 20);
  set_own(top - size, top);
}

// Whether the word at `address` can be read. It is passed to the kernel as a signal set, together with a `how` that is
// invalid (-1). The kernel reads the set first, and fails with EFAULT if it cannot; only then does it check `how`.
bool is_word_readable(std::uintptr_t address) noexcept {
  const int saved = errno;
  const long result = ::syscall(SYS_rt_sigprocmask, -1, address, nullptr, word_size);
  const bool readable = result != -1 || errno != EFAULT;
  errno = saved;
  return readable;
}

// The page behind the end that `extend_readable` found last. Only a hint: the page may be readable by now.
constinit thread_local std::uintptr_t last_unreadable_page = 0;

}  // namespace

bool is_page_readable(std::uintptr_t address) noexcept {
  const std::uintptr_t page = page_of(address);
  // Address 0 would mean "no set", and the kernel would read nothing.
  return page != 0 && is_word_readable(page);
}

void know_own_stack() noexcept {
  // For the main thread pthread_getattr_np reads /proc/self/maps; `know_main_stack` does without.
  if (own_stack.top != 0 || is_main_thread()) return;
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
  void* low = nullptr;
  std::size_t size = 0;
  if (::pthread_attr_getstack(&attributes, &low, &size) == 0 && low != nullptr) {
    const auto begin = reinterpret_cast<std::uintptr_t>(low);
    set_own(begin, begin + size);
  }
  ::pthread_attr_destroy(&attributes);
}

std::uintptr_t probe_stack_end(std::uintptr_t sp) noexcept {
  if (own_stack.top == 0) know_main_stack();
  if (sp >= own_stack.low && sp < own_stack.top) return own_stack.top;
  return is_page_readable(sp) ? page_of(sp) + page_size : 0;
}

std::uintptr_t find_used_stack_end(std::uintptr_t sp) noexcept {
  if (own_stack.top == 0) know_main_stack();
  if (sp >= own_stack.low && sp < own_stack.top) return own_stack.top;
  return page_of(sp - 1) + page_size;
}

bool extend_readable(std::uintptr_t& end, std::uintptr_t to) noexcept {
  if (end == own_stack.top) return false;
  while (end < to) {
    const std::uintptr_t next = end + page_size;
    // One test for two pages: the word lies half in the page at `end`, half in the page at `next`.
    if (next != last_unreadable_page && is_word_readable(next - word_size / 2)) {
      end = next + page_size;
    } else if (is_page_readable(end)) {
      last_unreadable_page = end = next;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace LEASH_NAMESPACE::track::detail
