#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

#include "os/forked.hpp"
#include "sanitizers.hpp"
#include "support.hpp"

// What a child finds that was forked while other threads were at work on connections.

using leash::Clock;
using leash::Context;
using leash::net::Resolver;
using leash::net::detail::SystemResolver;

namespace {

/// Threads that do `work` while the process forks, and end when `end` is called.
template <class Work, class End>
class Busy {
 public:
  Busy(Work work, End end) : end_(std::move(end)), result_(in_thread(std::move(work))) { result_.wait_until_blocked(); }
  ~Busy() { end_(); }

 private:
  End end_;
  decltype(in_thread(std::declval<Work>())) result_;
};

void timed_out_in_child(Network network) {
  const Pair pair = make_pair(network);
  must(pair.near->set_read_deadline(Clock::real()->now() + 10ms));
  CHECK(status_of([&] { return error_of(read_some(*pair.near)).timeout(); }) == 0);
}

/// A resolver that can only wait, and finds nothing.
class NoneFound final : public Resolver {
 public:
  explicit NoneFound(std::function<void()> wait) : wait_(std::move(wait)) {}

 private:
  leash::Result<std::vector<std::string>> do_resolve(leash::Call, std::string_view, std::string_view host) override {
    wait_();
    return leash::fail("resolve", host, make_error_code(leash::net::errc::host_not_found));
  }

  const std::function<void()> wait_;
};

void taken_over_by_child(Network network) {
  Pair pair = make_pair(network);
  const Busy reader([&] { return read_some(*pair.near); }, [&] { must(pair.near->close()); });
  const Busy acceptor([&] { return pair.listener->accept(Context()); }, [&] { must(pair.listener->close()); });
  CHECK(status_of([&] {
          must(pair.near->set_read_deadline(Clock::real()->now() + 10ms));
          if (!error_of(read_some(*pair.near)).timeout()) return false;
          if (!error_of(pair.listener->accept(Context().with_timeout(10ms))).timeout()) return false;
          must(pair.far->write("heard"));
          must(pair.near->close());
          must(pair.listener->close());
          return true;
        }) == 0);
}

}  // namespace

TEST_SUITE_BEGIN("fork" * doctest::skip(leash_test::no_fork_among_threads));

TEST_CASE("Conn: a deadline from before a fork passes in the child") {
  SUBCASE("tcp") { timed_out_in_child(Network(Over::tcp)); }
  SUBCASE("memory") { timed_out_in_child(Network(Over::memory)); }
}

TEST_CASE("Conn, Listener: a child uses and closes what a thread that it does not have was waiting for") {
  const Watchdog watchdog;
  SUBCASE("tcp") { taken_over_by_child(Network(Over::tcp)); }
  SUBCASE("memory") { taken_over_by_child(Network(Over::memory)); }
}

TEST_CASE("TcpListener, TcpConn: a child that closed all descriptors touches none that has got such a number since") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  Pair pair = make_pair(network);
  auto [context, source] = Context::background().with_cancel();
  const Busy reader([&] { return read_some(*pair.near); }, [&] { must(pair.near->close()); });
  const Busy acceptor([&] { return pair.listener->accept(context); }, [&] { source.cancel(); });
  CHECK(status_of([&] {
          for (int number = 3; number < 65536; ++number) ::close(number);
          std::vector<int> others(64);
          for (int& other : others) other = ::memfd_create("of another", 0);
          source.cancel();
          must(pair.near->set_read_deadline(Clock::real()->now() - 1s));
          return std::ranges::all_of(others, [](int other) {
            struct stat status{};
            return ::fstat(other, &status) == 0 && status.st_size == 0;
          });
        }) == 0);
}

TEST_CASE("a daemon that closed descriptors 0 to 65535 dials by name, has deadlines, drops Registrations and reports") {
  const Watchdog watchdog;
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const auto use = [&] {
    leash::net::TcpBinder tcp_binder;
    leash::net::TcpDialer tcp_dialer;
    leash::net::TrackedBinder binder(tcp_binder);
    leash::net::TrackedDialer dialer(tcp_dialer);
    const auto listener = must(binder.bind(context, "tcp", "localhost:0"));
    const auto near =
        must(dialer.dial(context.with_timeout(20s), "tcp", "localhost:" + std::to_string(listener->address().port)));
    must(near->set_read_deadline(Clock::real()->now() + 10ms));
    const auto accepted = must(listener->accept(context.with_timeout(20s)));
    return error_of(read_some(*near)).timeout() && error_of(listener->accept(context.with_timeout(10ms))).timeout();
  };
  CHECK(use());
  leash::Registration pending = context.with_timeout(24h).on_cancel([] {});
  CHECK(status_of([&] {
          return status_of([&] {
                   for (int number = 0; number < 65536; ++number) ::close(number);
                   if (!use()) return false;
                   pending.reset();
                   const auto tag = leash::track::acquire(context, {{"thing", "things"}, "left open"});
                   return !leash::tracking_enabled || to_string(tracker.close()).contains("left open");
                 }) == 0;
        }) == 0);
  CHECK(tracker.close().ok());
}

