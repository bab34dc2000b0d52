#include <atomic>
#include <barrier>
#include <latch>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/static_resolver.hpp>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "async_resolver.hpp"
#include "support.hpp"

// Resolver::async_resolve, of each resolver.

using leash::Call;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::net::Resolver;
using leash::net::ScriptedResolver;
using leash::net::StaticResolver;
using leash::net::detail::SystemResolver;

TEST_CASE("Resolver: async_resolve answers what needs no look-up in the call, as resolve does") {
  const Watchdog watchdog;
  int asked = 0;
  const auto resolver = std::make_shared<Asynchronous>([&](auto&&...) { ++asked; });
  const auto check = [&](const Context& context, std::string_view network, std::string_view host) {
    CAPTURE(host);
    const Asked one(*resolver, context, network, host);
    REQUIRE(one.calls() == 1);
    CHECK(said(one.get()) == said(resolver->resolve(context, network, host)));
  };
  for (const std::string_view host :
       {std::string_view("127.0.0.1"), std::string_view("::1"), std::string_view("::ffff:10.0.0.1"),
        std::string_view("fe80::1%lo"), std::string_view("fe80::1%no-such"), std::string_view("127.1"),
        std::string_view("a\0b", 3)}) {
    for (const char* const network : {"tcp", "tcp4", "tcp6", "udp", "unix"}) check(Context(), network, host);
  }
  check(Context(), "udp", "name.test");
  auto [context, source] = Context::background().with_cancel();
  source.cancel(Error("stop", "all", std::errc::operation_canceled));
  check(context, "tcp", "name.test");
  check(context, "tcp", "127.0.0.1");
  CHECK(asked == 0);
  CHECK_THROWS_AS(resolver->async_resolve(Context(), "tcp", "127.0.0.1", nullptr), std::logic_error);
}

TEST_CASE("Resolver: async_resolve gives what resolve gives") {
  const Watchdog watchdog;
  const auto system =
      std::make_shared<SystemResolver>([](const char* name, const char*, const addrinfo* hints, addrinfo** found) {
        const std::string_view host = name;
        if (host == "four.test" && hints->ai_family != AF_INET6) {
          return ::getaddrinfo("10.0.0.1", nullptr, hints, found);
        }
        return host == "busy.test" ? EAI_AGAIN : EAI_NONAME;
      });
  const auto user = blocking([](Call, std::string_view network, std::string_view host) -> Texts {
    if (host == "none.test") return std::vector<std::string>{};
    if (host == "busy.test") return leash::fail("ask", "it", std::errc::device_or_resource_busy, "detail");
    if (host == "wrong.test") return std::vector<std::string>{"10.0.0.1", "nonsense"};
    return std::vector<std::string>{"::ffff:10.0.0.1", network == "tcp" ? "::2" : "10.0.0.3"};
  });
  const auto table = std::make_shared<StaticResolver>(
      StaticResolver::Table{{"four.test", {"10.0.0.1", "10.0.0.2"}}, {"six.test", {"::1"}}});
  for (const std::shared_ptr<Resolver>& resolver :
       {std::shared_ptr<Resolver>(system), user, std::shared_ptr<Resolver>(table), Resolver::system()}) {
    for (const char* const host : {"four.test", "six.test", "none.test", "busy.test", "wrong.test", "localhost"}) {
      if (resolver == Resolver::system() && host != std::string_view("localhost")) continue;
      for (const char* const network : {"tcp", "tcp4", "tcp6"}) {
        CAPTURE(host);
        CAPTURE(network);
        const Asked one(*resolver, Context(), network, host);
        CHECK(said(one.get()) == said(resolver->resolve(Context(), network, host)));
        CHECK(one.calls() == 1);
      }
    }
  }
}

