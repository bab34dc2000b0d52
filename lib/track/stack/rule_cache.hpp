#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/stack/unwind_rule.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// The unwind rules of the return addresses that walks met last; all threads share it. An entry is one atomic word, so
/// that no lock is needed: the rule in the low bits, and above it a tag, the high bits of the address. Each address has
/// two slots, side by side: so two addresses with the same slots, if one stack has both, do not evict each other.
/// An address of more than 47 bits is not kept.
class RuleCache {
 public:
  /// The rule for `address`, or `none`.
  [[nodiscard]] UnwindRule find(std::uintptr_t address) const noexcept {
    const std::size_t slot = first_slot(address);
    std::uint64_t entry = entries_[slot].load(std::memory_order_relaxed);
    if (tag_of(entry) != address >> slot_bits) [[unlikely]] {
      entry = entries_[slot + 1].load(std::memory_order_relaxed);
      if (tag_of(entry) != address >> slot_bits) return {};
    }
    return rule_of(entry);
  }

  /// A number that each `clear` changes when it begins and when it ends. To be taken before a rule is looked up in the
  /// tables, and passed to `store`.
  [[nodiscard]] std::uint32_t clear_count() const noexcept { return clear_count_.load(std::memory_order_seq_cst); }

  /// Keeps a rule, unless the cache is being cleared or was since `clear_count` was taken: then it may be out of date.
  void store(std::uintptr_t address, UnwindRule rule, std::uint32_t clear_count) noexcept {
    if (address >> address_bits != 0) return;
    std::atomic<std::uint64_t>& first = entries_[first_slot(address)];
    std::atomic<std::uint64_t>& second = entries_[first_slot(address) + 1];
    const std::uint64_t before = first.load(std::memory_order_relaxed);
    // What is in the first slot moves to the second, whose rule is lost.
    if (before != 0) second.store(before, std::memory_order_seq_cst);
    first.store(address >> slot_bits << UnwindRule::bit_count | rule.bits(), std::memory_order_seq_cst);
    // This thread stores the entries and then asks whether a thread is or was in `clear`; that one says so before it
    // reads the entries. So either this thread removes them, or that one does. What was in the first slot may itself be
    // out of date: so it is not enough to ask for a `clear` that began since the count was taken.
    if (clearing_.load(std::memory_order_seq_cst) != 0 || clear_count_.load(std::memory_order_seq_cst) != clear_count) {
      first.store(0, std::memory_order_relaxed);
      second.store(0, std::memory_order_relaxed);
    }
  }

  void clear() noexcept {
    clearing_.fetch_add(1, std::memory_order_seq_cst);
    clear_count_.fetch_add(1, std::memory_order_seq_cst);
    for (std::atomic<std::uint64_t>& entry : entries_) {
      // Entries that are 0 are not written, so that pages of the table that were never used take no memory.
      if (entry.load(std::memory_order_seq_cst) != 0) entry.store(0, std::memory_order_relaxed);
    }
    clear_count_.fetch_add(1, std::memory_order_seq_cst);
    clearing_.fetch_sub(1, std::memory_order_seq_cst);
  }

 private:
  static constexpr unsigned address_bits = 47;
  static constexpr unsigned slot_bits = 14;
  static_assert(address_bits - slot_bits + UnwindRule::bit_count == 64);

  // The second slot is the next one.
  static std::size_t first_slot(std::uintptr_t address) noexcept {
    return 2 * ((address ^ address >> slot_bits) & ((std::size_t{1} << slot_bits) - 1));
  }

  static std::uint64_t tag_of(std::uint64_t entry) noexcept { return entry >> UnwindRule::bit_count; }
  static UnwindRule rule_of(std::uint64_t entry) noexcept {
    return UnwindRule(static_cast<std::uint32_t>(entry) & ((std::uint32_t{1} << UnwindRule::bit_count) - 1));
  }

  std::array<std::atomic<std::uint64_t>, std::size_t{2} << slot_bits> entries_{};
  std::atomic<std::uint32_t> clear_count_{0};
  std::atomic<std::uint32_t> clearing_{0};  ///< How many threads are in `clear`.
};

extern constinit RuleCache rule_cache;

}  // namespace LEASH_NAMESPACE::track::detail
