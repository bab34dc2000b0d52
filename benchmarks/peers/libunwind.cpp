// libunwind, alone.
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <peers/mutex_set.hpp>

namespace {

constexpr std::size_t frames = 16;

struct Libunwind {
  static std::size_t capture(void** addresses, std::size_t size) {
    return static_cast<std::size_t>(::unw_backtrace(addresses, static_cast<int>(size)));
  }
};

BENCHMARK(bench::mutex_set<Libunwind, frames>)->Name("mutex_set_libunwind_16_ns");
BENCHMARK(bench::stack_alone<Libunwind, frames>)->Name("libunwind_16_ns");

}  // namespace
