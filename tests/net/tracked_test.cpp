#include <unistd.h>

#include <array>
#include <leash/net/kinds.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <typeinfo>

#include "support.hpp"

// Tags on connections and listeners, over every network.

using leash::Call;
using leash::Context;
using leash::Error;
using leash::Result;
using leash::tracking_enabled;
using leash::net::Conn;
using leash::net::Listener;
using leash::net::TrackedBinder;
using leash::net::TrackedDialer;
using leash::track::Tracker;

namespace {

/// A network under decorators that track.
struct Tracked {
  explicit Tracked(Over over) : inner(over) {}

  Network inner;
  TrackedDialer dialer{inner.dialer};
  TrackedBinder binder{inner.binder};
};

std::uint64_t opened(const Tracker& tracker) { return tracker.snapshot().opened; }

/// A check that only a build with tracking can pass.
void check_open(const Tracker& tracker, std::size_t count) {
  if constexpr (tracking_enabled) CHECK(tracker.open_count() == count);
}

/// Counts the dials, and closes a tracker in the middle of one if told to.
class CountingDialer final : public leash::net::ProxyDialer {
 public:
  using ProxyDialer::ProxyDialer;

  int dials = 0;
  std::optional<Tracker> close_after_dial;

 private:
  Result<std::unique_ptr<Conn>> do_dial(Call call, std::string_view network, std::string_view address) override {
    ++dials;
    auto conn = ProxyDialer::do_dial(call, network, address);
    if (close_after_dial) static_cast<void>(close_after_dial->close());
    return conn;
  }
};

/// Closes a tracker in the middle of a bind.
class ClosingBinder final : public leash::net::ProxyBinder {
 public:
  ClosingBinder(Binder& inner, Tracker tracker) : ProxyBinder(inner), tracker_(std::move(tracker)) {}

 private:
  Result<std::unique_ptr<Listener>> do_bind(Call call, std::string_view network, std::string_view address) override {
    auto listener = ProxyBinder::do_bind(call, network, address);
    static_cast<void>(tracker_.close());
    return listener;
  }

  Tracker tracker_;
};

}  // namespace

NETWORK_TEST("Tracked: a connection has a tag until it is closed, at either end") {
  const Watchdog watchdog;
  Tracked network(over);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const Pair pair = make_pair(network, context);
  check_open(tracker, 3);
  must(pair.near->write("x"));
  CHECK(must(read_some(*pair.far)) == "x");
  must(pair.near->close());
  check_open(tracker, 2);
  must(pair.far->reset());
  check_open(tracker, 1);
  must(pair.listener->close());
  check_open(tracker, 0);
  CHECK(tracker.close().ok());
}

NETWORK_TEST("Tracked: destroying is closing, and no finding") {
  const Watchdog watchdog;
  Tracked network(over);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  make_pair(network, context);
  check_open(tracker, 0);
  const leash::track::Report report = tracker.close();
  CHECK_MESSAGE(report.groups.empty(), to_string(report));
}

NETWORK_TEST("Tracked: what is left open is reported, by name, descriptor, site, notes and last use") {
  const Watchdog watchdog;
  Tracked network(over);
  auto [tracker, tracked] = leash::track::with_tracker(Context::background());
  const Context context = tracked.with_note("fetch user 42");
  const auto listener = must(network.binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto site = std::source_location::current();
  const auto conn = must(network.dialer.dial(Call(context, site), "tcp", to_string(listener->address())));
  const auto use = std::source_location::current();
  must(conn->write("x", use));
  const leash::track::Report report = tracker.close();
  if constexpr (tracking_enabled) {
    CHECK_FALSE(report.ok());
    REQUIRE(report.groups.size() == 1);
    const leash::track::Group& group = report.groups[0];
    CHECK(group.rule == leash::track::Rule::leaked);
    CHECK(group.kind == leash::net::kinds::connection);
    CHECK(group.opened.site.line() == site.line());
    REQUIRE(group.instances.size() == 1);
    CHECK(group.instances[0].name == name_of(*conn));
    CHECK(group.instances[0].descriptor == conn->native_handle());
    REQUIRE(group.instances[0].notes.size() == 1);
    CHECK(group.instances[0].notes[0].text == "fetch user 42");
    REQUIRE(group.instances[0].last_use);
    CHECK(group.instances[0].last_use->at.site.line() == use.line());
    CHECK(to_string(report).find(name_of(*conn)) != std::string::npos);
  }
}

NETWORK_TEST("Tracked: a report tells how many bytes went in and out of a connection") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    Tracked network(over);
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const Pair pair = make_pair(network.inner.dialer, network.inner.binder);
    const auto conn = must(network.dialer.dial(context, "tcp", to_string(pair.listener->address())));
    const auto peer = must(pair.listener->accept(Context()));
    must(peer->write(std::string(1230, 'x')));
    CHECK(must(read_up_to(*conn, 1200)).size() == 1200);
    std::array<std::byte, 20> first{};
    std::array<std::byte, 20> second{};
    const std::array<std::span<std::byte>, 2> buffers{first, second};
    std::size_t more = 0;
    while (more != 30) more += must(conn->readv(buffers));
    const std::array<std::span<const std::byte>, 2> pieces{std::span(first).first(4), second};
    must(conn->writev(pieces));
    must(conn->write("12345"));
    must(conn->close_write());
    must_fail(conn->write("not counted"));
    const auto report = tracker.snapshot();
    const auto& instance = report.groups.at(0).instances.at(0);
    CHECK(instance.bytes_in == 1230);
    CHECK(instance.bytes_out == 29);
    CHECK(to_string(report).contains("(1.2 KiB in, 29 bytes out)"));
    must(conn->close());
  }
}

