#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/address.hpp>
#include <leash/net/detail/memory_link.hpp>
#include <leash/net/detail/transit.hpp>
#include <leash/net/detail/wait_list.hpp>
#include <leash/net/traffic.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// What a rule does to its traffic.
struct TrafficEffect {
  Shape shape = {};
  bool refuse = false;

  friend bool operator==(const TrafficEffect&, const TrafficEffect&) = default;
};

/// The rules of a MemoryNetwork, and the connections that they shape. Thread-safe.
class TrafficRules {
 public:
  /// Adds a rule, which is `remove`d by the number that this returns.
  std::uint64_t add(const Traffic& traffic, const TrafficEffect& effect);
  void remove(std::uint64_t number);

  /// Resets the connections of `traffic` that are not closed at both ends, and returns how many there were.
  std::size_t reset(const Traffic& traffic);

  /// Whether rules concern what goes between two addresses.
  bool concern(const Address& from, const Address& to) {
    return any_.load(std::memory_order_relaxed) && effects_between(from, to) != Effects();
  }

  /// Who waits for the rules to change.
  WaitList& changed() noexcept { return changed_; }

  /// All that wait look again at what this thread has changed elsewhere, such as a Context.
  void notify() {
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
    }
    changed_.notify_all();
  }

  /// A link is subject to the rules from now on, until it is destroyed.
  void enrol(MemoryLink& link);
  void dismiss(MemoryLink& link);

 private:
  friend class Admission;

  struct Rule {
    std::uint64_t number = 0;
    Traffic traffic;
    TrafficEffect effect;
  };

  /// What the rules do to either direction between two addresses.
  struct Effects {
    TrafficEffect there;
    TrafficEffect back;

    friend bool operator==(const Effects&, const Effects&) = default;
  };

  // With the mutex locked.
  TrafficEffect effect_on(const Address& from, const Address& to) const;

  Effects effects_between(const Address& from, const Address& to);
  std::vector<std::shared_ptr<MemoryLink>> links_of(const Traffic& traffic);
  void shape(MemoryLink& link);
  void shape_all(const Traffic& traffic);

  os::Mutex mutex_;
  std::vector<Rule> rules_;
  std::uint64_t last_number_ = 0;
  std::vector<MemoryLink*> links_;
  std::atomic<bool> any_{false};  ///< Whether there are rules.
  WaitList changed_;
};

/// The time that a connection takes to be made by the rules, or that a partition lasts.
class Admission {
 public:
  Admission(std::shared_ptr<TrafficRules> rules, const Context& context, Address from, Address to);

  /// Whether it is over, with this `result`: `connection_refused` by a rule, the errors of the Context, `timed_out`
  /// after `patience`. Else one must look again when the rules have changed, the Context is done, or at `due`.
  bool look(std::string_view subject, Result<void>& result, Clock::time_point& due);

  /// Which ends it at the latest.
  const Context& context() const noexcept { return context_; }

 private:
  const std::shared_ptr<TrafficRules> rules_;
  const Address from_;
  const Address to_;
  const Context context_;
  const Clock::time_point start_;
};

}  // namespace LEASH_NAMESPACE::net::detail