TEST_CASE("Resolver: cancellation and deadline answer async_resolve at once, in the thread that ends the Context") {
  const Watchdog watchdog;
  const auto hanging = std::make_shared<Hanging>();
  std::shared_ptr<Resolver> resolver;
  SUBCASE("the system's") { resolver = system_that(hanging); }
  SUBCASE("one that waits") { resolver = user_that(hanging); }
  SUBCASE("one that is asynchronous") {
    resolver = std::make_shared<Asynchronous>([hanging](Call, std::string_view, std::string_view, TextsDone done) {
      std::thread([hanging, done = std::move(done)] {
        hanging->wait();
        done(std::vector<std::string>{"127.0.0.1"});
      }).detach();
    });
  }
  auto [context, source] = Context::background().with_cancel();
  const Asked canceled(*resolver, context, "tcp", "name.test");
  const auto clock = std::make_shared<FakeClock>();
  const Asked expired(*resolver, Context().with_clock(clock).with_timeout(30s), "tcp", "name.test");
  const Asked answered(*resolver, Context(), "tcp", "name.test");
  hanging->wait_for(3);

  source.cancel(Error("stop", "all", std::errc::io_error));
  REQUIRE(canceled.calls() == 1);
  CHECK(canceled.in_this_thread());
  CHECK(said(canceled.get()) == "resolve name.test: Operation canceled; caused by stop all: Input/output error");
  CHECK(expired.calls() == 0);
  clock->advance(30s - 1ns);
  CHECK(expired.calls() == 0);
  clock->advance(1ns);
  REQUIRE(expired.calls() == 1);
  CHECK(expired.in_this_thread());
  CHECK(said(expired.get()) == "resolve name.test: Connection timed out");

  CHECK(answered.calls() == 0);
  hanging->released.count_down();
  CHECK(said(answered.get()) == "127.0.0.1 ");
  CHECK_FALSE(answered.in_this_thread());
  // The late answers of the other two count for nothing. They have come when nothing refers to `hanging` any more.
  resolver.reset();
  while (hanging.use_count() > 1) std::this_thread::yield();
  CHECK(canceled.calls() == 1);
  CHECK(expired.calls() == 1);
  CHECK(answered.calls() == 1);
}

TEST_CASE("Resolver: an answer after the Context is done counts for nothing, whoever is first to see it") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<FakeClock>();
  TextsDone kept;
  const auto resolver = std::make_shared<Asynchronous>(
      [&](Call, std::string_view, std::string_view, TextsDone done) { kept = std::move(done); });
  const auto [context, source] = Context().with_cancel();
  // Runs before what `async_resolve` has registered.
  const leash::Registration first = context.on_cancel([&] { kept(std::vector<std::string>{"10.0.0.1"}); });
  const Asked one(*resolver, context, "tcp", "name.test");
  source.cancel();
  CHECK(one.calls() == 1);
  CHECK(said(one.get()) == "resolve name.test: Operation canceled");
}

TEST_CASE("Resolver: a resolver that waits sees the Context, which is copied, and the site of the call") {
  const Watchdog watchdog;
  struct Number {
    using value_type = int;
  };
  unsigned line = 0;
  int number = 0;
  const auto resolver = blocking([&](Call call, std::string_view, std::string_view host) -> Texts {
    line = call.site().line();
    number = *call.context().value<Number>();
    return std::vector<std::string>{host == "name.test" ? "10.0.0.1" : "10.0.0.2"};
  });
  std::optional<Context> context = Context().with_value<Number>(7);
  std::string host = "name.test";
  std::string network = "tcp";
  std::latch answered(1);
  Found found;
  const unsigned here = __LINE__ + 1;
  resolver->async_resolve(*context, network, host, [&](Found result) {
    found = std::move(result);
    answered.count_down();
  });
  context.reset();
  host = "another.test";
  network = "unix";
  answered.wait();
  CHECK(said(found) == "10.0.0.1 ");
  CHECK(line == here);
  CHECK(number == 7);
}