TEST_CASE("Tracked: of a write that fails those bytes went out that were written") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    leash::net::MemoryNetwork network(leash::net::MemoryNetwork::Options{.buffer = 10});
    leash::net::TrackedDialer dialer(network);
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const auto listener = must(network.bind(Context(), "tcp", "server:80"));
    const auto conn = must(dialer.dial(context, "tcp", "server:80"));
    must(conn->write("123"));
    auto writer = in_thread([&] { return conn->write("456789abcdef"); });
    CHECK(writer.is_blocked());
    must(conn->set_write_deadline(leash::Clock::time_point::min()));
    must_fail(writer.get());
    const auto report = tracker.snapshot();
    CHECK(report.groups.at(0).instances.at(0).bytes_out == 10);
    must(conn->close());
  }
}

NETWORK_TEST("Tracked: every operation that moves data is a use") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    Tracked network(over);
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const Pair pair = make_pair(network.inner.dialer, network.inner.binder);
    const auto conn = must(network.dialer.dial(context, "tcp", to_string(pair.listener->address())));
    const auto last_line = [&] {
      const auto report = tracker.snapshot();
      const auto& last_use = report.groups.at(0).instances.at(0).last_use;
      return last_use ? last_use->at.site.line() : 0;
    };
    const auto here = std::source_location::current();
    const auto check_use = [&](const auto& operation) {
      const auto before = last_line();
      const std::uint_least32_t line = operation();
      CHECK(before != line);
      CHECK(last_line() == line);
    };
    must(conn->set_read_deadline(leash::Clock::real()->now() - 1h, here));
    check_use([&] {
      const auto site = std::source_location::current();
      must(conn->write("x", site));
      return site.line();
    });
    check_use([&] {
      const auto site = std::source_location::current();
      must_fail(read_some(*conn, site));
      return site.line();
    });
    check_use([&] {
      const auto site = std::source_location::current();
      must(conn->close_write(site));
      return site.line();
    });
    must(conn->close());
  }
}

NETWORK_TEST("Tracked: a listener left open is reported, with its address") {
  const Watchdog watchdog;
  Tracked network(over);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const auto listener = must(network.binder.bind(context, "tcp", "127.0.0.1:0"));
  const leash::track::Report report = tracker.close();
  if constexpr (tracking_enabled) {
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].kind == leash::net::kinds::listener);
    CHECK(report.groups[0].instances.at(0).name == to_string(listener->address()));
    CHECK(report.groups[0].instances.at(0).descriptor == listener->native_handle());
  }
}

NETWORK_TEST(
    "Tracked: a listener that is closed before one of its connections is a finding, if they are its children") {
  const Watchdog watchdog;
  if constexpr (!tracking_enabled) return;
  for (const bool children : {false, true}) {
    Network network(over);
    leash::net::TrackedBinder binder(network.binder, {.accepted_are_children = children});
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const auto listener = must(binder.bind(context, "tcp", "127.0.0.1:0"));
    const std::string address = to_string(listener->address());
    const auto first = must(network.dialer.dial(Context(), "tcp", address));
    // The Context of the accept has no tracker: children have that of their listener.
    const auto ends_before = must(listener->accept(Context()));
    const auto second = must(network.dialer.dial(Context(), "tcp", address));
    const auto outlives = must(listener->accept(Context()));
    must(ends_before->close());
    must(listener->close());
    must(outlives->close());
    const leash::track::Report report = tracker.close();
    REQUIRE(report.groups.size() == (children ? 1 : 0));
    if (!children) continue;
    CHECK(report.groups[0].rule == leash::track::Rule::outlived_parent);
    CHECK(report.groups[0].instances.at(0).name == name_of(*outlives));
    CHECK(report.groups[0].instances.at(0).parent == address);
  }
}

