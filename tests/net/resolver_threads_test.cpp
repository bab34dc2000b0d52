#include <cstddef>
#include <leash/net/errc.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/static_resolver.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "async_resolver.hpp"
#include "no_threads.hpp"
#include "support.hpp"

// The threads of Resolver::async_resolve, and resolvers that need none.

using leash::Call;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::net::Resolver;
using leash::net::ScriptedResolver;
using leash::net::StaticResolver;

TEST_CASE("Resolver: 1,000 look-ups at once have 32 threads, and the others wait as long as their Contexts allow") {
  const Watchdog watchdog;
  const auto hanging = std::make_shared<Hanging>();
  std::shared_ptr<Resolver> resolver;
  SUBCASE("the system's") { resolver = system_that(hanging); }
  SUBCASE("one that waits") { resolver = user_that(hanging); }
  const auto clock = std::make_shared<FakeClock>();
  const Context limited = Context().with_clock(clock).with_timeout(30s);
  std::vector<Asked> all;
  std::vector<Asked> impatient;
  const std::size_t before = threads_of_process();
  for (std::size_t count = 0; count < 1000; ++count) {
    const bool hangs = count < max_threads;
    if (count % 3 == 2 && !hangs)
      impatient.emplace_back(*resolver, limited, "tcp", "name.test");
    else
      all.emplace_back(*resolver, Context(), "tcp", "name.test");
  }
  hanging->wait_for(max_threads);
  CHECK(threads_of_process() <= before + max_threads);
  CHECK(hanging->begun == max_threads);
  clock->advance(30s);
  for (const Asked& each : impatient) {
    REQUIRE(each.calls() == 1);
    CHECK(said(each.get()) ==
          "resolve name.test: Connection timed out (not begun: all 32 threads are waiting for the name service)");
  }
  CHECK(hanging->begun == max_threads);
  hanging->released.count_down();
  for (const Asked& each : all) {
    CHECK(said(each.get()) == "127.0.0.1 ");
    CHECK(each.calls() == 1);
  }
  for (const Asked& each : impatient) CHECK(each.calls() == 1);
  // What was not begun in time is not looked up.
  CHECK(hanging->begun == all.size());
}

TEST_CASE("Resolver: resolvers that wait for the system's do not take its threads") {
  const Watchdog watchdog;
  const auto hanging = std::make_shared<Hanging>();
  const auto system = system_that(hanging);
  const auto resolver = blocking([&](Call call, std::string_view network, std::string_view host) -> Texts {
    const auto found = system->resolve(call, network, host);
    if (!found) return std::unexpected(found.error());
    return std::vector{to_string(found->front())};
  });
  std::vector<Asked> all;
  for (std::size_t count = 0; count < 2 * max_threads; ++count)
    all.emplace_back(*resolver, Context(), "tcp", "name.test");
  hanging->wait_for(max_threads);
  hanging->released.count_down();
  for (const Asked& each : all) CHECK(said(each.get()) == "127.0.0.1 ");
}

TEST_CASE("Resolver: a thread keeps the resolver that it waits in alive, and what no shared_ptr owns has no thread") {
  const Watchdog watchdog;
  const auto hanging = std::make_shared<Hanging>();
  std::shared_ptr<Resolver> resolver = user_that(hanging);
  const std::weak_ptr<Resolver> weak = resolver;
  auto [context, source] = Context().with_cancel();
  const Asked one(*resolver, Context(), "tcp", "name.test");
  const Asked left_behind(*resolver, context, "tcp", "name.test");
  hanging->wait_for(2);
  resolver.reset();
  source.cancel();
  CHECK(left_behind.calls() == 1);
  CHECK_FALSE(weak.expired());
  hanging->released.count_down();
  CHECK(said(one.get()) == "127.0.0.1 ");
  while (!weak.expired()) std::this_thread::yield();

  Blocking on_stack([](Call, std::string_view, std::string_view) { return std::vector<std::string>{"10.0.0.1"}; });
  CHECK(said(on_stack.resolve(Context(), "tcp", "name.test")) == "10.0.0.1 ");
  const Error error = error_of(Asked(on_stack, Context(), "tcp", "name.test").get());
  CHECK(error == std::errc::operation_not_supported);
  CHECK(error.subject() == "name.test");
}

TEST_CASE("Resolver: a look-up that is left behind keeps nothing of the user's") {
  const Watchdog watchdog;
  struct Session {
    using value_type = std::shared_ptr<int>;
  };
  const auto hanging = std::make_shared<Hanging>();
  const auto resolver = system_that(hanging);
  auto session = std::make_shared<int>(1);
  const std::weak_ptr<int> weak = session;
  {
    auto [context, source] = Context().with_value<Session>(session).with_cancel();
    resolver->async_resolve(context, "tcp", "name.test", [kept = std::move(session)](const Found&) {});
    hanging->wait_for(1);
    CHECK_FALSE(weak.expired());
    source.cancel();
  }
  CHECK(weak.expired());
  hanging->released.count_down();
}