TEST_CASE("Resolver: what a resolver throws is the Error of async_resolve") {
  const Watchdog watchdog;
  const auto raise = [](std::string_view host) {
    if (host == "memory.test") throw std::bad_alloc();
    if (host == "code.test") throw std::system_error(std::make_error_code(std::errc::io_error), "service");
    if (host == "zero.test") throw std::system_error(std::error_code(), "service");
    if (host == "number.test") throw 7;
    throw std::runtime_error("out of order");
  };
  std::shared_ptr<Resolver> resolver;
  SUBCASE("one that waits") {
    resolver = blocking([&](Call, std::string_view, std::string_view host) -> Texts {
      raise(host);
      return {};
    });
  }
  SUBCASE("one that is asynchronous") {
    resolver = std::make_shared<Asynchronous>(
        [&](Call, std::string_view, std::string_view host, const TextsDone&) { raise(host); });
  }
  SUBCASE("the system's") {
    resolver = std::make_shared<SystemResolver>([&](const char* host, const char*, const addrinfo*, addrinfo**) {
      raise(host);
      return 0;
    });
  }
  const auto refusal = [&](std::string_view host) { return said(Asked(*resolver, Context(), "tcp", host).get()); };
  CHECK(refusal("memory.test") == "resolve memory.test: Cannot allocate memory");
  CHECK(refusal("code.test") == "resolve code.test: Input/output error (service: Input/output error)");
  CHECK(refusal("zero.test") == "resolve zero.test: Operation canceled (service: Success)");
  CHECK(refusal("number.test") == "resolve number.test: Operation canceled (an exception that is no std::exception)");
  CHECK(refusal("other.test") == "resolve other.test: Operation canceled (out of order)");
}

TEST_CASE("Resolver: whatever an asynchronous resolver does, done is called once") {
  const Watchdog watchdog;
  TextsDone kept;
  auto [context, source] = Context().with_cancel();
  SUBCASE("answers twice") {
    Asynchronous resolver([](Call, std::string_view, std::string_view, const TextsDone& done) {
      done(std::vector<std::string>{"10.0.0.1"});
      done(std::vector<std::string>{"10.0.0.2"});
    });
    const Asked one(resolver, context, "tcp", "name.test");
    source.cancel();
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "10.0.0.1 ");
  }
  SUBCASE("answers and throws") {
    Asynchronous resolver([](Call, std::string_view, std::string_view, const TextsDone& done) {
      done(std::vector<std::string>{"10.0.0.1"});
      throw std::runtime_error("after the answer");
    });
    const Asked one(resolver, context, "tcp", "name.test");
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "10.0.0.1 ");
  }
  SUBCASE("throws and answers") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, TextsDone done) {
      kept = std::move(done);
      throw std::runtime_error("before the answer");
    });
    const Asked one(resolver, context, "tcp", "name.test");
    kept(std::vector<std::string>{"10.0.0.1"});
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled (before the answer)");
  }
  SUBCASE("drops it in the call") {
    Asynchronous resolver([](Call, std::string_view, std::string_view, const TextsDone&) {});
    const Asked one(resolver, context, "tcp", "name.test");
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled (the resolver gave no answer)");
  }
  SUBCASE("drops it later") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, TextsDone done) { kept = std::move(done); });
    const Asked one(resolver, context, "tcp", "name.test");
    CHECK(one.calls() == 0);
    kept = nullptr;
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled (the resolver gave no answer)");
  }
  SUBCASE("drops it when the Context is done") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, TextsDone done) { kept = std::move(done); });
    const leash::Registration first = context.on_cancel([&] { kept = nullptr; });
    const Asked one(resolver, context, "tcp", "name.test");
    source.cancel();
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled");
  }
  SUBCASE("keeps it") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, TextsDone done) { kept = std::move(done); });
    const Asked one(resolver, context, "tcp", "name.test");
    source.cancel();
    CHECK(one.calls() == 1);
    kept(std::vector<std::string>{"10.0.0.1"});
    kept = nullptr;
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled");
  }
}

TEST_CASE("Resolver: done may ask again, end the Context, and destroy all that there is") {
  const Watchdog watchdog;
  const auto use = [](std::shared_ptr<Resolver> resolver) {
    struct All {
      std::shared_ptr<Resolver> resolver;
      leash::Cancellable cancellable = Context().with_cancel();
      std::string host = "name.test";
      std::string network = "tcp";
    };
    auto all = std::make_unique<All>(std::move(resolver));
    std::latch both(2);
    Resolver& asked = *all->resolver;
    const All& arguments = *all;
    asked.async_resolve(arguments.cancellable.context, arguments.network, arguments.host,
                        [&both, all = std::move(all)](const Found& found) mutable {
                          CHECK(said(found) == "127.0.0.1 ");
                          all->resolver->async_resolve(all->cancellable.context, "tcp", "name.test",
                                                       [&both](auto&&) { both.count_down(); });
                          all->cancellable.source.cancel();
                          all.reset();
                          both.count_down();
                        });
    both.wait();
  };
  const auto hanging = std::make_shared<Hanging>();
  hanging->released.count_down();
  use(system_that(hanging));
  use(user_that(hanging));
  use(std::make_shared<StaticResolver>(StaticResolver::Table{{"name.test", {"127.0.0.1"}}}));
  // What this one was passed, and itself, must be there until it returns.
  use(std::make_shared<Asynchronous>([address = std::string("127.0.0.1")](Call call, std::string_view network,
                                                                          std::string_view host,
                                                                          const TextsDone& done) {
    done(std::vector{address});
    CHECK_FALSE(call.context().deadline());
    CHECK(network == "tcp");
    CHECK(host == "name.test");
    CHECK(address == "127.0.0.1");
  }));
  auto scripted = std::make_shared<ScriptedResolver>();
  scripted->add({.addresses = {"127.0.0.1"}});
  scripted->add({.addresses = {"127.0.0.1"}});
  use(std::move(scripted));
}

