#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/store/record.hpp>
#include <leash/track/store/shard.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// What a `Mark` stores: how many records each shard had opened when the mark was taken. Shards share no counter, so
/// there is a number for each.
struct Moment {
  std::uint64_t tracker_id = 0;
  std::uint64_t at_us = 0;            ///< When the mark was taken: µs after the tracker began.
  std::vector<std::uint64_t> opened;  ///< How many records each shard had opened, at the index of the shard's owner.

  /// How many records the shard of `owner` had opened.
  std::uint64_t opened_by(std::uint32_t owner) const noexcept { return owner < opened.size() ? opened[owner] : 0; }

  /// Whether the record was opened after this moment.
  bool is_before(const Record& record) const noexcept {
    // A record's serial has only 32 bits and wraps around, so it decides only for records that were opened within an
    // hour of this moment. At level `count` records have no time (0), and the serial decides alone.
    static constexpr std::uint64_t far_apart_us = 3'600'000'000;
    const std::uint64_t opened_us = record.opened_us();
    if (opened_us > at_us + far_apart_us) return true;
    if (opened_us != 0 && at_us > opened_us + far_apart_us) return false;
    const auto last = static_cast<std::uint32_t>(opened_by(Page::of(record).shard->owner()));
    return static_cast<std::int32_t>(record.serial - last) > 0;
  }
};

}  // namespace LEASH_NAMESPACE::track::detail
