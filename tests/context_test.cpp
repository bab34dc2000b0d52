#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/stop_token.hpp>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "in_thread.hpp"
#include "sanitizers.hpp"
#include "track/child.hpp"

using leash::Clock;
using leash::Context;
using leash::Error;
using leash::FakeClock;
using leash::Registration;
using namespace std::chrono_literals;

namespace {

struct UserId {
  using value_type = int;
};
struct Name {
  using value_type = std::string;
};
struct OtherName {
  using value_type = std::string;
};

}  // namespace

TEST_CASE("background is never done, and so is a Context that was moved from") {
  static_assert(sizeof(Context) == sizeof(void*));
  Context context = Context().with_cancel().context;
  const Context moved = std::move(context);
  for (const Context& root : {Context::background(), Context(), context}) {  // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(root.done());
    CHECK_FALSE(root.error());
    CHECK_FALSE(root.deadline());
    CHECK_FALSE(root.stop_token().stop_possible());
    CHECK(root.clock() == Clock::real());
    CHECK(root.notes().empty());
    CHECK(root.value<UserId>() == nullptr);
    CHECK(root.check("open", "x").has_value());
  }
}

TEST_CASE("values are found by the type of their key, the nearest first, and a child leaves its parent as it was") {
  const Context parent = Context().with_value<Name>("outer").with_value<UserId>(42);
  const Context child = parent.with_value<Name>("inner").with_note("note");
  CHECK(*child.value<Name>() == "inner");
  CHECK(*parent.value<Name>() == "outer");
  CHECK(*child.value<UserId>() == 42);
  CHECK(child.value<OtherName>() == nullptr);
}

TEST_CASE("cancelling reaches all descendants and no one else, and the first cause counts") {
  const auto [context, source] = Context().with_cancel();
  const auto [sibling, sibling_source] = Context().with_cancel();
  const Context child = context.with_value<UserId>(1).with_cancel().context.with_timeout(24h);
  source.cancel(Error("serve", "request 7", std::errc::connection_aborted));
  source.cancel(Error("serve", "request 8", std::errc::io_error));
  source.cancel();
  CHECK_FALSE(sibling.done());
  for (const Context& done : {context, child}) {
    CHECK(done.done());
    CHECK(done.error() == std::errc::operation_canceled);
    REQUIRE(done.cause());
    CHECK(done.cause()->subject() == "request 7");
    const auto refused = done.check("open", "data.csv");
    REQUIRE_FALSE(refused);
    CHECK(to_string(refused.error()) ==
          "open data.csv: Operation canceled; caused by serve request 7: Software caused connection abort");
  }
}

TEST_CASE("cancelling a child leaves its parent alone") {
  const auto [parent, parent_source] = Context().with_cancel();
  const auto [child, child_source] = parent.with_cancel();
  child_source.cancel(Error("child", "", std::errc::io_error));
  CHECK(child.done());
  CHECK_FALSE(parent.done());
  parent_source.cancel();
  CHECK(child.cause()->operation() == "child");
  CHECK_FALSE(parent.cause());
}

TEST_CASE("a Context expires by its clock, and expiry is no cancellation") {
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock).with_timeout(30s);
  CHECK(context.deadline() == clock->now() + 30s);
  clock->advance(30s - 1ns);
  CHECK_FALSE(context.done());
  clock->advance(1ns);
  CHECK(context.error() == std::errc::timed_out);
  CHECK(context.check("read", "x").error().timeout());
  CHECK_FALSE(context.cause());
}

TEST_CASE("a child's deadline is never later than its parent's") {
  const auto clock = std::make_shared<FakeClock>();
  const Context parent = Context().with_clock(clock).with_timeout(10s);
  CHECK(parent.with_timeout(20s).deadline() == parent.deadline());
  CHECK(parent.with_timeout(5s).deadline() == clock->now() + 5s);
  CHECK(parent.with_cancel().context.deadline() == parent.deadline());
  const Context later = parent.with_timeout(20s);
  clock->advance(10s);
  CHECK(later.error() == std::errc::timed_out);
}

TEST_CASE("a deadline that is past expires at once, and the longest timeout never") {
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock);
  CHECK(context.with_deadline(clock->now()).error() == std::errc::timed_out);
  CHECK(context.with_timeout(-1h).error() == std::errc::timed_out);
  clock->advance(1h);
  CHECK(context.with_timeout(Clock::duration::max()).deadline() == Clock::time_point::max());
  CHECK_FALSE(Context().with_timeout(Clock::duration::max()).done());
}

TEST_CASE("a Context expires by the machine's clock") {
  const Context context = Context().with_timeout(5ms);
  std::promise<void> expired;
  const Registration registration = context.on_cancel([&] { expired.set_value(); });
  expired.get_future().get();
  CHECK(context.error() == std::errc::timed_out);
}

