#include <leash/os/big_reader_lock.hpp>

namespace LEASH_NAMESPACE::os {
namespace {

/// Waits a moment for `word` to become 0: critical sections are shorter than a system call. False if it did not.
bool is_zero_soon(const std::atomic<std::uint32_t>& word) noexcept {
  for (int left = 128; left > 0; --left) {
    if (word.load() == 0) return true;
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
  }
  return false;
}

}  // namespace

void BigReaderLock::wait_for_writer(std::atomic<std::uint32_t>& readers) noexcept {
  waiting_.fetch_add(1);
  do {
    readers.fetch_sub(1);
    futex_wake_all(readers);
    if (!is_zero_soon(writing_)) {
      while (writing_.load() != 0) futex_wait(writing_, 1);
    }
    readers.fetch_add(1);
  } while (writing_.load() != 0);
  waiting_.fetch_sub(1);
}

void BigReaderLock::wait_for_readers(std::atomic<std::uint32_t>& readers) noexcept {
  if (is_zero_soon(readers)) return;
  while (const std::uint32_t count = readers.load()) futex_wait(readers, count);
}

}  // namespace LEASH_NAMESPACE::os
