#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <leash/net/errc.hpp>
#include <leash/net/read_full.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/track/tracker.hpp>
#include <stdexcept>

#include "black_hole.hpp"
#include "sanitizers.hpp"
#include "support.hpp"

// What resolvers, peers, deadlines and crowds get that mean no good: an error that says what happened, and nothing is
// left open.

using leash::Call;
using leash::Clock;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Result;
using leash::net::Conn;
using leash::net::Endpoint;
using leash::net::IpAddress;
using leash::net::Resolver;
using leash::net::TcpBinder;
using leash::net::TcpDialer;
using leash::net::detail::SocketAddress;
using leash::os::Descriptor;

namespace {

using Addresses = Result<std::vector<std::string>>;

/// Answers by a function.
class FunctionResolver final : public Resolver {
 public:
  explicit FunctionResolver(std::function<Addresses()> answer) : answer_(std::move(answer)) {}

 private:
  Addresses do_resolve(Call, std::string_view, std::string_view) override { return answer_(); }

  const std::function<Addresses()> answer_;
};

std::shared_ptr<Resolver> resolver_of(std::function<Addresses()> answer) {
  return std::make_shared<FunctionResolver>(std::move(answer));
}

std::shared_ptr<Resolver> answering(std::vector<std::string> addresses) {
  return resolver_of([addresses = std::move(addresses)] { return addresses; });
}

/// TCP with a tag on all that is opened, and what the process had open before.
class TrackedTcp {
 public:
  explicit TrackedTcp(const std::shared_ptr<Resolver>& resolver = nullptr,
                      leash::Function<std::error_code(int, const Endpoint&)> control = {})
      : before_(open_descriptors()),
        tracked_(leash::track::with_tracker(Context())),
        tcp_dialer_(TcpDialer::Options{.resolver = resolver, .control = std::move(control)}),
        tcp_binder_(TcpBinder::Options{.resolver = resolver}) {}

  const Context& context() const { return tracked_.context; }
  leash::net::Dialer& dialer() { return dialer_; }
  leash::net::Binder& binder() { return binder_; }

  /// How many descriptors were opened since and are open.
  std::size_t opened() const { return open_descriptors().size() - before_.size(); }

  void check_nothing_open() {
    CHECK(open_descriptors() == before_);
    CHECK(tracked_.tracker.open_count() == 0);
    const leash::track::Report report = tracked_.tracker.close();
    CHECK_MESSAGE(report.ok(), report);
  }

 private:
  const std::map<int, std::string> before_;
  leash::track::TrackedContext tracked_;
  TcpDialer tcp_dialer_;
  TcpBinder tcp_binder_;
  leash::net::TrackedDialer dialer_{tcp_dialer_};
  leash::net::TrackedBinder binder_{tcp_binder_};
};

/// Whether what is printed of an Error is one line that a person may read on a terminal.
void check_readable(const Error& error, std::size_t longest = 5000) {
  const std::string text = to_string(error);
  CHECK(text.size() < longest);
  CHECK(std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }));
}

/// The machine's clock, and one that stands still.
std::vector<std::shared_ptr<Clock>> both_clocks() { return {Clock::real(), std::make_shared<FakeClock>()}; }

/// The peer of a listener, without leash: a blocking socket.
Descriptor raw_peer(const leash::net::Listener& listener) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress address(must(Endpoint::parse(to_string(listener.address()))));
  REQUIRE(::connect(socket.get(), address.data(), address.size()) == 0);
  return socket;
}

void reset(Descriptor socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

/// An address at which no one listens: that of a listener which is closed.
std::string dead_port() {
  TcpBinder binder;
  return std::to_string(must(binder.bind(Context(), "tcp4", ":0"))->address().port);
}

/// Lets the process open `wanted` descriptors, or as many as it may, until the end of the scope.
class MoreDescriptors {
 public:
  explicit MoreDescriptors(rlim_t wanted) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &old_) == 0);
    rlimit raised = old_;
    raised.rlim_cur = std::max(old_.rlim_cur, std::min(wanted, old_.rlim_max));
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &raised) == 0);
    count_ = raised.rlim_cur;
  }
  ~MoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &old_); }

  rlim_t count() const { return count_; }

 private:
  rlimit old_{};
  rlim_t count_ = 0;
};

}  // namespace

