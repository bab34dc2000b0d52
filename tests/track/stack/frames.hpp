#pragma once

#include <span>

namespace frames {

/// What is called at the innermost place of a scenario. It must return.
using Probe = void (*)();

/// Functions that call each other and at last the probe, in a way that is hard to unwind.
struct Scenario {
  const char* name;
  void (*run)(Probe);
};

/// The same scenarios, from one source compiled by different options.
std::span<const Scenario> at_O0();
std::span<const Scenario> at_O1();
std::span<const Scenario> at_O2();
std::span<const Scenario> at_O3();
std::span<const Scenario> at_O0_without_frame_pointers();
std::span<const Scenario> at_O1_without_frame_pointers();
std::span<const Scenario> at_O2_without_frame_pointers();
std::span<const Scenario> at_O3_without_frame_pointers();

}  // namespace frames
