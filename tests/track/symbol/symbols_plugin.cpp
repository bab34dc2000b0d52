// A library that tests load, unload, strip and damage. It is built several times, each time with the function between
// `run` and the callback under another name, PLUGIN_FUNCTION, and at the same place.

using Callback = void (*)();

extern "C" unsigned called_at_line;
extern "C" void run(Callback callback);

unsigned called_at_line = __LINE__ + 5;

namespace symbols_plugin {
namespace {
[[gnu::always_inline]] inline void inlined(Callback callback) {
  callback();
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
}
}  // namespace

[[gnu::noinline]] void PLUGIN_FUNCTION(Callback callback) {
  inlined(callback);
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
}

}  // namespace symbols_plugin

void run(Callback callback) {
  symbols_plugin::PLUGIN_FUNCTION(callback);
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
}
