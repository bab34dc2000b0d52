#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>
#include <asio/strand.hpp>
#include <cstddef>
#include <leash/clock.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hooked_async.hpp"

namespace {

/// Lets an operation wait for 30 seconds of the Context's clock, and then be carried out.
void delay_all(Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
  const auto go_on = [next](AsyncHook::Done slept, Result<void> result) {
    if (!result) return slept(std::move(result));
    next(std::move(slept));
  };
  leash::net::async_sleep(operation.context, 30s, AsyncHook::wrap(std::move(done), go_on));
}

struct AllocationCounts {
  int allocated = 0;
  int left = 0;  ///< That was not given back.
};

/// AllocationCounts what is allocated and given back.
template <class T>
struct CountingAllocator {
  using value_type = T;

  explicit CountingAllocator(AllocationCounts& counted) noexcept : counts(&counted) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
  CountingAllocator(const CountingAllocator<U>& other) noexcept : counts(other.counts) {}

  T* allocate(std::size_t count) {
    ++counts->allocated;
    ++counts->left;
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    --counts->left;
    std::allocator<T>().deallocate(memory, count);
  }
  template <class U>
  friend bool operator==(const CountingAllocator& a, const CountingAllocator<U>& b) noexcept {
    return a.counts == b.counts;
  }

  AllocationCounts* counts;
};

/// A handler with that allocator.
template <class Target>
struct Allocating {
  using allocator_type = CountingAllocator<std::byte>;
  allocator_type get_allocator() const noexcept { return allocator_type(*counts); }
  template <class... Arguments>
  void operator()(Arguments&&... arguments) {
    target(std::forward<Arguments>(arguments)...);
  }

  Target target;
  AllocationCounts* counts;
};

}  // namespace

NETWORK_TEST("HookedAsync: a done that is destroyed uncalled destroys the handler uncalled") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext&, const AsyncHook::Done&) {};
  auto wrote = on.write(on.near, "lost");
  CHECK(wrote.handler_gone());
  auto dialled = on.dial(Context(), to_string(on.listener->address()));
  CHECK(dialled.handler_gone());

  KeptOperation kept;
  on.hook->function = kept.function();
  auto read = on.read(on.far);
  on.poll();
  CHECK_FALSE(read.handler_gone());
  kept.done = {};
  on.loop.restart();
  on.loop.run();  // Ends, since there is nothing to wait for.
  CHECK(read.handler_gone());
  const auto given = std::make_shared<bool>(false);
  (*kept.next)([given](const Result<void>&) { *given = true; });
  CHECK(given.use_count() == 1);
  on.poll();
  CHECK_FALSE(*given);

  // Passed to next, it is dropped when it would be called; until then the buffers are the operation's.
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next([done = std::move(done)](const Result<void>&) {});
  };
  auto second = on.read(on.far);
  on.poll();
  CHECK_FALSE(second.handler_gone());
  CHECK(on.near.write_some(asio::buffer("x", 1)) == 1);
  on.loop.restart();
  on.loop.run();
  CHECK(second.handler_gone());
  CHECK_FALSE(wrote.there());
  CHECK_FALSE(dialled.there());
  CHECK_FALSE(read.there());
  CHECK_FALSE(second.there());
}

NETWORK_TEST("HookedAsync: a done that is called while the operation is under way counts when that has ended") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  KeptOperation kept;
  on.hook->function = kept.function();
  auto read = on.read(on.far);
  bool told = false;
  (*kept.next)([&told](const Result<void>&) { told = true; });
  on.poll();
  kept.done(kept.operation->fail(std::errc::io_error));
  on.poll();
  CHECK_FALSE(read.there());
  CHECK(on.near.write_some(asio::buffer("x", 1)) == 1);
  CHECK(on.wait(read).code.value() == EIO);
  CHECK_FALSE(told);
}

NETWORK_TEST("HookedAsync: what was made with a hook outlives it") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  on.connect(ctx);
  on.hook->function = delay_all;
  on.hook->now = [](Operation& operation, AsyncHook::Next) -> Result<void> {
    return operation.fail(std::errc::io_error);
  };
  auto waits = on.write(on.near, "hello");
  on.hook.reset();
  // This one goes on without it.
  clock->advance(30s);
  CHECK(on.wait(waits).count == 5);
  auto read = on.read(on.far);
  CHECK(on.wait(read).count == 5);
  must(on.near.set_deadline(std::nullopt));
  auto dialled = on.dial(ctx, to_string(on.listener->address()));
  Completed<Result<Stream>> accepted;
  on.listener->async_accept(ctx, accepted.handler());
  must(std::move(on.wait(dialled)));
  must(std::move(on.wait(accepted)));
  must(std::move(on.wait(*std::make_unique<Completed<Result<std::unique_ptr<AsyncListener>>>>(on.bind(ctx)))));
  must(on.near.close());
}

