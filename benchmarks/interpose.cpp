// A program that knows nothing of leash, to be run alone, by `leash run` and by Valgrind, on a stack of many frames:
//   bench_interpose open_close COUNT   opens and closes a file so often; prints the processor time of one turn
//   bench_interpose held COUNT         opens it so often, or as often as the limit allows; prints the memory of one
//   bench_interpose left               leaves it open
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <call_chain.hpp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// More frames than leash keeps.
constexpr std::size_t chain = 20;

int open_file() {
  const int descriptor = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) std::abort();
  return descriptor;
}

double processor_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

void open_close(std::size_t count) {
  auto run = [&] {
    ::close(open_file());
    const double began = processor_ns();
    for (std::size_t i = 0; i < count; ++i) ::close(open_file());
    std::printf("{\"open_close_ns\": %.1f}\n", (processor_ns() - began) / static_cast<double>(count));
  };
  bench::call_in_chain(chain, 0, run);
}

/// Memory that is of this process alone. /proc/self/statm may be half a megabyte off.
double private_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    double kilobytes = 0;
    if (word == "Private_Dirty:" && file >> kilobytes) return 1024 * kilobytes;
  }
  std::abort();
}

/// The most descriptors that may be open.
std::size_t raise_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

void held(std::size_t wanted) {
  constexpr std::size_t others = 32;  // that are open already, or are needed to read its memory
  const std::size_t count = std::min(wanted, raise_limit() - others);
  std::vector<int> descriptors(count, -1);
  auto run = [&] {
    ::close(open_file());
    const double before = private_bytes();
    for (int& descriptor : descriptors) descriptor = open_file();
    const double bytes = private_bytes() - before;
    std::printf("{\"bytes_per_open\": %.1f, \"count\": %zu}\n", bytes / static_cast<double>(count), count);
  };
  bench::call_in_chain(chain, 0, run);
  for (const int descriptor : descriptors) ::close(descriptor);
}

void left() {
  auto run = [] { open_file(); };
  bench::call_in_chain(chain, 0, run);
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::string_view mode = argument_count > 1 ? arguments[1] : "";
  const std::size_t count = argument_count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 0;
  if (mode == "open_close" && count > 0) {
    open_close(count);
  } else if (mode == "held" && count > 0) {
    held(count);
  } else if (mode == "left") {
    left();
  } else {
    std::fprintf(stderr, "usage: bench_interpose open_close COUNT | held COUNT | left\n");
    return 2;
  }
}
