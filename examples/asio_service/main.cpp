// An asynchronous server with a pool of connections to a second one, timers, a cache of files and a log: coroutines,
// written once over AsyncDialer, AsyncBinder and FileSystem. Its tests run it over memory, this program over TCP.
//
//     asio_service --leaky     the three leaks that people write in such programs: the report names each
//     asio_service             the same mended

#include <iostream>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/net/asio.hpp>
#include <leash/track/tracker.hpp>
#include <string_view>

#include "scenario.hpp"

int main(int argc, char** argv) {
  const bool leaky = argc > 1 && std::string_view(argv[1]) == "--leaky";
  auto [tracker, ctx] = leash::track::with_tracker(
      leash::Context::background().with_note("asio_service"),
      {.rules = {.closed_late = leash::track::Severity::off}});  // The end of the program closes what it has lost.
  asio::io_context loop;
  leash::fs::MemoryFS disk{{"index.html", "<p>Hello</p>"}, {"draft.html", "Hello"}};
  leash::fs::TrackedFS files(disk);
  leash::net::TcpAsyncDialer tcp_dialer(loop.get_executor());
  leash::net::TrackedAsyncDialer dialer(tcp_dialer);
  leash::net::TcpAsyncBinder tcp_binder(loop.get_executor());
  leash::net::TrackedAsyncBinder binder(tcp_binder);

  const auto outcome = service::run_scenario(ctx, {loop, files, dialer, binder}, leaky);
  if (!outcome.result) {
    std::cerr << outcome.result.error() << "\n";
    return 2;
  }
  std::cout << outcome.answers << "\n";
  const auto report = tracker.close();
  std::cout << report << "\n";
  return report.ok() ? 0 : 1;
}
