#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// `number` with a comma before each three digits: "4,812".
std::string with_commas(std::uint64_t number);

/// The number and the word for it: "1 file", "4,812 files".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

/// A number of bytes as itself below 1024, else in KiB, MiB, GiB or TiB: "340 bytes", "1.2 KiB".
std::string size_text(std::uint64_t bytes);

/// `duration` in ms, s, min or h, whichever suits: "40 ms", "1.2 s", "3.0 h".
std::string duration_text(Clock::duration duration);

}  // namespace LEASH_NAMESPACE::track::detail
