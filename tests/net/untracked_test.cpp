#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <thread>

#include "os/forked.hpp"
#include "sanitizers.hpp"
#include "support.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::net::Conn;
using leash::net::TcpBinder;
using leash::net::TcpDialer;
using leash::net::TrackedBinder;
using leash::net::TrackedDialer;
using leash::track::Origin;
using leash::track::Report;
using leash::track::Severity;
using leash::track::TrackedContext;
using leash::track::with_tracker;
using namespace std::chrono_literals;

namespace {

TrackedContext judging() {
  return with_tracker(Context(), {.rules = {.leaked = Severity::off,
                                            .opened_after_end = Severity::off,
                                            .untracked = Severity::failure,
                                            .closed_late = Severity::off}});
}

}  // namespace

TEST_CASE("no verdict accuses a connection that is dialled, accepted, used or closed at that moment") {
  TcpBinder tcp_binder;
  TcpDialer tcp_dialer;
  TrackedBinder binder(tcp_binder);
  TrackedDialer dialer(tcp_dialer);
  for (int round = 0; round < 50; ++round) {
    auto [tracker, ctx] = judging();
    const int foreign = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const auto listener = binder.bind(ctx, "tcp", "127.0.0.1:0").value();
    const std::string address = to_string(listener->address());
    std::atomic<int> dialled = 0;
    std::thread server([&, context = ctx] {
      while (const auto conn = listener->accept(Context())) static_cast<void>((*conn)->write("x"));
    });
    std::thread tracked_server([&, context = ctx] {
      const auto own = binder.bind(context, "tcp", "127.0.0.1:0");
      const Context soon = context.with_timeout(1ms);
      if (own) static_cast<void>((*own)->accept(soon));
    });
    std::atomic<bool> stop = false;
    std::thread client([&, context = ctx] {
      while (!stop) {
        const auto conn = dialer.dial(context, "tcp", address);
        if (!conn) break;
        static_cast<void>((*conn)->set_deadline(leash::Clock::real()->now() + 1h));
        std::byte byte{};
        static_cast<void>((*conn)->read({&byte, 1}));
        ++dialled;
      }
    });
    while (dialled < 3) std::this_thread::yield();
    const Report report = tracker.close();
    stop = true;
    client.join();
    static_cast<void>(listener->close());
    server.join();
    tracked_server.join();
    ::close(foreign);
    std::size_t past = 0;
    for (const auto& group : report.groups) {
      if (group.origin == Origin::past_leash) past += group.count;
      CAPTURE(group.instances[0].name);
      // What the server accepts has no tag.
      CHECK((group.origin == Origin::without_tag || group.instances[0].name.starts_with("/dev/null;")));
    }
    REQUIRE(past == 1);
  }
}

TEST_CASE("a connection given away by release is told with its places") {
  auto [tracker, ctx] = judging();
  TcpBinder binder;
  TcpDialer tcp;
  TrackedDialer dialer(tcp);
  const auto listener = binder.bind(ctx, "tcp", "127.0.0.1:0").value();
  const std::string address = to_string(listener->address());
  const auto conn = dialer.dial(ctx, "tcp", address).value();
  const unsigned opened = __LINE__ - 1;
  const int number = conn->release().value();
  const unsigned released = __LINE__ - 1;
  const Report report = tracker.close();
  ::close(number);
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].origin == Origin::without_tag);
  CHECK(report.groups[0].instances[0].name.contains("; tcp listening at " + address + ";"));
  CHECK(report.groups[1].origin == Origin::released);
  CHECK(report.groups[1].opened.site.line() == opened);
  CHECK(report.groups[1].closed.site.line() == released);
  CHECK(report.groups[1].instances[0].name.contains(" -> " + address + ";"));
}

TEST_CASE("what a look-up has open is not told; but in a child that does not have its thread, and what it left open") {
  const Watchdog watchdog;
  std::latch opened(1);
  std::latch judged(1);
  int socket = -1;
  leash::net::detail::SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
    socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    opened.count_down();
    judged.wait();
    return EAI_NONAME;
  });
  TrackedContext during = judging();
  TrackedContext in_child = judging();
  TrackedContext afterwards = judging();
  auto resolve = in_thread([&] { return resolver.resolve(Context(), "tcp", "name.test"); });
  opened.wait();
  const auto tells = [](TrackedContext& tracked) {
    const Report report = tracked.tracker.close();
    return std::ranges::any_of(report.groups, [](const auto& group) { return group.origin == Origin::past_leash; });
  };
  CHECK_FALSE(tells(during));
  if constexpr (!leash_test::with_tsan) CHECK(status_of([&] { return tells(in_child); }) == 0);
  judged.count_down();
  must_fail(resolve.get());
  CHECK(tells(afterwards));
  ::close(socket);
}

#endif
