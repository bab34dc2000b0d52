#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <leash/track/detail/stack_bounds.hpp>

// Where the stack pointer was when the program began.
extern "C" [[gnu::weak]] void* __libc_stack_end;  // NOLINT(bugprone-reserved-identifier): glibc's name

namespace LEASH_NAMESPACE::track::detail {

constinit thread_local OwnStack own_stack;

namespace {

constexpr std::uintptr_t page_of(std::uintptr_t address) { return address & ~(page_size - 1); }

bool is_main_thread() noexcept { return ::syscall(SYS_gettid) == ::getpid(); }

// Readable at any time by a signal handler.
void set_own(std::uintptr_t low, std::uintptr_t top) noexcept {
  own_stack.top = top;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own_stack.low = low;
}

void know_main_stack(std::uintptr_t sp) noexcept {
  if (&__libc_stack_end == nullptr || !is_main_thread()) return;
  const std::uintptr_t top = page_of(reinterpret_cast<std::uintptr_t>(__libc_stack_end)) + page_size;
  rlimit limit{};
  // Not more than what the kernel keeps free, which goes by the limit when the program began.
  std::uintptr_t size = std::uintptr_t{8} << 20;
  if (::getrlimit(RLIMIT_STACK, &limit) == 0) size = std::min<std::uintptr_t>(limit.rlim_cur, std::uintptr_t{64} << 20);
  // Not so in the child of a process forked by another thread than the main one.
  if (sp < top && top - sp <= size) set_own(top - size, top);
}

}  // namespace

// The kernel reads the set before it finds that it does not know what to do with it, and so tells whether it can.
bool is_page_readable(std::uintptr_t address) noexcept {
  const std::uintptr_t page = page_of(address);
  // Would mean that there is no set.
  if (page == 0) return false;
  const int saved = errno;
  const long result = ::syscall(SYS_rt_sigprocmask, -1, page, nullptr, 8);
  const bool readable = result != -1 || errno != EFAULT;
  errno = saved;
  return readable;
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
  if (own_stack.top == 0) know_main_stack(sp);
  if (sp >= own_stack.low && sp < own_stack.top) return own_stack.top;
  return is_page_readable(sp) ? page_of(sp) + page_size : 0;
}

bool extend_readable(std::uintptr_t& end, std::uintptr_t to) noexcept {
  if (end == own_stack.top) return false;
  for (std::uintptr_t page = end; page < to; page += page_size) {
    if (!is_page_readable(page)) return false;
    end = page + page_size;
  }
  return true;
}

}  // namespace LEASH_NAMESPACE::track::detail
