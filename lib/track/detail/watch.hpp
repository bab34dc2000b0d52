#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/turn.hpp>
#include <leash/registration.hpp>
#include <leash/track/threshold.hpp>
#include <memory>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

class TrackerState;

/// Looks whether a limit of a Threshold is reached, and tells who asked for that. All members are thread-safe.
class Watch : public std::enable_shared_from_this<Watch> {
 public:
  using Callback = Function<void(const ThresholdReached&)>;

  /// Does not look before `start`. The tracker must live until `stop` is called.
  Watch(TrackerState& tracker, const Threshold& threshold, Callback callback);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() = default;

  /// Looks now, and once a second from now on. Throws what `Clock::at` does.
  void start();

  /// Does not look any more. As the destructor of a Registration, waits for a callback that is running in another
  /// thread, and may be called in the callback.
  void stop() noexcept;

  /// The calling thread has more open than before: has the clock look now if a limit may be reached. Does not call the
  /// callback itself, unless the clock does.
  void look_soon() noexcept;

 private:
  using Limit = ThresholdReached::Limit;
  static constexpr std::size_t limits = 3;

  struct Value {
    bool reached = false;
    bool below = false;  ///< Far enough to be told again.
    ThresholdReached told;
  };

  /// What has become of a limit that is set.
  Value value_of(Limit limit) const;
  /// Whether it is worth a look at it now. Under `looking_`, as `note_looked`, which follows the look.
  bool may_have_changed(Limit limit);
  void note_looked(const Value& value);
  bool is_set(Limit limit) const noexcept;
  bool is_armed(Limit limit) const noexcept { return armed_[static_cast<std::size_t>(limit)].load(); }

  /// A look that the clock is to make. It may be over before its Registration is stored here: `number` says which of
  /// two is the later one.
  struct Look {
    std::uint64_t number = 0;
    Registration registration;
  };

  void look() noexcept;
  void look_now();
  void look_in_a_second();
  /// Has the clock make a look, by `make()`, and stores that in `look`.
  template <class Make>
  void schedule(Look Watch::* look, Make make);

  TrackerState& tracker_;  ///< Not to be used once `stopped_`.
  const std::shared_ptr<Clock> clock_;
  const Threshold threshold_;
  const Callback callback_;
  std::array<std::atomic<bool>, limits> armed_{true, true, true};
  Clock::time_point next_age_;          ///< Not before is `Limit::age` worth a look. Guarded by `looking_`.
  std::atomic<bool> looks_now_{false};  ///< `look_now` has asked for a look that has not ended.

  os::Turn looking_;  ///< Held while a thread looks.
  std::atomic<bool> stopped_{false};
  std::atomic<std::uint32_t> generation_{0};  ///< The `os::fork_generation` whose clock looks.

  os::Mutex mutex_;  ///< Guards what follows.
  std::uint64_t scheduled_ = 0;
  Look in_a_second_;
  Look now_;
};

/// The Watches of a tracker.
class Watches {
 public:
  /// Starts it. Throws `std::bad_alloc`, and what `Watch::start` does.
  void add(const std::shared_ptr<Watch>& watch);
  void remove(const Watch& watch) noexcept;

  /// Removes and stops all.
  void stop() noexcept;

  /// `Watch::look_soon` of all. Costs a load if there is none.
  void look_soon() noexcept {
    if (any_.load(std::memory_order_relaxed)) [[unlikely]]
      all_look_soon();
  }

 private:
  void all_look_soon() noexcept;

  std::atomic<bool> any_{false};
  os::Mutex mutex_;
  std::vector<std::shared_ptr<Watch>> watches_;
};

}  // namespace LEASH_NAMESPACE::track::detail
