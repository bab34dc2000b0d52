#include <algorithm>
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <latch>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/static_resolver.hpp>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "no_threads.hpp"
#include "support.hpp"

// Resolver::async_resolve, of each resolver.

using leash::Call;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Function;
using leash::Result;
using leash::net::IpAddress;
using leash::net::Resolver;
using leash::net::ScriptedResolver;
using leash::net::StaticResolver;
using leash::net::detail::SystemResolver;

namespace {

using Found = Result<std::vector<IpAddress>>;
using Texts = Result<std::vector<std::string>>;
using Done = Function<void(Texts)>;

/// One look-up, and what its `done` was called with.
class Asked {
 public:
  Asked(Resolver& resolver, Call call, std::string_view network, std::string_view host) {
    resolver.async_resolve(call, network, host, done());
  }

  Function<void(Found)> done() const {
    return [state = state_](Found found) {
      const std::lock_guard lock(state->mutex);
      ++state->calls;
      state->thread = std::this_thread::get_id();
      state->found = std::move(found);
      state->changed.notify_all();
    };
  }

  /// Waits until `done` was called.
  Found get() const {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->found.has_value(); });
    return *state_->found;
  }

  /// How often `done` was called.
  int calls() const {
    const std::lock_guard lock(state_->mutex);
    return state_->calls;
  }

  /// Whether it was called in this thread.
  bool in_this_thread() const {
    const std::lock_guard lock(state_->mutex);
    return state_->thread == std::this_thread::get_id();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int calls = 0;
    std::thread::id thread;
    std::optional<Found> found;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// A resolver of a user who can only wait.
class Blocking final : public Resolver {
 public:
  using Answer = std::function<Texts(Call, std::string_view, std::string_view)>;
  explicit Blocking(Answer answer) : answer_(std::move(answer)) {}

 private:
  Texts do_resolve(Call call, std::string_view network, std::string_view host) override {
    return answer_(call, network, host);
  }

  const Answer answer_;
};

std::shared_ptr<Resolver> blocking(Blocking::Answer answer) { return std::make_shared<Blocking>(std::move(answer)); }

/// A resolver of a user who need not wait.
class Asynchronous final : public Resolver {
 public:
  using Ask = std::function<void(Call, std::string_view, std::string_view, Done)>;
  explicit Asynchronous(Ask ask) : ask_(std::move(ask)) {}

 private:
  Texts do_resolve(Call, std::string_view, std::string_view host) override {
    return leash::fail("resolve", host, std::errc::operation_not_supported);
  }
  void do_async_resolve(Call call, std::string_view network, std::string_view host, Done done) override {
    ask_(call, network, host, std::move(done));
  }

  const Ask ask_;
};

/// What a test says of a look-up: the addresses, or the Error.
std::string said(const Found& found) {
  if (!found) return to_string(found.error());
  std::string text;
  for (const IpAddress& address : *found) text += to_string(address) + " ";
  return text;
}

std::size_t threads_of_process() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

/// Hangs in each look-up until it is released.
struct Hanging {
  std::atomic<std::size_t> begun = 0;
  std::latch released{1};

  void wait() {
    ++begun;
    released.wait();
  }

  /// Waits until so many look-ups have begun.
  void wait_for(std::size_t count) const {
    while (begun < count) std::this_thread::yield();
  }
};

std::shared_ptr<Resolver> system_that(const std::shared_ptr<Hanging>& hanging) {
  return std::make_shared<SystemResolver>([hanging](const char*, const char*, const addrinfo* hints, addrinfo** found) {
    hanging->wait();
    return ::getaddrinfo("127.0.0.1", nullptr, hints, found);
  });
}

std::shared_ptr<Resolver> user_that(const std::shared_ptr<Hanging>& hanging) {
  return blocking([hanging](Call, std::string_view, std::string_view) -> Texts {
    hanging->wait();
    return std::vector<std::string>{"127.0.0.1"};
  });
}

constexpr std::size_t max_threads = SystemResolver::max_threads;

}  // namespace

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
    resolver = std::make_shared<Asynchronous>([hanging](Call, std::string_view, std::string_view, Done done) {
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
  Done kept;
  const auto resolver = std::make_shared<Asynchronous>(
      [&](Call, std::string_view, std::string_view, Done done) { kept = std::move(done); });
  const auto [context, source] = Context().with_cancel();
  // Runs before what `async_resolve` has registered.
  const leash::Registration first = context.on_cancel([&] { kept(std::vector<std::string>{"10.0.0.1"}); });
  const Asked one(*resolver, context, "tcp", "name.test");
  source.cancel();
  CHECK(one.calls() == 1);
  CHECK(said(one.get()) == "resolve name.test: Operation canceled");
}

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
        [&](Call, std::string_view, std::string_view host, const Done&) { raise(host); });
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
  Done kept;
  auto [context, source] = Context().with_cancel();
  SUBCASE("answers twice") {
    Asynchronous resolver([](Call, std::string_view, std::string_view, const Done& done) {
      done(std::vector<std::string>{"10.0.0.1"});
      done(std::vector<std::string>{"10.0.0.2"});
    });
    const Asked one(resolver, context, "tcp", "name.test");
    source.cancel();
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "10.0.0.1 ");
  }
  SUBCASE("answers and throws") {
    Asynchronous resolver([](Call, std::string_view, std::string_view, const Done& done) {
      done(std::vector<std::string>{"10.0.0.1"});
      throw std::runtime_error("after the answer");
    });
    const Asked one(resolver, context, "tcp", "name.test");
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "10.0.0.1 ");
  }
  SUBCASE("throws and answers") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, Done done) {
      kept = std::move(done);
      throw std::runtime_error("before the answer");
    });
    const Asked one(resolver, context, "tcp", "name.test");
    kept(std::vector<std::string>{"10.0.0.1"});
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled (before the answer)");
  }
  SUBCASE("drops it in the call") {
    Asynchronous resolver([](Call, std::string_view, std::string_view, const Done&) {});
    const Asked one(resolver, context, "tcp", "name.test");
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled (the resolver gave no answer)");
  }
  SUBCASE("drops it later") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, Done done) { kept = std::move(done); });
    const Asked one(resolver, context, "tcp", "name.test");
    CHECK(one.calls() == 0);
    kept = nullptr;
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled (the resolver gave no answer)");
  }
  SUBCASE("drops it when the Context is done") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, Done done) { kept = std::move(done); });
    const leash::Registration first = context.on_cancel([&] { kept = nullptr; });
    const Asked one(resolver, context, "tcp", "name.test");
    source.cancel();
    CHECK(one.calls() == 1);
    CHECK(said(one.get()) == "resolve name.test: Operation canceled");
  }
  SUBCASE("keeps it") {
    Asynchronous resolver([&](Call, std::string_view, std::string_view, Done done) { kept = std::move(done); });
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
                                                                          std::string_view host, const Done& done) {
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
  Done given;
  const auto take = [&] {
    const std::lock_guard lock(mutex);
    return std::exchange(given, nullptr);
  };
  Asynchronous resolver([&](Call, std::string_view, std::string_view, Done done) {
    const std::lock_guard lock(mutex);
    given = std::move(done);
  });
  std::barrier<> barrier(3);
  std::atomic<bool> asked = false;
  leash::Cancellable cancellable = Context().with_cancel();
  std::jthread answers([&] {
    for (int round = 0; round < rounds; ++round) {
      barrier.arrive_and_wait();
      Done done;
      while (!done && !asked) done = take();
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
