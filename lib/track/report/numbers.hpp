#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// 4812 as 4,812.
std::string with_commas(std::uint64_t number);

/// "1 file", "4,812 files".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

/// "40 ms", "1.2 s", "3.0 h".
std::string duration_text(Clock::duration duration);

}  // namespace LEASH_NAMESPACE::track::detail
