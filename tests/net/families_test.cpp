#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <leash/net/static_resolver.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

#include "black_hole.hpp"
#include "support.hpp"

// A host with an address of each family, of which one does not answer. Where `in-network-namespace` runs this, packets
// to that address vanish on their way, as in a network that is broken; else it is a listener whose queue is full.

using leash::Clock;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::tracking_enabled;
using leash::net::Endpoint;
using leash::net::IpAddress;
using leash::net::StaticResolver;
using leash::net::TcpBinder;
using leash::net::TcpDialer;

namespace {

/// What the environment says of an address that is black-holed.
std::optional<std::string> black_holed(bool v6) {
  const char* const address = std::getenv(v6 ? "LEASH_BLACK_HOLE_V6" : "LEASH_BLACK_HOLE_V4");
  return address == nullptr ? std::nullopt : std::optional<std::string>(address);
}

/// A host `both.test` with two addresses and one port: at one it answers, at the other it does not.
class HalfDeadHost {
 public:
  explicit HalfDeadHost(bool dead_is_v6)
      : live_ip_(dead_is_v6 ? IpAddress::loopback_v4() : IpAddress::loopback_v6()),
        dead_ip_(dead_is_v6 ? IpAddress::loopback_v6() : IpAddress::loopback_v4()) {
    if (const auto address = black_holed(dead_is_v6)) {
      dead_ip_ = must(IpAddress::parse(*address));
      listener_ = must(binder_.bind(Context(), "tcp", to_string(Endpoint{live_ip_, 0})));
      return;
    }
    // Another program may have the port that is free in the one family.
    for (int attempt = 0; listener_ == nullptr; ++attempt) {
      REQUIRE(attempt < 20);
      hole_.emplace(dead_ip_);
      auto bound = binder_.bind(Context(), "tcp", to_string(Endpoint{live_ip_, hole_->port()}));
      if (bound) {
        listener_ = *std::move(bound);
      } else {
        REQUIRE(bound.error() == std::errc::address_in_use);
      }
    }
  }

  Endpoint live() const { return {live_ip_, listener_->address().port}; }
  Endpoint dead() const { return {dead_ip_, listener_->address().port}; }
  leash::net::Listener& listener() { return *listener_; }
  std::string name() const { return "both.test:" + std::to_string(listener_->address().port); }

 private:
  const IpAddress live_ip_;
  IpAddress dead_ip_;
  std::optional<BlackHole> hole_;
  TcpBinder binder_;
  std::unique_ptr<leash::net::Listener> listener_;
};

/// Dials the host by its name, which resolves to `first` and `second`, and knows which attempts were begun.
class RecordingDialer {
 public:
  RecordingDialer(const Endpoint& first, const Endpoint& second)
      : dialer_(TcpDialer::Options{.resolver = std::make_shared<StaticResolver>(StaticResolver::Table{
                                       {"both.test", {to_string(first.address), to_string(second.address)}}}),
                                   .control = [this](int, const Endpoint& remote) {
                                     const std::lock_guard lock(mutex_);
                                     begun_.push_back(remote);
                                     return std::error_code();
                                   }}) {}

  TcpDialer& dialer() { return dialer_; }

  std::vector<Endpoint> begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Endpoint> begun_;
  TcpDialer dialer_;
};

/// Runs `check` with either family dead, where there are both.
template <class Check>
void with_either_family_dead(Check check) {
  const Watchdog watchdog;
  if (const auto bound = TcpBinder().bind(Context(), "tcp6", "[::1]:0"); !bound) {
    MESSAGE("LEFT OUT: there is no IPv6: ", to_string(bound.error()));
    return;
  }
  for (const bool dead_is_v6 : {true, false}) {
    CAPTURE(dead_is_v6);
    HalfDeadHost host(dead_is_v6);
    check(host);
  }
}

}  // namespace

