// The tracker with a mutex and a set: without stacks, and with those of Boost.Stacktrace and of glibc.
#include <execinfo.h>
#include <peers/mutex_set.hpp>

#ifdef BENCH_HAVE_BOOST
#include <boost/stacktrace/safe_dump_to.hpp>
#endif

namespace {

struct NoStack {
  static std::size_t capture(void** addresses, std::size_t) {
    addresses[0] = nullptr;
    return 1;
  }
};

struct Glibc {
  static std::size_t capture(void** addresses, std::size_t size) {
    return static_cast<std::size_t>(::backtrace(addresses, static_cast<int>(size)));
  }
};

#ifdef BENCH_HAVE_BOOST
struct Boost {
  static std::size_t capture(void** addresses, std::size_t size) {
    return boost::stacktrace::safe_dump_to(addresses, size * sizeof(void*)) - 1;
  }
};
#endif

BENCHMARK(bench::create_close<NoStack, 1>)->Name("mutex_set_no_stack");
BENCHMARK(bench::create_close<NoStack, 1>)->Name("mutex_set_no_stack/2_threads")->Threads(2)->UseRealTime();

BENCHMARK(bench::create_close<Glibc, 16>)->Name("glibc_backtrace_16");
BENCHMARK(bench::capture_only<Glibc, 16>)->Name("glibc_backtrace_16/stack_only");
#ifdef BENCH_HAVE_BOOST
// It ends what it writes with a null, for which it needs room.
#endif

/// With so many other tags open, a random one of which is closed and replaced each time.
void open_tags(benchmark::State& state) {
  using Tracker = bench::MutexSet<NoStack, 1>;
  static std::unique_ptr<Tracker> tracker;
  static std::vector<std::unique_ptr<Tracker::Tag>> tags;
  const auto count = static_cast<std::size_t>(state.range(0));
  if (tags.size() != count) {
    tags.clear();
    tracker = std::make_unique<Tracker>();
    tags.reserve(count);
    while (tags.size() < count) tags.push_back(tracker->create("data.csv"));
  }
  std::mt19937_64 random(1);
  for (auto _ : state) {
    auto& tag = tags[random() % count];
    tracker->close(tag);
    tag = tracker->create("data.csv");
  }
}
BENCHMARK(open_tags)->Name("mutex_set_open_tags")->RangeMultiplier(10)->Range(1'000, 10'000'000);

}  // namespace

BENCHMARK_MAIN();
