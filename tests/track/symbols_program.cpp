// Prints what `resolve` knows of an address in itself, or in the plugin that the first argument names: the line that is
// right, and then a line for each frame, `function|file|line|inlined|module|offset`.
#include <cstdio>
#include <leash/track/symbols.hpp>

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

}  // namespace symbols_program

int main(int argc, char** argv) {
  const auto show = [](std::uintptr_t address, unsigned line) {
    std::printf("%u\n", line);
    for (const leash::track::Frame& frame : leash::track::resolve(address)) {
      std::printf("%s|%s|%u|%d|%s|%#zx\n", frame.function.c_str(), frame.file.c_str(), frame.line, int{frame.inlined},
                  frame.module.c_str(), frame.offset);
    }
  };
  if (argc > 1) {
    const plugin::Plugin loaded(argv[1]);
    show(loaded.address(), loaded.line());
  } else {
    symbols_program::outer(0);
    show(plugin::caller, symbols_program::called_at_line);
  }
}
