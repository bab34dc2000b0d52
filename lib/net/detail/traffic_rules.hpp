#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/detail/memory_link.hpp>
#include <leash/net/detail/transit.hpp>
#include <leash/net/traffic.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <memory>
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

  /// Takes the time that a connection takes to be made, or that a partition lasts. Errors: `connection_refused` by a
  /// rule, those of the Context, and `timed_out` after `patience`.
  [[nodiscard]] Result<void> admit(Call call, std::string_view subject, const Address& from, const Address& to);

  /// A link is subject to the rules from now on, until it is destroyed.
  void enrol(MemoryLink& link);
  void dismiss(MemoryLink& link);

 private:
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
  os::EventCount changed_;
};

}  // namespace LEASH_NAMESPACE::net::detail
