#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack/unwind_rule.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// The rules of the addresses that were last met, for all threads. An entry is one word, the rule under the part of the
/// address that its place in the table does not tell, so that it is read and written as a whole, without a lock. There
/// are two places for an address, so that two that a stack has in common do not drive each other out. An address of
/// more than 47 bits is never found.
class RuleCache {
 public:
  /// The rule for `address`, or `none`.
  [[nodiscard]] UnwindRule find(std::uintptr_t address) const noexcept {
    const std::size_t place = first_place(address);
    std::uint64_t entry = entries_[place].load(std::memory_order_relaxed);
    if (tag_of(entry) != address >> place_bits) [[unlikely]] {
      entry = entries_[place + 1].load(std::memory_order_relaxed);
      if (tag_of(entry) != address >> place_bits) return {};
    }
    return rule_of(entry);
  }

  /// What is passed to `store` with the rules that are looked up from now on.
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_.load(std::memory_order_seq_cst); }

  /// Keeps a rule, unless the cache was cleared since `generation`.
  void store(std::uintptr_t address, UnwindRule rule, std::uint32_t generation) noexcept {
    if (address >> address_bits != 0) return;
    std::atomic<std::uint64_t>& first = entries_[first_place(address)];
    std::atomic<std::uint64_t>& second = entries_[first_place(address) + 1];
    const std::uint64_t before = first.load(std::memory_order_relaxed);
    // The one that was stored last moves on.
    if (before != 0) second.store(before, std::memory_order_seq_cst);
    first.store(address >> place_bits << UnwindRule::size | rule.bits(), std::memory_order_seq_cst);
    if (generation_.load(std::memory_order_seq_cst) != generation) {
      first.store(0, std::memory_order_relaxed);
      second.store(0, std::memory_order_relaxed);
    }
  }

  void clear() noexcept {
    generation_.fetch_add(1, std::memory_order_seq_cst);
    for (std::atomic<std::uint64_t>& entry : entries_) {
      // Pages that were never written stay so.
      if (entry.load(std::memory_order_seq_cst) != 0) entry.store(0, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr unsigned address_bits = 47;
  static constexpr unsigned place_bits = 14;
  static_assert(address_bits - place_bits + UnwindRule::size == 64);

  static std::size_t first_place(std::uintptr_t address) noexcept {
    return 2 * ((address ^ address >> place_bits) & ((std::size_t{1} << place_bits) - 1));
  }

  static std::uint64_t tag_of(std::uint64_t entry) noexcept { return entry >> UnwindRule::size; }
  static UnwindRule rule_of(std::uint64_t entry) noexcept {
    return UnwindRule(static_cast<std::uint32_t>(entry) & ((std::uint32_t{1} << UnwindRule::size) - 1));
  }

  std::array<std::atomic<std::uint64_t>, std::size_t{2} << place_bits> entries_{};
  std::atomic<std::uint32_t> generation_{0};
};

extern constinit RuleCache rule_cache;

}  // namespace LEASH_NAMESPACE::track::detail
