// The tracker with a mutex and a set: without stacks, and with those of Boost.Stacktrace, of glibc and of the
// compiler's unwinder.
#include <execinfo.h>
#include <unwind.h>

#include <cstdint>
#include <peers/mutex_set.hpp>
#include <random>
#include <vector>

#ifdef BENCH_HAVE_BOOST
#include <boost/stacktrace/safe_dump_to.hpp>
#endif

namespace {

constexpr std::size_t frames = 16;

struct Glibc {
  static std::size_t capture(void** addresses, std::size_t size) {
    return static_cast<std::size_t>(::backtrace(addresses, static_cast<int>(size)));
  }
};

struct Libgcc {
  struct Output {
    void** addresses;
    std::size_t size;
    std::size_t count;
  };

  static std::size_t capture(void** addresses, std::size_t size) {
    Output output{addresses, size, 0};
    ::_Unwind_Backtrace(
        [](_Unwind_Context* context, void* data) {
          Output& out = *static_cast<Output*>(data);
          out.addresses[out.count++] = reinterpret_cast<void*>(::_Unwind_GetIP(context));
          return out.count == out.size ? _URC_END_OF_STACK : _URC_NO_REASON;
        },
        &output);
    return output.count;
  }
};

BENCHMARK(bench::mutex_set<bench::NoStack, 1>)->Name("mutex_set_no_stack_ns");
BENCHMARK(bench::mutex_set<Glibc, frames>)->Name("mutex_set_glibc_backtrace_16_ns");
BENCHMARK(bench::mutex_set<Libgcc, frames>)->Name("mutex_set_unwind_backtrace_16_ns");
BENCHMARK(bench::stack_alone<Glibc, frames>)->Name("glibc_backtrace_16_ns");
BENCHMARK(bench::stack_alone<Libgcc, frames>)->Name("unwind_backtrace_16_ns");

#ifdef BENCH_HAVE_BOOST
struct Boost {
  static std::size_t capture(void** addresses, std::size_t size) {
    // The null at the end counts.
    return boost::stacktrace::safe_dump_to(addresses, (size + 1) * sizeof(void*)) - 1;
  }
};
BENCHMARK(bench::mutex_set<Boost, frames>)->Name("mutex_set_boost_stacktrace_16_ns");
BENCHMARK(bench::stack_alone<Boost, frames>)->Name("boost_stacktrace_16_ns");
#endif

/// With so many other tags open, a random one of which is closed and replaced each time.
void open_tags(benchmark::State& state) {
  using Tracker = bench::MutexSet<bench::NoStack, 1>;
  const auto count = static_cast<std::size_t>(state.range(0));
  Tracker tracker;
  std::vector<std::unique_ptr<Tracker::Tag>> tags;
  tags.reserve(count);
  while (tags.size() < count) tags.push_back(tracker.create("data.csv"));
  std::mt19937_64 random(1);
  for (auto _ : state) {
    auto& tag = tags[random() % count];
    tracker.close(tag);
    tag = tracker.create("data.csv");
  }
}
BENCHMARK(open_tags)->Name("mutex_set_open_tags")->RangeMultiplier(10)->Range(1'000, 10'000'000);

}  // namespace
