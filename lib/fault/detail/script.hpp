#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fault/fault.hpp>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// An operation of a run: the so-manieth time, from 1 on, that it comes to a place.
struct Step {
  std::uint32_t place;
  std::uint32_t occurrence;

  friend bool operator==(Step, Step) noexcept = default;
};

/// A step that a run came to.
struct Visit {
  Step step;
  std::uint32_t subject;  ///< A hash of the path or address; 0 before the first fault of a run that has one.
};

/// A fault at a step, and at the ones that follow it at the same place.
struct Injection {
  Step step;
  std::uint32_t times = 1;
  Fault fault;
};

/// What a run injects.
using Script = std::vector<Injection>;

}  // namespace LEASH_NAMESPACE::fault::detail
