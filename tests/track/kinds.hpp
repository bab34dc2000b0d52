#pragma once

#include <leash/track/kind.hpp>

inline constexpr leash::track::Kind slot{"slot", "slots"};
inline constexpr leash::track::Kind box{"box", "boxes"};
