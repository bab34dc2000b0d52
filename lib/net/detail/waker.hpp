#pragma once

#include <leash/config.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::net::detail {

/// Ends one thread's wait for a descriptor from another thread. A waiter calls `prepare`, checks whether there is still
/// a reason to wait, and calls `wait`; who takes the reason away calls `wake` afterwards. No wake-up is lost between
/// the two.
///
/// It costs no descriptor before the first `prepare`. One thread at a time may wait.
class Waker {
 public:
  Waker() noexcept = default;
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  ~Waker();

  void prepare() noexcept;

  /// Waits until `descriptor` has one of the poll events, or has failed, or `wake` was called; may also return for
  /// nothing.
  void wait(int descriptor, short events) noexcept;

  void wake() noexcept;

  /// Gives its descriptor back. No one may be waiting.
  void close() noexcept;

 private:
  std::mutex mutex_;
  int event_ = -1;
};

}  // namespace LEASH_NAMESPACE::net::detail