TEST_CASE("Resolver: done is called once in a race of question, answer and cancellation") {
  const Watchdog watchdog;
  constexpr int rounds = 2000;
  // What a resolver was given, for the thread that answers.
  std::mutex mutex;
  TextsDone given;
  const auto take = [&] {
    const std::lock_guard lock(mutex);
    return std::exchange(given, nullptr);
  };
  Asynchronous resolver([&](Call, std::string_view, std::string_view, TextsDone done) {
    const std::lock_guard lock(mutex);
    given = std::move(done);
  });
  std::barrier<> barrier(3);
  std::atomic<bool> asked = false;
  leash::Cancellable cancellable = Context().with_cancel();
  std::jthread answers([&] {
    for (int round = 0; round < rounds; ++round) {
      barrier.arrive_and_wait();
      TextsDone done;
      while (!done && !asked) {
        done = take();
        std::this_thread::yield();  // Else who asks might wait for the mutex for long.
      }
      if (!done) done = take();
      if (done) done(std::vector<std::string>{"10.0.0.1"});
      done = nullptr;
      barrier.arrive_and_wait();
    }
  });
  std::jthread cancels([&] {
    for (int round = 0; round < rounds; ++round) {
      barrier.arrive_and_wait();
      for (int spin = 0; spin < round % 50; ++spin) std::this_thread::yield();
      cancellable.source.cancel();
      barrier.arrive_and_wait();
    }
  });
  for (int round = 0; round < rounds; ++round) {
    cancellable = Context().with_cancel();
    asked = false;
    barrier.arrive_and_wait();
    const Asked one(resolver, cancellable.context, "tcp", "name.test");
    asked = true;
    barrier.arrive_and_wait();
    REQUIRE(one.calls() == 1);
    const Found found = one.get();
    REQUIRE(said(found) == (found ? "10.0.0.1 " : "resolve name.test: Operation canceled"));
  }
}

TEST_CASE("Resolver: done is called once in a race of a look-up's end and its deadline") {
  const Watchdog watchdog;
  std::shared_ptr<Resolver> resolver;
  SUBCASE("the system's") {
    resolver = std::make_shared<SystemResolver>(
        [](const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; });
  }
  SUBCASE("one that waits") {
    resolver = blocking([](Call, std::string_view, std::string_view) { return std::vector<std::string>{"10.0.0.1"}; });
  }
  SUBCASE("the scripted one") { resolver = std::make_shared<ScriptedResolver>(); }
  const auto clock = std::make_shared<FakeClock>();
  for (int round = 0; round < 200; ++round) {
    if (auto* const scripted = dynamic_cast<ScriptedResolver*>(resolver.get())) {
      scripted->add({.delay = 1s, .addresses = {"10.0.0.1"}});
    }
    auto [context, source] = Context().with_clock(clock).with_timeout(2s).with_cancel();
    std::vector<Asked> all;
    {
      const std::jthread moves([&] {
        clock->advance(1s);
        clock->advance(1s);
      });
      const std::jthread cancels([&, source] { source.cancel(); });
      for (int count = 0; count < 4; ++count) all.emplace_back(*resolver, context, "tcp", "name.test");
    }
    for (const Asked& each : all) {
      static_cast<void>(each.get());
      CHECK(each.calls() == 1);
    }
  }
}
