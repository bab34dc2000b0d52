// The tracker with a mutex and a set, with the stacks of libunwind.
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <peers/mutex_set.hpp>

namespace {

struct Libunwind {
  static std::size_t capture(void** addresses, std::size_t size) {
    return static_cast<std::size_t>(::unw_backtrace(addresses, static_cast<int>(size)));
  }
};

BENCHMARK(bench::create_close<Libunwind, 16>)->Name("libunwind_16");
BENCHMARK(bench::capture_only<Libunwind, 16>)->Name("libunwind_16/stack_only");

}  // namespace

BENCHMARK_MAIN();