NETWORK_TEST("HookedAsync: cancellation reaches what the hook waits for, and then the operation") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  on.connect(ctx);
  on.hook->function = delay_all;
  asio::cancellation_signal stop;
  const auto stopped = [&](auto& completed) { return asio::bind_cancellation_slot(stop.slot(), completed.handler()); };

  Completed<Transferred> waits;
  on.far.async_read_some(asio::buffer(on.buffer), stopped(waits));
  on.poll();
  stop.emit(asio::cancellation_type::terminal);
  CHECK(on.wait(waits).code == asio::error::operation_aborted);

  Completed<Transferred> carried_out;
  on.far.async_read_some(asio::buffer(on.buffer), stopped(carried_out));
  on.poll();
  clock->advance(30s);
  on.poll();
  stop.emit(asio::cancellation_type::total);
  CHECK(on.wait(carried_out).code == asio::error::operation_aborted);

  Completed<Result<Stream>> accepts;
  on.listener->async_accept(ctx, stopped(accepts));
  on.poll();
  stop.emit(asio::cancellation_type::partial);
  CHECK(error_of(std::move(on.wait(accepts))) == std::errc::operation_canceled);

  // A hook that does not listen: what was cancelled meanwhile is not carried out.
  KeptOperation kept;
  on.hook->function = kept.function();
  Completed<Transferred> writes;
  on.near.async_write_some(asio::buffer("lost", 4), stopped(writes));
  stop.emit(asio::cancellation_type::terminal);
  on.poll();
  CHECK_FALSE(writes.there());
  (*kept.next)(std::move(kept.done));
  CHECK(on.wait(writes).code == asio::error::operation_aborted);
  CHECK(writes->count == 0);

  // The Context of a dial is looked at again.
  const leash::Cancellable cancellable = ctx.with_cancel();
  auto dials = on.dial(cancellable.context, to_string(on.listener->address()));
  cancellable.source.cancel();
  (*kept.next)(std::move(kept.done));
  CHECK(error_of(std::move(on.wait(dials))) == std::errc::operation_canceled);
  bool called = false;
  on.hook->function = [&called](Operation&, const AsyncHook::AsyncNext&, const AsyncHook::Done&) { called = true; };
  auto dead = on.dial(cancellable.context, to_string(on.listener->address()));
  CHECK(error_of(std::move(on.wait(dead))) == std::errc::operation_canceled);
  CHECK_FALSE(called);
}

NETWORK_TEST("HookedAsync: a stream or listener that ends while the hook waits ends the operation") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  KeptOperation kept;
  on.hook->function = kept.function();
  const auto aborted = [&](auto end) {
    auto read = on.read(on.far);
    end();
    on.poll();
    REQUIRE(kept.next.has_value());
    (*kept.next)(std::move(kept.done));
    CHECK(on.wait(read).code == asio::error::operation_aborted);
  };
  aborted([&] { on.far.cancel(); });
  CHECK(on.far.is_open());
  aborted([&] { must(on.far.close()); });
  std::swap(on.near, on.far);
  aborted([&] { on.far = Stream(); });
  CHECK(kept.operation->remote != nullptr);

  for (const bool destroyed : {false, true}) {
    Completed<Result<Stream>> accepted;
    on.hook->function = kept.function();
    on.listener->async_accept(Context(), accepted.handler());
    if (destroyed) {
      on.listener.reset();
    } else {
      must(on.listener->close());
    }
    (*kept.next)(std::move(kept.done));
    CHECK(error_of(std::move(on.wait(accepted))) == std::errc::operation_canceled);
  }
}

NETWORK_TEST("HookedAsync: the executor and the allocator of the handler are those of the operation") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  const auto clock = std::make_shared<leash::FakeClock>();
  on.connect(Context().with_clock(clock));
  const auto strand = asio::make_strand(on.loop);
  int on_strand = 0;
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    const auto see = [&on_strand, &strand, next](AsyncHook::Done passed, Result<void> result) {
      on_strand += strand.running_in_this_thread() ? 1 : 0;
      next(AsyncHook::wrap(std::move(passed), [&on_strand, &strand](AsyncHook::Done last, Result<void> transferred) {
        on_strand += strand.running_in_this_thread() ? 1 : 0;
        last(std::move(transferred));
      }));
      static_cast<void>(result);
    };
    leash::net::async_sleep(operation.context, 1s, AsyncHook::wrap(std::move(done), see));
  };
  AllocationCounts counts;
  Completed<Transferred> wrote;
  const auto handler = [&, done = wrote.handler()](const asio::error_code& code, std::size_t count) {
    on_strand += strand.running_in_this_thread() ? 1 : 0;
    CHECK(counts.left == 0);
    done(code, count);
  };
  on.near.async_write_some(asio::buffer("x", 1), asio::bind_executor(strand, Allocating{handler, &counts}));
  on.poll();
  clock->advance(1s);
  CHECK(on.wait(wrote).count == 1);
  CHECK(on_strand == 3);
  CHECK(counts.allocated >= 2);
  CHECK(counts.left == 0);
}

