#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::os {

/// A mutex for what may take long: under it a thread may wait, and run callbacks. In a forked child it is free if the
/// thread that had it is lost: what it guards must bear that such a thread stopped anywhere.
class Turn {
 public:
  constexpr Turn() noexcept = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void lock() noexcept {
    const std::uint64_t own = ThreadId::current().serial();
    std::uint64_t free = 0;
    if (!holder_.compare_exchange_strong(free, own)) {
      changed_.wait([&] {
        std::uint64_t holder = holder_.load();
        return (holder == 0 || ThreadId::from_serial(holder).lost()) && holder_.compare_exchange_strong(holder, own);
      });
    }
    happens_after(this);
  }

  void unlock() noexcept {
    happens_before(this);
    holder_.store(0);
    changed_.notify_one();
  }

  /// Whether the calling thread has it.
  bool held() const noexcept { return holder_.load() == ThreadId::current().serial(); }

 private:
  std::atomic<std::uint64_t> holder_{0};
  EventCount changed_;
};

}  // namespace LEASH_NAMESPACE::os
