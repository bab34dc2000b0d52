#pragma once

#include <leash/context.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/result.hpp>
#include <span>
#include <string_view>

namespace sweep_foreign {

/// A test of a library that is not leash's, which reaches files or connections through the library's own callbacks.
struct Program {
  std::string_view name;

  /// Does what the test does, with all that it uses, and checks by `fault::expect` what must hold whatever fails.
  leash::Result<void> (*run)(const leash::Context& context);

  leash::fault::SweepOptions (*options)();
};

/// The tests of those libraries that were there when this was compiled.
std::span<const Program> programs();

}  // namespace sweep_foreign