NETWORK_TEST("HookedAsync: what a done is bound to it is called on") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  const auto strand = asio::make_strand(on.loop);
  bool on_strand = false;
  on.hook->function = [&](Operation&, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next(asio::bind_executor(strand, [&, done = std::move(done)](Result<void> result) mutable {
      on_strand = strand.running_in_this_thread();
      done(std::move(result));
    }));
  };
  auto wrote = on.write(on.near, "x");
  CHECK(on.wait(wrote).count == 1);
  CHECK(on_strand);
}

NETWORK_TEST("HookedAsync: hooks lie over each other, and what the inner one drops is dropped") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  AsyncHook outer;
  leash::net::HookedAsyncDialer dialer(*on.dialer, outer);
  std::string order;
  std::vector<unsigned> lines;
  const auto seen = [&](char name) {
    return [&, name](const Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
      order += name;
      lines.push_back(operation.site.line());
      next(AsyncHook::wrap(std::move(done), [&order, name](AsyncHook::Done passed, Result<void> result) {
        order += name;
        passed(std::move(result));
      }));
    };
  };
  outer.function = seen('o');
  on.hook->function = seen('i');
  Completed<Result<Stream>> dialled;
  dialer.async_dial(Context(), "tcp", to_string(on.listener->address()), dialled.handler());
  Stream stream = must(std::move(on.wait(dialled)));
  CHECK(order == "oiio");
  Completed<Transferred> read;
  Completed<Transferred> late;
  must(stream.set_deadline(leash::Clock::time_point::min()));
  stream.async_read_some(asio::buffer(on.buffer), read.handler());
  stream.async_write_some(asio::buffer("x", 1), late.handler());
  CHECK(on.wait(read).code == asio::error::timed_out);
  CHECK(on.wait(late).code == asio::error::timed_out);
  CHECK(order.size() == 12);
  // The sites are the user's.
  std::ranges::sort(lines);
  CHECK(lines.size() == 6);
  for (std::size_t at = 0; at < lines.size(); at += 2) CHECK(lines[at] == lines[at + 1]);
  CHECK(std::ranges::count(lines, lines[2]) == 2);
  must(stream.set_deadline(std::nullopt));
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext&, const AsyncHook::Done&) {};
  auto wrote = on.write(stream, "lost");
  on.loop.restart();
  on.loop.run();
  CHECK(wrote.handler_gone());
}

NETWORK_TEST("HookedAsync: the handler ends with its execution context, whatever a hook has of it") {
  const Watchdog watchdog;
  KeptOperation kept;
  Completed<Transferred> waits;
  Completed<Transferred> carried_out;
  Completed<Result<Stream>> dialled;
  {
    AsyncHooked on(over);
    on.connect();
    carried_out = on.read(on.far);
    on.hook->function = delay_all;
    dialled = on.dial(Context(), to_string(on.listener->address()));
    on.hook->function = kept.function();
    waits = on.read(on.near);
    on.poll();
  }
  CHECK(waits.handler_gone());
  CHECK(carried_out.handler_gone());
  CHECK(dialled.handler_gone());
  (*kept.next)([](const Result<void>&) { FAIL("it is over"); });
  kept.done({});
  CHECK_FALSE(waits.there());
}

NETWORK_TEST("HookedAsync: what a hook throws ends the operation") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext&, const AsyncHook::Done&) {
    throw std::runtime_error("hook");
  };
  Completed<Transferred> wrote;
  CHECK_THROWS_AS(on.near.async_write_some(asio::buffer("x", 1), wrote.handler()), std::runtime_error);
  CHECK(wrote.handler_gone());
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next(AsyncHook::wrap(std::move(done),
                         [](const AsyncHook::Done&, const Result<void>&) { throw std::runtime_error("done"); }));
  };
  auto late = on.write(on.near, "x");
  on.loop.restart();
  CHECK_THROWS_AS(on.loop.run(), std::runtime_error);
  on.loop.run();
  CHECK(late.handler_gone());
  CHECK_FALSE(late.there());
}
