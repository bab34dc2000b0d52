// Prints what `resolve` knows of an address in itself, or in the plugin that the first argument names: the line that is
// right, and then a line for each frame, `function|file|line|inlined|module|offset`. With the argument `--report` it
// prints a report of what it has open.
#include <cstdio>
#include <leash/track/symbols.hpp>
#include <leash/track/tracker.hpp>
#include <string_view>

#include "plugin.hpp"

namespace symbols_program {

constexpr unsigned called_at_line = __LINE__ + 4;

namespace {
[[gnu::always_inline]] inline void inlined() {
  plugin::note_caller();
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
}
}  // namespace

[[gnu::noinline]] void outer(int) {
  inlined();
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
}

[[gnu::noinline]] leash::track::Tag open(const leash::Context& context) {
  static constexpr leash::track::Kind thing{"thing", "things"};
  leash::track::Tag tag = leash::track::acquire(context, {thing, "open"});
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
  return tag;
}

}  // namespace symbols_program

int main(int argc, char** argv) {
  const auto show = [](std::uintptr_t address, unsigned line) {
    std::printf("%u\n", line);
    for (const leash::track::Frame& frame : leash::track::resolve(address)) {
      std::printf("%s|%s|%u|%d|%s|%#zx\n", frame.function.c_str(), frame.file.c_str(), frame.line, int{frame.inlined},
                  frame.module.c_str(), frame.offset);
    }
  };
  if (argc > 1 && std::string_view(argv[1]) == "--report") {
    const auto [tracker, context] = leash::track::with_tracker(leash::Context::background());
    const leash::track::Tag tag = symbols_program::open(context);
    std::printf("%s\n", to_string(tracker.snapshot()).c_str());
  } else if (argc > 1) {
    const plugin::Plugin loaded(argv[1]);
    show(loaded.address(), loaded.line());
  } else {
    symbols_program::outer(0);
    show(plugin::caller, symbols_program::called_at_line);
  }
}