TEST_CASE("without_cancel keeps everything but the end") {
  const auto [context, source] = Context().with_value<UserId>(7).with_note("work").with_timeout(24h).with_cancel();
  const Context after = context.without_cancel();
  source.cancel();
  CHECK_FALSE(after.done());
  CHECK_FALSE(after.deadline());
  CHECK(*after.value<UserId>() == 7);
  CHECK(after.notes().list().size() == 1);
}

TEST_CASE("on_cancel runs once, in the thread that cancels, or at once if it is done already") {
  const auto [context, source] = Context().with_cancel();
  int calls = 0;
  std::thread::id thread;
  const Registration before = context.on_cancel([&] {
    ++calls;
    thread = std::this_thread::get_id();
  });
  Registration taken_back = context.on_cancel([&] { calls += 100; });
  taken_back.reset();
  std::thread canceller([&] { source.cancel(); });
  const std::thread::id expected = canceller.get_id();
  canceller.join();
  CHECK(calls == 1);
  CHECK(thread == expected);
  const Registration after = context.on_cancel([&] { calls += 10; });
  CHECK(calls == 11);
  CHECK(thread == expected);
}

TEST_CASE("inside on_cancel the Context is done and its error is known") {
  const auto clock = std::make_shared<FakeClock>();
  const Context context = Context().with_clock(clock).with_timeout(1s);
  std::error_code seen;
  const Registration registration = context.on_cancel([&] { seen = context.error(); });
  clock->advance(1s);
  CHECK(seen == std::errc::timed_out);
}

TEST_CASE("taking an on_cancel callback back waits for it") {
  const auto [context, source] = Context().with_cancel();
  std::promise<void> started;
  std::promise<void> taking_back;
  std::atomic<bool> finished = false;
  Registration registration = context.on_cancel([&] {
    started.set_value();
    taking_back.get_future().get();
    finished = true;
  });
  std::jthread canceller([&] { source.cancel(); });
  started.get_future().get();
  auto taken_back = leash_test::in_thread([&] {
    registration.reset();
    return finished.load();
  });
  CHECK(taken_back.is_blocked());
  taking_back.set_value();
  CHECK(taken_back.get());
}

TEST_CASE("a callback may let go of the last owner of its Context") {
  auto clock = std::make_shared<FakeClock>();
  auto context = std::make_unique<Context>(Context().with_clock(clock).with_timeout(1s));
  bool called = false;
  const Registration registration = context->on_cancel([&] {
    called = true;
    context.reset();
  });
  clock->advance(1s);
  CHECK(called);
}

TEST_CASE("stop tokens go both ways") {
  std::stop_source stop;
  const Context context = Context().with_stop_token(stop.get_token());
  const std::stop_token token = context.stop_token();
  CHECK_FALSE(context.done());
  stop.request_stop();
  CHECK(context.error() == std::errc::operation_canceled);
  CHECK(token.stop_requested());

  std::jthread worker([](const std::stop_token& own) {
    const Context inside = Context().with_stop_token(own);
    std::promise<void> ended;
    const Registration registration = inside.on_cancel([&] { ended.set_value(); });
    ended.get_future().get();
  });
}

TEST_CASE("notes are kept outermost first, with the lines that wrote them") {
  const Context outer = Context().with_note("mirror /usr/include");
  const unsigned line = __LINE__ + 1;
  const Context inner = outer.with_note("send stdio.h");
  const std::vector<leash::Note> notes = inner.notes().list();
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].text == "mirror /usr/include");
  CHECK(notes[1].text == "send stdio.h");
  CHECK(notes[1].site.line() == line);
  CHECK(outer.notes().list().size() == 1);
}

TEST_CASE("notes outlive their Context and do not keep its values alive") {
  auto value = std::make_shared<int>(1);
  struct Key {
    using value_type = std::shared_ptr<int>;
  };
  leash::Notes notes;
  {
    const Context context = Context().with_value<Key>(value).with_note("kept");
    notes = context.notes();
    CHECK(value.use_count() == 2);
  }
  CHECK(value.use_count() == 1);
  CHECK(notes.list().front().text == "kept");
}

TEST_CASE("slots are found from any depth, and owned by the Context that set them") {
  auto object = std::make_shared<int>(5);
  {
    Context context = Context().with_slot(leash::detail::Slot::tracker, object);
    for (int depth = 0; depth < 100; ++depth) context = context.with_value<UserId>(depth);
    CHECK(*static_cast<std::shared_ptr<int>*>(context.slot(leash::detail::Slot::tracker)) == object);
    CHECK(context.slot(leash::detail::Slot::fault_plan) == nullptr);
    CHECK(object.use_count() == 2);
  }
  CHECK(object.use_count() == 1);
}

TEST_CASE("Contexts and notes may be nested deeper than the stack") {
  Context context;
  for (int depth = 0; depth < 500000; ++depth) context = context.with_note("deeper");
  CHECK_FALSE(context.done());
}

