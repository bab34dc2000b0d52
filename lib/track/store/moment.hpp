#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/store/record.hpp>
#include <leash/track/store/shard.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// What a `Mark` knows: how far each thread had got. Threads share no counter, so it has a number of each.
struct Moment {
  std::uint64_t tracker = 0;
  std::uint64_t us = 0;               ///< On the scale of the records.
  std::vector<std::uint64_t> opened;  ///< By each shard, in the order of their owners.

  std::uint64_t opened_by(std::uint32_t owner) const noexcept { return owner < opened.size() ? opened[owner] : 0; }

  /// Whether the record was made after this moment.
  bool is_before(const Record& record) const noexcept {
    // A record has only 32 bits of its number, so where the times are far enough apart these tell; at level `count`
    // there are none.
    static constexpr std::uint64_t far_apart_us = 3'600'000'000;
    const std::uint64_t opened_us = record.opened_us();
    if (opened_us > us + far_apart_us) return true;
    if (opened_us != 0 && us > opened_us + far_apart_us) return false;
    const auto last = static_cast<std::uint32_t>(opened_by(Page::of(record).shard->owner()));
    return static_cast<std::int32_t>(record.serial - last) > 0;
  }
};

}  // namespace LEASH_NAMESPACE::track::detail