TEST_CASE("Waker: in the parent a wake-up is not taken by its child") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  const Pair pair = make_pair(network);
  must(pair.near->set_read_deadline(Clock::real()->now() + 24h));
  auto reader = in_thread([&] { return read_some(*pair.near); });
  CHECK(reader.is_blocked());
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    must(pair.near->set_read_deadline(Clock::real()->now() + 10ms));
    const bool timed_out = error_of(read_some(*pair.near)).timeout();
    ::_exit(timed_out ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(reader.is_blocked());
  must(pair.near->set_read_deadline(Clock::real()->now() - 1s));
  CHECK(error_of(reader.get()).timeout());
}

TEST_CASE("Resolver: a child resolves although all threads of the parent hang") {
  const Watchdog watchdog;
  std::latch all_hang(SystemResolver::max_threads);
  std::latch released(1);
  const pid_t parent = ::getpid();
  std::atomic<std::size_t> begun = 0;
  SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
    if (::getpid() == parent && ++begun <= SystemResolver::max_threads) {
      all_hang.count_down();
      released.wait();
    }
    return EAI_NONAME;
  });
  std::vector<decltype(in_thread([] { return 0; }))> asking;
  for (std::size_t count = 0; count < SystemResolver::max_threads + 4; ++count) {
    asking.push_back(in_thread([&] {
      must_fail(resolver.resolve(Context(), "tcp", "hangs.test"));
      return 0;
    }));
  }
  all_hang.wait();
  CHECK(status_of([&] {
          for (int count = 0; count < 3; ++count) {
            if (error_of(resolver.resolve(Context(), "tcp", "name.test")) != leash::net::errc::host_not_found)
              return false;
          }
          return true;
        }) == 0);
  released.count_down();
}

TEST_CASE(
    "Resolver: a child looks up anew, and ends what its thread had asked in the parent when the Context is done") {
  const Watchdog watchdog;
  std::latch all_hang(SystemResolver::max_threads);
  std::latch released(1);
  const pid_t parent = ::getpid();
  std::atomic<std::size_t> begun = 0;
  const auto hang = [&] {
    if (::getpid() != parent || ++begun > SystemResolver::max_threads) return;
    all_hang.count_down();
    released.wait();
  };
  std::shared_ptr<Resolver> resolver;
  SUBCASE("the system's") {
    resolver = std::make_shared<SystemResolver>([&](const char*, const char*, const addrinfo*, addrinfo**) {
      hang();
      return EAI_NONAME;
    });
  }
  SUBCASE("one that waits") { resolver = std::make_shared<NoneFound>(hang); }
  auto [context, source] = Context().with_cancel();
  constexpr std::size_t count = SystemResolver::max_threads + 4;
  std::atomic<std::size_t> not_found = 0;
  std::atomic<std::size_t> canceled = 0;
  const auto ask = [&] {
    resolver->async_resolve(context, "tcp", "name.test", [&](const auto& found) {
      (error_of(found) == std::errc::operation_canceled ? canceled : not_found)++;
    });
  };
  for (std::size_t i = 0; i < count; ++i) ask();
  all_hang.wait();
  CHECK(status_of([&] {
          for (std::size_t i = 0; i < count; ++i) ask();
          while (not_found < count) std::this_thread::yield();
          if (not_found != count || canceled != 0) return false;
          source.cancel();
          return not_found == count && canceled == count;
        }) == 0);
  released.count_down();
  while (not_found < count) std::this_thread::yield();
  CHECK(canceled == 0);
}

TEST_CASE("Resolver: a look-up may fork") {
  const Watchdog watchdog;
  int status = -1;
  std::optional<SystemResolver> resolver;
  resolver.emplace([&](const char* host, const char*, const addrinfo*, addrinfo**) {
    if (std::string_view(host) == "forks.test") {
      status = status_of([&] {
        return error_of(resolver->resolve(Context(), "tcp", "name.test")) == leash::net::errc::host_not_found;
      });
    }
    return EAI_NONAME;
  });
  must_fail(resolver->resolve(Context(), "tcp", "forks.test"));
  CHECK(status == 0);
}

TEST_SUITE_END();