TEST_CASE("threads cancel, expire, copy and watch one tree of Contexts") {
  const auto clock = std::make_shared<FakeClock>();
  for (int round = 0; round < 20; ++round) {
    const auto [root, source] = Context().with_clock(clock).with_timeout(1s).with_cancel();
    std::atomic<int> called = 0;
    {
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&] {
          const Context child = root.with_cancel().context;
          const Registration registration = child.on_cancel([&] { ++called; });
          while (!child.done()) std::this_thread::yield();
          CHECK(child.error() == root.error());
        });
      }
      threads.emplace_back([&] { source.cancel(); });
      threads.emplace_back([&] { clock->advance(1s); });
    }
    CHECK(called <= 3);
    CHECK(root.done());
  }
}

TEST_CASE("an earlier cancellation counts before a deadline that is past") {
  const auto [parent, source] = Context().with_cancel();
  source.cancel(Error("stop", "all", std::errc::io_error));
  const Context child = parent.with_timeout(-1s);
  CHECK(child.error() == std::errc::operation_canceled);
  REQUIRE(child.cause());
  CHECK(child.cause()->operation() == "stop");
  CHECK(child.stop_token().stop_requested());
}

TEST_CASE("a registration keeps the deadline of its Context") {
  const auto clock = std::make_shared<FakeClock>();
  bool called = false;
  const Registration registration = Context().with_clock(clock).with_timeout(1s).on_cancel([&] { called = true; });
  clock->advance(1s);
  CHECK(called);
}

TEST_CASE("all descendants are done when the first callback runs") {
  const auto [parent, source] = Context().with_cancel();
  Context child;
  bool done = false;
  const Registration registration = parent.on_cancel([&] { done = child.done(); });
  child = parent.with_cancel().context.with_timeout(1h);
  source.cancel();
  CHECK(done);
}

TEST_CASE("an expired Context is done even if its clock's thread is late") {
  std::promise<void> entered;
  std::promise<void> leave;
  const Registration blocking = Clock::real()->at(Clock::real()->now(), [&] {
    entered.set_value();
    leave.get_future().get();
  });
  entered.get_future().get();
  const Context context = Context().with_timeout(5ms);
  // `done` goes by the coarse clock.
  while (Clock::real()->coarse_now() < context.deadline()) std::this_thread::yield();
  CHECK(context.error() == std::errc::timed_out);
  leave.set_value();
}

TEST_CASE("cancellation reaches deeper than the stack") {
  const auto [root, source] = Context().with_cancel();
  Context context = root;
  for (int depth = 0; depth < 100000; ++depth) context = context.with_cancel().context;
  source.cancel();
  CHECK(context.done());
}

TEST_CASE("a stop token's Context ends with its parent too") {
  std::stop_source stop;
  const auto [parent, source] = Context().with_cancel();
  const Context child = parent.with_stop_token(stop.get_token());
  source.cancel();
  CHECK(child.done());
}

TEST_CASE("misuse is a logic error, and a source that was moved from still cancels") {
  CHECK_THROWS_AS((void)Context().with_clock(nullptr), std::logic_error);
  auto [context, source] = Context().with_cancel();
  CHECK_THROWS_AS((void)context.on_cancel({}), std::logic_error);
  const leash::CancelSource moved = std::move(source);
  source.cancel();  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK(context.done());
}

TEST_CASE("a deadline by another clock is no deadline by this one") {
  const auto first = std::make_shared<FakeClock>();
  const auto second = std::make_shared<FakeClock>();
  const Context parent = Context().with_clock(first).with_timeout(10s);
  const Context child = parent.with_clock(second).with_timeout(20s);
  CHECK(child.deadline() == second->now() + 20s);
  second->advance(15s);
  CHECK_FALSE(child.done());
  first->advance(10s);
  CHECK(child.done());
}

TEST_CASE("a callback that throws ends the program, whoever calls it" * doctest::skip(leash_test::with_tsan)) {
  const auto ended = [](auto call) { return in_child([&] { return call(), 0; }).output.contains("terminate"); };
  const auto throws = [] { throw std::runtime_error("of a callback"); };
  CHECK(ended([&] {
    const auto [context, source] = Context().with_cancel();
    const Registration registration = context.on_cancel(throws);
    source.cancel();
  }));
  CHECK(ended([&] {
    std::stop_source stop;
    const Context context = Context().with_stop_token(stop.get_token());
    const Registration registration = context.on_cancel(throws);
    stop.request_stop();
  }));
  CHECK(ended([&] {
    FakeClock clock;
    const Registration registration = clock.at(clock.now() + 1s, throws);
    clock.advance(1s);
  }));
  CHECK(ended([&] {
    const Registration registration = Clock::real()->at(Clock::real()->now(), throws);
    for (;;) ::pause();
  }));
}