NETWORK_TEST("Tracked: where accepted connections are children, an accept after the tracker was closed fails") {
  const Watchdog watchdog;
  if constexpr (!tracking_enabled) return;
  Network network(over);
  leash::net::TrackedBinder binder(network.binder, {.accepted_are_children = true});
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const auto listener = must(binder.bind(context, "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  const auto near = must(network.dialer.dial(Context(), "tcp", address));
  const auto before = open_descriptors();
  CHECK_FALSE(tracker.close().ok());
  const Error error = error_of(listener->accept(context));
  CHECK(error == leash::track::errc::tracker_closed);
  CHECK(error.operation() == "accept");
  CHECK(error.subject() == address);
  CHECK(open_descriptors() == before);
  CHECK(must(read_all(*near)).empty());
}

NETWORK_TEST("Tracked: a dial, a bind and an accept that fail leave no tag") {
  const Watchdog watchdog;
  Tracked network(over);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const auto listener = must(network.binder.bind(context, "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  must_fail(network.binder.bind(context, "tcp", address));
  must_fail(network.dialer.dial(context, "tcp", "no port"));
  must_fail(network.dialer.dial(context.with_timeout(-1s), "tcp", address));
  must_fail(listener->accept(context.with_timeout(1ms)));
  must(listener->close());
  must_fail(listener->accept(context));
  must_fail(network.dialer.dial(context, "tcp", address));
  if constexpr (tracking_enabled) {
    const leash::track::Report report = tracker.snapshot();
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].rule == leash::track::Rule::use_after_close);
  }
  if constexpr (tracking_enabled) CHECK(opened(tracker) == 1);
}

NETWORK_TEST("Tracked: under a closed tracker nothing is dialled, bound or accepted") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    Network inner(over);
    CountingDialer counting(inner.dialer);
    TrackedDialer dialer(counting);
    TrackedBinder binder(inner.binder);
    auto [open_tracker, open] = leash::track::with_tracker(Context::background());
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const auto listener = must(binder.bind(open, "tcp", "127.0.0.1:0"));
    const auto waiting = must(inner.dialer.dial(Context(), "tcp", to_string(listener->address())));
    CHECK(tracker.close().ok());
    const auto before = open_descriptors();

    const Error dial_error = error_of(dialer.dial(context, "tcp", to_string(listener->address())));
    CHECK(dial_error == leash::track::errc::tracker_closed);
    CHECK(dial_error.operation() == "dial");
    CHECK(dial_error.subject() == to_string(listener->address()));
    CHECK(counting.dials == 0);
    const Error bind_error = error_of(binder.bind(context, "tcp", "127.0.0.1:0"));
    CHECK(bind_error == leash::track::errc::tracker_closed);
    CHECK(bind_error.operation() == "bind");
    CHECK(bind_error.subject() == "127.0.0.1:0");
    const Error accept_error = error_of(listener->accept(context));
    CHECK(accept_error == leash::track::errc::tracker_closed);
    CHECK(accept_error.operation() == "accept");
    CHECK(accept_error.subject() == to_string(listener->address()));
    CHECK(open_descriptors() == before);

    // The connection that waits was not taken.
    CHECK(must(listener->accept(open))->remote_address() == waiting->local_address());
  }
}

NETWORK_TEST("Tracked: a tracker that closes in the middle leaves nothing open") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    Network inner(over);
    const auto listener = must(inner.binder.bind(Context(), "tcp", "127.0.0.1:0"));
    const auto before = open_descriptors();
    {
      auto [tracker, context] = leash::track::with_tracker(Context::background());
      CountingDialer closing(inner.dialer);
      closing.close_after_dial = tracker;
      TrackedDialer dialer(closing);
      const auto error = error_of(dialer.dial(context, "tcp", to_string(listener->address())));
      CHECK(error == leash::track::errc::tracker_closed);
      CHECK(error.subject() == to_string(listener->address()));
    }
    CHECK(open_descriptors() == before);
    CHECK(must(read_all(*must(listener->accept(Context())))).empty());
    {
      auto [tracker, context] = leash::track::with_tracker(Context::background());
      ClosingBinder closing(inner.binder, tracker);
      TrackedBinder binder(closing);
      const auto error = error_of(binder.bind(context, "tcp", "127.0.0.1:0"));
      CHECK(error == leash::track::errc::tracker_closed);
      CHECK(error.subject() == "127.0.0.1:0");
    }
    CHECK(open_descriptors() == before);
  }
}

