#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/happens_before.hpp>

namespace LEASH_NAMESPACE::os {

/// A mutex for long work: a thread that holds it may wait and run callbacks, and a fork does not wait for it. If the
/// holder is lost in a forked child (see fork.hpp), another thread may lock it there: so the data that it guards must
/// be usable wherever the holder stopped. Not recursive.
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

  /// Does not wait: false if another thread holds it, or this one.
  bool try_lock() noexcept {
    std::uint64_t holder = holder_.load();
    if (holder != 0 && !ThreadId::from_serial(holder).lost()) return false;
    if (!holder_.compare_exchange_strong(holder, ThreadId::current().serial())) return false;
    happens_after(this);
    return true;
  }

  void unlock() noexcept {
    happens_before(this);
    holder_.store(0);
    changed_.notify_one();
  }

  /// Whether the calling thread holds it.
  bool held() const noexcept { return holder_.load() == ThreadId::current().serial(); }

 private:
  std::atomic<std::uint64_t> holder_{0};  ///< Its `ThreadId::serial`; 0 if free.
  EventCount changed_;
};

}  // namespace LEASH_NAMESPACE::os
