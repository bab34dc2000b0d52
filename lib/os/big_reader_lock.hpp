#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/futex.hpp>
#include <leash/os/thread_index.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::os {

/// A reader-writer lock for what is read much more often than written: readers in different threads write to different
/// cache lines, so they do not slow each other down; a writer looks at all of these lines (the "big reader lock" of
/// Linux 2.4). As `os::SharedMutex` otherwise: for short critical sections, and free in a forked child. Not in a
/// signal handler. 576 bytes.
class BigReaderLock {
 public:
  constexpr BigReaderLock() noexcept = default;
  BigReaderLock(const BigReaderLock&) = delete;
  BigReaderLock& operator=(const BigReaderLock&) = delete;

  void lock_shared() noexcept {
    enter();
    std::atomic<std::uint32_t>& readers = own_readers();
    // All accesses to `readers` and `writing_` are sequentially consistent. This thread counts itself, then reads
    // `writing_`; a writer stores `writing_`, then reads the counts. So the writer sees this thread, or this thread
    // sees the writer.
    readers.fetch_add(1);
    if (writing_.load() != 0) [[unlikely]]
      wait_for_writer(readers);
  }

  void unlock_shared() noexcept {
    std::atomic<std::uint32_t>& readers = own_readers();
    readers.fetch_sub(1);
    if (writing_.load() != 0) [[unlikely]]
      futex_wake_all(readers);
    Gate::leave();
  }

  void lock() noexcept {
    enter();
    writers_.lock();
    writing_.store(1);
    for (Line& line : lines_) {
      if (line.readers.load() != 0) [[unlikely]]
        wait_for_readers(line.readers);
    }
  }

  void unlock() noexcept {
    writing_.store(0);
    if (waiting_.load() != 0) [[unlikely]]
      futex_wake_all(writing_);
    writers_.unlock();
    Gate::leave();
  }

 private:
  struct alignas(64) Line {
    std::atomic<std::uint32_t> readers{0};  ///< How many threads read that count themselves here.
  };

  static void enter() noexcept {
    if (!Gate::has_own_stripe()) [[unlikely]]
      static_cast<void>(thread_index());
    Gate::enter();
  }

  std::atomic<std::uint32_t>& own_readers() noexcept { return lines_[Gate::stripe_number() % lines_.size()].readers; }

  void wait_for_writer(std::atomic<std::uint32_t>& readers) noexcept;
  static void wait_for_readers(std::atomic<std::uint32_t>& readers) noexcept;

  std::array<Line, 8> lines_{};
  std::atomic<std::uint32_t> writing_{0};  ///< 1 while a writer waits for readers to leave, or writes.
  std::atomic<std::uint32_t> waiting_{0};  ///< At least the number of readers that wait for a writer.
  std::mutex writers_;
};

}  // namespace LEASH_NAMESPACE::os