NETWORK_TEST("Dialer and Binder: over-long and hostile addresses get an error that can be read") {
  const Watchdog watchdog;
  Network network(over);
  const auto before = open_descriptors();
  const std::string megabyte(std::size_t{1} << 20U, 'a');
  const std::string nuls(1000, '\0');
  for (const char* const kind : {"tcp", "tcp4", "tcp6", "unix", "tcp\n\x1b[2J", megabyte.c_str()}) {
    for (const std::string& address :
         {std::string(), megabyte, ":" + megabyte, "host:" + megabyte, "[" + megabyte, "[[" + megabyte + "]:80",
          megabyte + ":" + megabyte + ":80", nuls, "host" + nuls + ":80", "host:80" + nuls,
          "host:8\x1b[2J\n0" + megabyte, "\xff\xfe:\xff" + megabyte, "host:" + std::string(5000, '9'),
          std::string(5000, ':')}) {
      for (const Error& error : {error_of(network.dialer.dial(Context(), kind, address)),
                                 error_of(network.binder.bind(Context(), kind, address))}) {
        CHECK_MESSAGE(error == std::errc::invalid_argument, error);
        CHECK(error.subject() == address);
        check_readable(error);
      }
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("Resolver: the system's knows no host whose name is longer than any") {
  const Watchdog watchdog;
  for (const std::string& host : {std::string(std::size_t{1} << 20U, 'a'), std::string(300, '.')}) {
    const Error error = error_of(Resolver::system()->resolve(Context(), "tcp", host));
    CHECK_MESSAGE(error.code().category() == leash::net::error_category(), error);
    check_readable(error);
  }
}

TEST_CASE("TcpDialer and TcpBinder: what a resolver throws passes through, and nothing is left open") {
  const Watchdog watchdog;
  int asked = 0;
  TrackedTcp tcp(resolver_of([&]() -> Addresses {
    switch (++asked) {
      case 1:
      case 2:
        throw std::runtime_error("thrown");
      case 3:
      case 4:
        throw 42;
      default:
        return std::vector<std::string>{"127.0.0.1"};
    }
  }));
  const auto dial = [&] { return tcp.dialer().dial(tcp.context(), "tcp", "throws.test:" + dead_port()); };
  const auto bind = [&] { return tcp.binder().bind(tcp.context(), "tcp", "throws.test:0"); };
  CHECK_THROWS_WITH_AS(must_fail(dial()), "thrown", std::runtime_error);
  CHECK_THROWS_WITH_AS(must_fail(bind()), "thrown", std::runtime_error);
  CHECK_THROWS_AS(must_fail(dial()), int);
  CHECK_THROWS_AS(must_fail(bind()), int);
  // They are as usable as before.
  CHECK(error_of(dial()) == std::errc::connection_refused);
  must(bind());
  tcp.check_nothing_open();
}

TEST_CASE("TcpDialer: what the control hook throws passes through, and what was under way is closed") {
  const Watchdog watchdog;
  const BlackHole hole;
  const auto clock = std::make_shared<FakeClock>();
  std::atomic<int> calls = 0;
  TrackedTcp tcp(answering({"127.0.0.1", "127.0.0.1", "127.0.0.1"}), [&](int, const Endpoint&) -> std::error_code {
    if (++calls == 3) throw std::runtime_error("thrown");
    return {};
  });
  const Context context = tcp.context().with_clock(clock);
  auto dial = in_thread([&] { return tcp.dialer().dial(context, "tcp", "three.test:" + std::to_string(hole.port())); });
  dial.wait_until_blocked();
  clock->advance(250ms);
  dial.wait_until_blocked();
  clock->advance(250ms);
  CHECK_THROWS_WITH_AS(must_fail(dial.get()), "thrown", std::runtime_error);
  CHECK(calls == 3);
  tcp.check_nothing_open();
}

TEST_CASE("TcpDialer and TcpBinder: garbage from a resolver is quoted so that it can be read") {
  const Watchdog watchdog;
  const auto resolver = std::make_shared<leash::net::ScriptedResolver>();
  TrackedTcp tcp(resolver);
  const std::vector<std::pair<std::string, std::errc>> garbage{
      {"", std::errc::invalid_argument},
      {"localhost", std::errc::invalid_argument},
      {"127.0.0.1:80", std::errc::invalid_argument},
      {"[::1]", std::errc::invalid_argument},
      {" 127.0.0.1", std::errc::invalid_argument},
      {"127.0.0.1\n", std::errc::invalid_argument},
      {std::string("127.0.0.1\0", 10), std::errc::invalid_argument},
      {"\x1b[2J\xff", std::errc::invalid_argument},
      {std::string(std::size_t{1} << 20U, '1'), std::errc::invalid_argument},
      {"fe80::1%nosuchzone", std::errc::no_such_device},
  };
  for (const auto& [text, code] : garbage) {
    CAPTURE(text.substr(0, 20));
    resolver->add({.addresses = {"127.0.0.1", text}});
    const Error dialled = error_of(tcp.dialer().dial(tcp.context(), "tcp", "garbage.test:80"));
    CHECK(dialled == code);
    CHECK(dialled.subject() == "garbage.test:80");
    check_readable(dialled);
    resolver->add({.addresses = {text}});
    const Error bound = error_of(tcp.binder().bind(tcp.context(), "tcp", "garbage.test:80"));
    CHECK(bound == code);
    check_readable(bound);
  }
  tcp.check_nothing_open();
}

TEST_CASE("TcpDialer: a resolver that ignores the Context holds a dial up, and its late answer counts for nothing") {
  const Watchdog watchdog;
  std::promise<void> let_go;
  std::atomic<int> connects = 0;
  TrackedTcp tcp(resolver_of([future = let_go.get_future().share()]() -> Addresses {
                   future.wait();
                   return std::vector<std::string>{"127.0.0.1"};
                 }),
                 [&](int, const Endpoint&) {
                   ++connects;
                   return std::error_code();
                 });
  auto [context, source] = tcp.context().with_cancel();
  auto dial = in_thread([&] { return tcp.dialer().dial(context, "tcp", "late.test:" + dead_port()); });
  auto bind = in_thread([&] { return tcp.binder().bind(context, "tcp", "late.test:0"); });
  dial.wait_until_blocked();
  bind.wait_until_blocked();
  source.cancel();
  CHECK(dial.is_blocked());
  CHECK(bind.is_blocked());
  let_go.set_value();
  const Error error = error_of(dial.get());
  CHECK(error == std::errc::operation_canceled);
  CHECK(error.detail() == "while resolving late.test");
  CHECK(connects == 0);
  CHECK(error_of(bind.get()) == std::errc::operation_canceled);
  tcp.check_nothing_open();
}

TEST_CASE("TcpDialer: a thousand addresses at which no one listens are tried one by one") {
  const Watchdog watchdog;
  std::vector<std::string> addresses;
  for (int i = 0; i < 1000; ++i) {
    addresses.push_back("127.1." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250));
  }
  std::atomic<std::size_t> most_open = 0;
  TrackedTcp* watched = nullptr;
  TrackedTcp tcp(answering(addresses), [&](int, const Endpoint&) {
    most_open = std::max<std::size_t>(most_open, watched->opened());
    return std::error_code();
  });
  watched = &tcp;
  const std::string port = dead_port();
  const Error error = error_of(tcp.dialer().dial(tcp.context().with_timeout(1h), "tcp", "thousand.test:" + port));
  CHECK(error == std::errc::connection_refused);
  CHECK(error.causes().size() == 1000);
  check_readable(error, 10'000);
  CHECK(most_open == 1);

  const auto listener = must(tcp.binder().bind(tcp.context(), "tcp", addresses.back() + ":" + port));
  must(tcp.dialer().dial(tcp.context(), "tcp", "thousand.test:" + port));
  must(listener->close());
  tcp.check_nothing_open();
}

TEST_CASE("TcpDialer: of a thousand addresses that do not answer at most 32 are under way, until the Context ends it") {
  const Watchdog watchdog;
  const BlackHole hole;
  const auto clock = std::make_shared<FakeClock>();
  TrackedTcp tcp(answering(std::vector<std::string>(1000, "127.0.0.1")));
  const std::string address = "thousand.test:" + std::to_string(hole.port());
  // What the thread that dials is woken by.
  constexpr std::size_t of_the_thread = 1;
  const auto dial_by = [&](const Context& context) {
    return in_thread([&tcp, context, &address] { return tcp.dialer().dial(context, "tcp", address); });
  };

  auto [context, source] = tcp.context().with_clock(clock).with_cancel();
  auto endless = dial_by(context);
  for (int i = 0; i < 50; ++i) {
    CHECK(endless.is_blocked());
    CHECK(tcp.opened() == of_the_thread + std::min<std::size_t>(static_cast<std::size_t>(i) + 1, 32));
    clock->advance(250ms);
  }
  source.cancel();
  const Error cancelled = error_of(endless.get());
  CHECK(cancelled == std::errc::operation_canceled);
  CHECK(cancelled.causes().empty());
  check_readable(cancelled);

  auto limited = dial_by(tcp.context().with_clock(clock).with_timeout(30s));
  for (int i = 0; i < 120; ++i) {
    CHECK(limited.is_blocked());
    // Each has two seconds.
    CHECK(tcp.opened() <= of_the_thread + 8);
    clock->advance(250ms);
  }
  const Error late = error_of(limited.get());
  CHECK(late.timeout());
  CHECK(late.detail().starts_with("while connecting to 127.0.0.1:"));
  check_readable(late, 10'000);
  tcp.check_nothing_open();
}

TEST_CASE("TcpListener: a peer that resets before it is accepted") {
  const Watchdog watchdog;
  TrackedTcp tcp;
  const auto listener = must(tcp.binder().bind(tcp.context(), "tcp", "127.0.0.1:0"));
  reset(raw_peer(*listener));
  const auto conn = must(listener->accept(tcp.context()));
  CHECK(error_of(read_some(*conn)) == std::errc::connection_reset);
  CHECK(error_of(conn->write("x")) == std::errc::connection_reset);
  must(conn->close());
  must(listener->close());
  tcp.check_nothing_open();
}

TEST_CASE("TcpConn: a peer that half-closes may be written to, until it resets") {
  const Watchdog watchdog;
  TrackedTcp tcp;
  const auto listener = must(tcp.binder().bind(tcp.context(), "tcp", "127.0.0.1:0"));
  Descriptor peer = raw_peer(*listener);
  const auto conn = must(listener->accept(tcp.context()));
  REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
  CHECK(must(read_some(*conn)).empty());
  must(conn->write("x"));
  auto writer = in_thread([&] { return conn->write(std::string(too_much, 'w')); });
  CHECK(writer.is_blocked());
  reset(std::move(peer));
  // The end came before the reset.
  CHECK(error_of(writer.get()) == std::errc::broken_pipe);
  CHECK(must(read_some(*conn)).empty());
  must(conn->close());
  must(listener->close());
  tcp.check_nothing_open();
}

TEST_CASE("TcpConn: a peer that trickles does not put the deadline off") {
  const Watchdog watchdog;
  TrackedTcp tcp;
  const auto clock = std::make_shared<FakeClock>();
  const auto listener = must(tcp.binder().bind(tcp.context(), "tcp", "127.0.0.1:0"));
  Descriptor peer = raw_peer(*listener);
  const auto conn = must(listener->accept(tcp.context().with_clock(clock)));
  must(conn->set_read_deadline(clock->now() + 30s));
  std::vector<std::byte> buffer(100);
  auto reader = in_thread([&] { return leash::net::read_full(*conn, buffer); });
  for (int i = 0; i < 30; ++i) {
    CHECK(reader.is_blocked());
    REQUIRE(::send(peer.get(), "x", 1, MSG_NOSIGNAL) == 1);
    CHECK(reader.is_blocked());
    clock->advance(1s);
  }
  CHECK(error_of(reader.get()).timeout());
  CHECK(std::ranges::count(buffer, std::byte{'x'}) == 30);
  must(conn->close());
  must(listener->close());
  peer = Descriptor();
  tcp.check_nothing_open();
}

NETWORK_TEST("Conn: deadlines at the ends of time are past, or never come") {
  const Watchdog watchdog;
  constexpr Clock::duration tick(1);
  Network network(over);
  for (const std::shared_ptr<Clock>& clock : both_clocks()) {
    const Pair pair = make_pair(network, Context().with_clock(clock));
    for (const Clock::time_point past : {Clock::time_point::min(), Clock::time_point::min() + tick}) {
      must(pair.near->set_deadline(past));
      CHECK(error_of(read_some(*pair.near)).timeout());
      CHECK(error_of(pair.near->write("x")).timeout());
    }
    for (const Clock::time_point never : {Clock::time_point::max() - tick, Clock::time_point::max()}) {
      must(pair.near->set_deadline(never));
      auto reader = in_thread([&] { return read_some(*pair.near); });
      auto writer = in_thread([&] { return pair.near->write(std::string(too_much, 'w')); });
      CHECK(reader.is_blocked());
      CHECK(writer.is_blocked());
      must(pair.far->write("x"));
      CHECK(must(reader.get()) == "x");
      CHECK(must(read_up_to(*pair.far, too_much)).size() == too_much);
      must(writer.get());
    }
  }
}

NETWORK_TEST("Dialer and Listener: a Context that ends at one of the ends of time") {
  const Watchdog watchdog;
  constexpr Clock::duration tick(1);
  Network network(over);
  for (const std::shared_ptr<Clock>& clock : both_clocks()) {
    const Context context = Context().with_clock(clock);
    const auto listener = must(network.binder.bind(context, "tcp", "127.0.0.1:0"));
    const std::string address = to_string(listener->address());
    for (const Context& past :
         {context.with_deadline(Clock::time_point::min()), context.with_deadline(Clock::time_point::min() + tick),
          context.with_timeout(Clock::duration::min())}) {
      CHECK(error_of(network.dialer.dial(past, "tcp", address)).timeout());
      CHECK(error_of(network.binder.bind(past, "tcp", "127.0.0.1:0")).timeout());
      CHECK(error_of(listener->accept(past)).timeout());
    }
    for (const Context& never :
         {context.with_deadline(Clock::time_point::max() - tick), context.with_deadline(Clock::time_point::max()),
          context.with_timeout(Clock::duration::max())}) {
      auto accept = in_thread([&] { return listener->accept(never); });
      CHECK(accept.is_blocked());
      const auto near = must(network.dialer.dial(never, "tcp", address));
      const auto far = must(accept.get());
      must(near->write("x"));
      CHECK(must(read_up_to(*far, 1)) == "x");
    }
  }
}

TEST_CASE("TcpDialer: a deadline at the end of time ends no dial that waits") {
  const Watchdog watchdog;
  const BlackHole hole;
  TrackedTcp tcp(answering({"127.0.0.1", "127.0.0.1"}));
  for (const std::shared_ptr<Clock>& clock : both_clocks()) {
    for (const Clock::time_point end : {Clock::time_point::max() - Clock::duration(1), Clock::time_point::max()}) {
      auto [context, source] = tcp.context().with_clock(clock).with_deadline(end).with_cancel();
      auto dial =
          in_thread([&] { return tcp.dialer().dial(context, "tcp", "two.test:" + std::to_string(hole.port())); });
      CHECK(dial.is_blocked());
      source.cancel();
      CHECK(error_of(dial.get()) == std::errc::operation_canceled);
    }
  }
  tcp.check_nothing_open();
}

TEST_CASE("TcpDialer: a thousand threads dial a small server at once, and nothing is left open") {
  const Watchdog watchdog;
  const MoreDescriptors limit(4096);
  // Of each: the connection, and what the thread is woken by. ThreadSanitizer is too slow for as many.
  const std::size_t wanted = leash_test::with_tsan ? 200 : 1000;
  const std::size_t count = std::min<std::size_t>(wanted, (limit.count() - 200) / 2);
  TrackedTcp tcp;
  const auto listener = must(tcp.binder().bind(tcp.context(), "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  std::atomic<std::size_t> served = 0;
  std::atomic<std::size_t> answered = 0;
  {
    std::vector<std::jthread> servers;
    for (int i = 0; i < 4; ++i) {
      servers.emplace_back([&] {
        while (const auto conn = listener->accept(tcp.context())) {
          const auto question = read_up_to(**conn, 1);
          if (question == "q" && (*conn)->write("a") && (*conn)->close()) ++served;
        }
      });
    }
    {
      std::promise<void> all_begin;
      const std::shared_future<void> begin = all_begin.get_future().share();
      std::vector<std::jthread> clients;
      for (std::size_t i = 0; i < count; ++i) {
        clients.emplace_back([&, begin] {
          begin.wait();
          const auto conn = tcp.dialer().dial(tcp.context(), "tcp", address);
          if (!conn || !(*conn)->write("q")) return;
          if (read_all(**conn) == "a" && (*conn)->close()) ++answered;
        });
      }
      all_begin.set_value();
    }
    must(listener->close());
  }
  CHECK(answered == count);
  CHECK(served == count);
  tcp.check_nothing_open();
}
