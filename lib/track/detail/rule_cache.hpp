#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/detail/unwind_rule.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// The rules of the addresses that were last met, for all threads. An entry is one word, the rule under the part of the
/// address that its place in the table does not tell, so that it is read and written as a whole, without a lock. An
/// address of more than 47 bits is never found.
class RuleCache {
 public:
  /// The rule for `address`, or `none`.
  [[nodiscard]] UnwindRule find(std::uintptr_t address) const noexcept {
    const std::uint64_t entry = entries_[place(address)].load(std::memory_order_relaxed);
    return entry >> 32 == address >> place_bits ? UnwindRule(static_cast<std::uint32_t>(entry)) : UnwindRule();
  }

  /// What is passed to `store` with the rules that are looked up from now on.
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_.load(std::memory_order_seq_cst); }

  /// Keeps a rule, unless the cache was cleared since `generation`.
  void store(std::uintptr_t address, UnwindRule rule, std::uint32_t generation) noexcept {
    if (address >> place_bits > UINT32_MAX) return;
    std::atomic<std::uint64_t>& entry = entries_[place(address)];
    entry.store(address >> place_bits << 32 | rule.bits(), std::memory_order_seq_cst);
    if (generation_.load(std::memory_order_seq_cst) != generation) entry.store(0, std::memory_order_relaxed);
  }

  void clear() noexcept {
    generation_.fetch_add(1, std::memory_order_seq_cst);
    for (std::atomic<std::uint64_t>& entry : entries_) {
      // Pages that were never written stay so.
      if (entry.load(std::memory_order_seq_cst) != 0) entry.store(0, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr unsigned place_bits = 15;

  static std::size_t place(std::uintptr_t address) noexcept {
    return (address ^ address >> place_bits) & ((std::size_t{1} << place_bits) - 1);
  }

  std::array<std::atomic<std::uint64_t>, std::size_t{1} << place_bits> entries_{};
  std::atomic<std::uint32_t> generation_{0};
};

extern constinit RuleCache rule_cache;

}  // namespace LEASH_NAMESPACE::track::detail
