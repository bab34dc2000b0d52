// Dials, for what watches a process from outside: `bench_net_dial serve` prints its address and accepts until its
// standard input ends; `bench_net_dial dial ADDRESS COUNT` prints what a dial and a close take.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <leash/context.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <net_common.hpp>
#include <paired.hpp>
#include <string>
#include <string_view>

namespace {

using bench::must;

/// How long the processor works for this process in `run`.
template <class Run>
double process_seconds(Run run) {
  const auto now = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  const double start = now();
  run();
  return now() - start;
}

int serve() {
  const bench::Server server([](int) {});
  std::printf("%s\n", server.text().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

int dial(const std::string& address, int count) {
  leash::net::TcpDialer dialer({.socket = bench::options});
  const auto dial_and_close = [&] {
    must(must(dialer.dial(leash::Context::background().with_timeout(bench::timeout), "tcp", address))->close());
  };
  dial_and_close();
  double processor = 0;
  const double clock = bench::seconds([&] {
    processor = process_seconds([&] {
      for (int i = 0; i < count; ++i) dial_and_close();
    });
  });
  std::printf("{\"cpu_ns\": %.1f, \"clock_ns\": %.1f}\n", 1e9 * processor / count, 1e9 * clock / count);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "serve") return serve();
  if (count == 4 && std::string_view(arguments[1]) == "dial") return dial(arguments[2], std::atoi(arguments[3]));
  std::fprintf(stderr, "usage: bench_net_dial serve | dial ADDRESS COUNT\n");
  return 2;
}