TEST_CASE("Resolver: the system's may be destroyed while it looks up") {
  const Watchdog watchdog;
  const auto hanging = std::make_shared<Hanging>();
  std::shared_ptr<Resolver> resolver = system_that(hanging);
  std::vector<Asked> all;
  for (std::size_t count = 0; count < max_threads + 3; ++count)
    all.emplace_back(*resolver, Context(), "tcp", "name.test");
  resolver.reset();
  hanging->released.count_down();
  for (const Asked& each : all) CHECK(said(each.get()) == "127.0.0.1 ");
}

TEST_CASE("Resolver: where no thread can be had async_resolve says so in the call, and tries again the next time") {
  const Watchdog watchdog;
  std::shared_ptr<Resolver> resolver;
  const auto hanging = std::make_shared<Hanging>();
  hanging->released.count_down();
  SUBCASE("the system's") { resolver = system_that(hanging); }
  SUBCASE("one that waits") { resolver = user_that(hanging); }
  // Other look-ups may still have a thread.
  std::optional<Asked> one;
  {
    const NoThreads none;
    do {
      one.emplace(*resolver, Context(), "tcp", "name.test");
    } while (one->get());
  }
  CHECK(said(one->get()) == "resolve name.test: Resource temporarily unavailable (no thread to resolve it in)");
  CHECK(one->calls() == 1);
  CHECK(one->in_this_thread());
  CHECK(said(Asked(*resolver, Context(), "tcp", "name.test").get()) == "127.0.0.1 ");
}

TEST_CASE("StaticResolver: async_resolve answers in the call") {
  StaticResolver resolver({{"db.internal", {"10.0.0.1", "::1"}}});
  const Asked one(resolver, Context(), "tcp", "DB.internal");
  REQUIRE(one.calls() == 1);
  CHECK(said(one.get()) == "10.0.0.1 ::1 ");
  const Asked other(resolver, Context(), "tcp", "other");
  REQUIRE(other.calls() == 1);
  CHECK(said(other.get()) == "resolve other: Host not found (not in the table)");
}

TEST_CASE("ScriptedResolver: async_resolve answers by the clock, without a thread") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  const std::size_t before = threads_of_process();
  ScriptedResolver resolver;
  resolver.add({.error = leash::net::errc::host_not_found_try_again});
  resolver.add({.delay = 2s, .addresses = {"10.0.0.1"}});
  resolver.add({.delay = 1s, .error = leash::net::errc::host_not_found});
  resolver.add({.delay = 5s, .addresses = {"10.0.0.2"}});
  resolver.add({.delay = 4s, .error = leash::net::errc::host_not_found});
  const Asked at_once(resolver, context, "tcp", "a.test");
  REQUIRE(at_once.calls() == 1);
  CHECK(error_of(at_once.get()) == leash::net::errc::host_not_found_try_again);
  const Asked two(resolver, context, "tcp", "b.test");
  const Asked one(resolver, context, "tcp", "c.test");
  const Asked too_late(resolver, context.with_timeout(4s), "tcp", "d.test");
  const Asked just_too_late(resolver, context.with_timeout(4s), "tcp", "e.test");
  const auto [limited, source] = context.with_cancel();
  const Asked never(resolver, limited, "tcp", "f.test");
  CHECK(threads_of_process() <= before);

  clock->advance(1s - 1ns);
  CHECK(one.calls() == 0);
  clock->advance(1ns);
  REQUIRE(one.calls() == 1);
  CHECK(one.in_this_thread());
  CHECK(error_of(one.get()) == leash::net::errc::host_not_found);
  CHECK(two.calls() == 0);
  clock->advance(1s);
  REQUIRE(two.calls() == 1);
  CHECK(said(two.get()) == "10.0.0.1 ");
  clock->advance(10s);
  REQUIRE(too_late.calls() == 1);
  CHECK(error_of(too_late.get()).timeout());
  REQUIRE(just_too_late.calls() == 1);
  CHECK(error_of(just_too_late.get()).timeout());
  CHECK(never.calls() == 0);
  source.cancel();
  REQUIRE(never.calls() == 1);
  CHECK(error_of(never.get()) == std::errc::operation_canceled);
  CHECK(resolver.questions() == std::vector<std::string>{"a.test", "b.test", "c.test", "d.test", "e.test", "f.test"});
}

TEST_CASE("ScriptedResolver: a question that is not answered ends with its Context or with the resolver") {
  const auto clock = std::make_shared<FakeClock>();
  auto resolver = std::make_unique<ScriptedResolver>();
  resolver->add({.delay = 1s, .addresses = {"10.0.0.1"}});
  resolver->add({.delay = 1s, .addresses = {"10.0.0.2"}});
  auto [context, source] = Context().with_clock(clock).with_cancel();
  const Asked ended(*resolver, context, "tcp", "a.test");
  const Asked delayed(*resolver, Context().with_clock(clock), "tcp", "b.test");
  const Asked never(*resolver, Context(), "tcp", "c.test");
  source.cancel();
  REQUIRE(ended.calls() == 1);
  CHECK(error_of(ended.get()) == std::errc::operation_canceled);
  resolver.reset();
  for (const Asked* const each : {&delayed, &never}) {
    REQUIRE(each->calls() == 1);
    CHECK(error_of(each->get()).detail() == "the resolver gave no answer");
  }
  clock->advance(1s);
  CHECK(ended.calls() == 1);
  CHECK(delayed.calls() == 1);
}
