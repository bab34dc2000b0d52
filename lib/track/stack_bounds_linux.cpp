#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <leash/track/detail/stack_bounds.hpp>

// Where the stack pointer was when the program began.
extern "C" [[gnu::weak]] void* __libc_stack_end;  // NOLINT(bugprone-reserved-identifier): glibc's name

namespace LEASH_NAMESPACE::track::detail {

constinit thread_local OwnStack own_stack;

namespace {

constexpr std::uintptr_t page_of(std::uintptr_t address) { return address & ~(page_size - 1); }

bool set_main(OwnStack& own, std::uintptr_t sp) noexcept {
  if (&__libc_stack_end == nullptr || ::syscall(SYS_gettid) != ::getpid()) return false;
  const std::uintptr_t top = page_of(reinterpret_cast<std::uintptr_t>(__libc_stack_end)) + page_size;
  rlimit limit{};
  // Not more than what the kernel keeps free, which goes by the limit when the program began.
  std::uintptr_t size = std::uintptr_t{8} << 20;
  if (::getrlimit(RLIMIT_STACK, &limit) == 0) size = std::min<std::uintptr_t>(limit.rlim_cur, std::uintptr_t{64} << 20);
  // Not so in the child of a process forked by another thread than the main one.
  if (sp >= top || top - sp > size) return false;
  own = {.low = top - size, .top = top, .floor = top - size};
  return true;
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

std::uintptr_t find_readable_end(std::uintptr_t sp) noexcept {
  OwnStack own = own_stack;
  if (own.top == 0 && !set_main(own, sp)) {
    const auto top = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    own = {.low = page_of(top), .top = top, .floor = 0};
  }
  if (!is_page_readable(sp)) return 0;
  if (sp < own.low && sp >= own.floor) {
    // A deeper stack is treated as one that is not the thread's.
    const std::uintptr_t most = page_of(sp) + (std::uintptr_t{64} << 20);
    std::uintptr_t page = page_of(sp) + page_size;
    while (page < own.low && page < most && is_page_readable(page)) page += page_size;
    if (page >= own.low) {
      own.low = page_of(sp);
    } else {
      own.floor = page + page_size;
    }
  }
  own_stack = own;
  return sp >= own.low && sp < own.top ? own.top : page_of(sp) + page_size;
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
