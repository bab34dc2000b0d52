#pragma once

#include <leash/config.hpp>
#include <leash/fault/fault.hpp>

namespace LEASH_NAMESPACE::fault::detail {

/// Whether the text of a rule with this effect may name an error.
constexpr bool has_code(Effect effect) noexcept {
  return effect == Effect::fail || effect == Effect::fail_after || effect == Effect::shorten;
}

/// Whether it has a number of bytes.
constexpr bool has_bytes(Effect effect) noexcept { return effect == Effect::shorten || effect == Effect::full; }

}  // namespace LEASH_NAMESPACE::fault::detail