NETWORK_TEST("Tracked: an accept that the tracker's end overtakes closes what it accepted") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    Tracked network(over);
    auto [open_tracker, open] = leash::track::with_tracker(Context::background());
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const auto listener = must(network.binder.bind(open, "tcp", "127.0.0.1:0"));
    auto accept = in_thread([&] { return listener->accept(context); });
    CHECK(accept.is_blocked());
    CHECK(tracker.close().ok());
    const auto near = must(network.inner.dialer.dial(Context(), "tcp", to_string(listener->address())));
    const Error error = error_of(accept.get());
    CHECK(error == leash::track::errc::tracker_closed);
    CHECK(error.subject() == to_string(listener->address()));
    CHECK(must(read_all(*near)).empty());
  }
}

NETWORK_TEST("Tracked: with no tracker a connection is the inner one itself") {
  const Watchdog watchdog;
  Tracked network(over);
  const Pair bare = make_pair(network.inner);
  const Pair pair = make_pair(network);
  const auto same_type = [](const auto& a, const auto& b) { return typeid(*a) == typeid(*b); };
  // Whoever accepts may have a tracker.
  CHECK(same_type(pair.listener, bare.listener) == !tracking_enabled);
  CHECK(same_type(pair.near, bare.near));
  CHECK(same_type(pair.far, bare.far));
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const Pair tracked = make_pair(network, context);
  CHECK(same_type(tracked.near, bare.near) == !tracking_enabled);
  CHECK(same_type(tracked.listener, bare.listener) == !tracking_enabled);
}

NETWORK_TEST("Tracked: a connection has the tracker of whoever accepts it, also where the listener has none") {
  const Watchdog watchdog;
  Network inner(over);
  TrackedBinder binder(inner.binder);
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto near = must(inner.dialer.dial(Context(), "tcp", to_string(listener->address())));
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const auto far = must(listener->accept(context));
  check_open(tracker, 1);
  CHECK(far->close().has_value());
  check_open(tracker, 0);
  CHECK(listener->close().has_value());
}

NETWORK_TEST("Tracked: the fallback is for those Contexts that have no tracker") {
  if constexpr (tracking_enabled) {
    const Watchdog watchdog;
    Network inner(over);
    Tracker fallback;
    TrackedDialer dialer(inner.dialer, {.fallback = fallback});
    TrackedBinder binder(inner.binder, {.fallback = fallback});
    const Pair pair = make_pair(dialer, binder);
    CHECK(fallback.open_count() == 3);
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const Pair own = make_pair(dialer, binder, context);
    CHECK(fallback.open_count() == 3);
    CHECK(tracker.open_count() == 3);
  }
}

TEST_CASE("Tracked: a released descriptor counts as closed, a refused release does not") {
  const Watchdog watchdog;
  {
    Tracked network(Over::tcp);
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    const auto listener = must(network.binder.bind(Context(), "tcp", "127.0.0.1:0"));
    const auto conn = must(network.dialer.dial(context, "tcp", to_string(listener->address())));
    check_open(tracker, 1);
    CHECK(::close(must(conn->release())) == 0);
    check_open(tracker, 0);
    const auto own = must(network.binder.bind(context, "tcp", "127.0.0.1:0"));
    check_open(tracker, 1);
    CHECK(::close(must(own->release())) == 0);
    check_open(tracker, 0);
  }
  Tracked network(Over::memory);
  auto [tracker, context] = leash::track::with_tracker(Context::background());
  const auto listener = must(network.binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto conn = must(network.dialer.dial(context, "tcp", to_string(listener->address())));
  CHECK(error_of(conn->release()) == std::errc::operation_not_supported);
  check_open(tracker, 1);
  const auto own = must(network.binder.bind(context, "tcp", "127.0.0.1:0"));
  CHECK(error_of(own->release()) == std::errc::operation_not_supported);
  check_open(tracker, 2);
}

NETWORK_TEST("Tracked: handles outlive decorators, network, tracker and Context") {
  const Watchdog watchdog;
  Pair pair;
  {
    Tracked network(over);
    auto [tracker, context] = leash::track::with_tracker(Context::background());
    pair = make_pair(network, context);
  }
  must(pair.near->write("hello"));
  CHECK(must(read_up_to(*pair.far, 5)) == "hello");
  must(pair.near->close());
  must(pair.listener->close());
}
