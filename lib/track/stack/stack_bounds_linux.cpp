#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <leash/track/stack/stack_bounds.hpp>

// Where the stack pointer was when the program began.
extern "C" [[gnu::weak]] void* __libc_stack_end;  // NOLINT(bugprone-reserved-identifier): glibc's name

namespace LEASH_NAMESPACE::track::detail {

constinit thread_local OwnStack own_stack;

namespace {

constexpr std::uintptr_t set_size = 8;

constexpr std::uintptr_t page_of(std::uintptr_t address) { return address & ~(page_size - 1); }

bool is_main_thread() noexcept { return ::syscall(SYS_gettid) == ::getpid(); }

// Readable at any time by a signal handler.
void set_own(std::uintptr_t low, std::uintptr_t top) noexcept {
  own_stack.top = top;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own_stack.low = low;
}

// Whatever stack the thread is on at the moment, so that this is asked once.
void know_main_stack() noexcept {
  if (&__libc_stack_end == nullptr || !is_main_thread()) return;
  const std::uintptr_t top = page_of(reinterpret_cast<std::uintptr_t>(__libc_stack_end)) + page_size;
  rlimit limit{};
  // Not more than what the kernel keeps free, which goes by the limit when the program began.
  std::uintptr_t size = std::uintptr_t{8} << 20;
  if (::getrlimit(RLIMIT_STACK, &limit) == 0) size = std::min<std::uintptr_t>(limit.rlim_cur, std::uintptr_t{64} << 20);
  set_own(top - size, top);
}

// The kernel reads the set before it finds that it does not know what to do with it, and so tells whether it can.
bool is_set_readable(std::uintptr_t address) noexcept {
  const int saved = errno;
  const long result = ::syscall(SYS_rt_sigprocmask, -1, address, nullptr, set_size);
  const bool readable = result != -1 || errno != EFAULT;
  errno = saved;
  return readable;
}

// The first page behind the last stack that was found to end; may be wrong at any time.
constinit thread_local std::uintptr_t last_unreadable = 0;

}  // namespace

bool is_page_readable(std::uintptr_t address) noexcept {
  const std::uintptr_t page = page_of(address);
  // Address 0 would mean that there is no set.
  return page != 0 && is_set_readable(page);
}

void know_own_stack() noexcept {
  // Of the main thread the system would read a file to know it.
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

std::uintptr_t find_readable_end(std::uintptr_t sp) noexcept {
  if (own_stack.top == 0) know_main_stack();
  if (sp >= own_stack.low && sp < own_stack.top) return own_stack.top;
  return is_page_readable(sp) ? page_of(sp) + page_size : 0;
}

std::uintptr_t find_end_in_use(std::uintptr_t sp) noexcept {
  if (own_stack.top == 0) know_main_stack();
  if (sp >= own_stack.low && sp < own_stack.top) return own_stack.top;
  return page_of(sp - 1) + page_size;
}

bool extend_readable(std::uintptr_t& end, std::uintptr_t to) noexcept {
  if (end == own_stack.top) return false;
  while (end < to) {
    const std::uintptr_t next = end + page_size;
    // A set that lies half in this page and half in the next tells of both.
    if (next != last_unreadable && is_set_readable(next - set_size / 2)) {
      end = next + page_size;
    } else if (is_page_readable(end)) {
      last_unreadable = end = next;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace LEASH_NAMESPACE::track::detail
