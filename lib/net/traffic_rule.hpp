#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net {

namespace detail {
class TrafficRules;
}

/// Keeps a rule of a MemoryNetwork in force: made by `MemoryNetwork::latency` and the like. It ends with this object.
/// May outlive the network.
class [[nodiscard]] TrafficRule {
 public:
  /// No rule.
  TrafficRule() noexcept;
  TrafficRule(TrafficRule&& other) noexcept;
  TrafficRule& operator=(TrafficRule&& other) noexcept;
  ~TrafficRule();

  /// Ends the rule now. Does nothing if it has ended.
  void end();

 private:
  friend class MemoryNetwork;

  TrafficRule(std::shared_ptr<detail::TrafficRules> rules, std::uint64_t number) noexcept;

  std::shared_ptr<detail::TrafficRules> rules_;
  std::uint64_t number_ = 0;
};

}  // namespace LEASH_NAMESPACE::net