TEST_CASE("TcpDialer: where one family is black-holed, the other wins before the deadline") {
  with_either_family_dead([](HalfDeadHost& host) {
    const auto before = open_descriptors();
    RecordingDialer recording(host.dead(), host.live());
    leash::net::TrackedDialer dialer(recording.dialer());
    auto [tracker, context] = leash::track::with_tracker(Context::background().with_timeout(50s));
    const auto near = must(dialer.dial(context, "tcp", host.name()));
    CHECK_FALSE(context.done());
    CHECK(recording.begun() == std::vector{host.dead(), host.live()});
    CHECK(to_string(near->remote_address()) == to_string(host.live()));
    if constexpr (tracking_enabled) CHECK(tracker.snapshot().opened == 1);
    const auto far = must(host.listener().accept(context));
    CHECK(near->local_address() == far->remote_address());
    must(near->write("alive"));
    CHECK(must(read_up_to(*far, 5)) == "alive");
    must(near->close());
    must(far->close());
    CHECK(open_descriptors() == before);
    CHECK(tracker.close().ok());
  });
}

TEST_CASE("TcpDialer: the other family's turn comes after a quarter of a second, and not before") {
  with_either_family_dead([](HalfDeadHost& host) {
    const auto before = open_descriptors();
    RecordingDialer recording(host.dead(), host.live());
    const auto clock = std::make_shared<FakeClock>();
    const auto began = clock->now();
    const Context context = Context::background().with_clock(clock).with_timeout(30s);
    auto dial = in_thread([&] { return recording.dialer().dial(context, "tcp", host.name()); });
    CHECK(dial.is_blocked());
    clock->advance(249ms);
    CHECK(dial.is_blocked());
    CHECK(recording.begun() == std::vector{host.dead()});
    clock->advance(1ms);
    CHECK(to_string(must(dial.get())->remote_address()) == to_string(host.live()));
    CHECK(clock->now() - began == 250ms);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("TcpDialer: the family that is black-holed is not dialled where the other answers first") {
  with_either_family_dead([](HalfDeadHost& host) {
    const auto before = open_descriptors();
    RecordingDialer recording(host.live(), host.dead());
    const auto clock = std::make_shared<FakeClock>();
    must(recording.dialer().dial(Context::background().with_clock(clock), "tcp", host.name()));
    CHECK(recording.begun() == std::vector{host.live()});
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("TcpDialer: where one family is black-holed and the other refuses, the error tells of both") {
  with_either_family_dead([](HalfDeadHost& host) {
    const std::string refusal = "connect " + to_string(host.live()) + ": Connection refused";
    must(host.listener().close());
    const auto before = open_descriptors();
    const auto clock = std::make_shared<FakeClock>();
    const auto time_out = [&](const Endpoint& first, const Endpoint& second, std::vector<Clock::duration> steps) {
      RecordingDialer recording(first, second);
      const Context context = Context::background().with_clock(clock).with_timeout(30s);
      auto dial = in_thread([&] { return recording.dialer().dial(context, "tcp", host.name()); });
      for (const Clock::duration step : steps) {
        CHECK(dial.is_blocked());
        clock->advance(step);
      }
      Error error = error_of(dial.get());
      CHECK(recording.begun() == std::vector{first, second});
      CHECK(error.subject() == host.name());
      return error;
    };

    // Of two addresses the first has half of the time.
    const Error share_used_up = time_out(host.dead(), host.live(), {250ms, 14750ms});
    CHECK(share_used_up == std::errc::connection_refused);
    REQUIRE(share_used_up.causes().size() == 2);
    CHECK(to_string(share_used_up.causes()[0]) == refusal);
    CHECK(to_string(share_used_up.causes()[1]) == "connect " + to_string(host.dead()) + ": Connection timed out");

    const Error deadline = time_out(host.live(), host.dead(), {29s, 1s});
    CHECK(deadline.timeout());
    CHECK(deadline.detail() == "while connecting to " + to_string(host.dead()));
    REQUIRE_FALSE(deadline.causes().empty());
    CHECK(to_string(deadline.causes().back()) == refusal);
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a connection that the system gives up stays failed, and has no orderly end") {
  if (!black_holed(false)) return;  // What follows breaks the network of the process, which must be one of its own.
  TcpBinder binder;
  TcpDialer dialer({.control = [](int descriptor, const Endpoint&) {
    const unsigned int milliseconds = 50;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return std::error_code();
  }});
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto conn = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
  REQUIRE(std::system("ip link set lo down") == 0);
  CHECK(conn->write("lost"));
  std::array<std::byte, 4> buffer{};
  CHECK(error_of(conn->read(buffer)) == std::errc::timed_out);
  CHECK(error_of(conn->read(buffer)) == std::errc::timed_out);
  CHECK(error_of(conn->write("more")) == std::errc::timed_out);
  REQUIRE(std::system("ip link set lo up") == 0);
}
