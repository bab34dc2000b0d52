#include "hooked_async.hpp"

#include <asio/error.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <cerrno>
#include <leash/clock.hpp>
#include <leash/os/descriptor.hpp>
#include <thread>
#include <vector>

NETWORK_TEST("HookedAsync: a hook sees each operation once, with all that there is to it") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  struct Seen {
    OperationKind kind;
    std::string network;
    std::string address;
    std::string local;
    std::string remote;
    std::string note;
    std::uint64_t size;
    std::uint64_t transferred;
    unsigned line;
    bool succeeded;
  };
  std::vector<Seen> seen;
  const auto see = [&](const Operation& operation, const Result<void>& result) {
    const auto notes = operation.context.notes().list();
    seen.push_back({operation.kind, std::string(operation.network), std::string(operation.address),
                    operation.local == nullptr ? "" : to_string(*operation.local),
                    operation.remote == nullptr ? "" : to_string(*operation.remote),
                    notes.empty() ? "" : notes.back().text, operation.size, operation.transferred,
                    operation.site.line(), result.has_value()});
  };
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next(AsyncHook::wrap(std::move(done), [&see, &operation](AsyncHook::Done passed, Result<void> result) {
      see(operation, result);
      passed(std::move(result));
    }));
  };
  on.hook->now = [&](Operation& operation, AsyncHook::Next next) {
    Result<void> result = next();
    see(operation, result);
    return result;
  };
  const auto saw = [&](OperationKind kind, unsigned line, std::string_view note = "opening") {
    CAPTURE(to_string(kind));
    REQUIRE(seen.size() == 1);
    const Seen one = std::move(seen.front());
    seen.clear();
    CHECK(one.kind == kind);
    CHECK(one.line == line);
    CHECK(one.note == note);
    CHECK(one.succeeded);
    return one;
  };
  using Kind = OperationKind;
  const Context opening = Context().with_note("opening");
  const Context accepting = Context().with_note("accepting");
  Completed<Result<Stream>> accepted;
  // clang-format off
  auto bound = on.bind(opening); on.listener = must(std::move(on.wait(bound))); const Seen binds = saw(Kind::bind, __LINE__);
  const std::string there = to_string(on.listener->address());
  auto dialled = on.dial(opening, there); on.near = must(std::move(on.wait(dialled))); const Seen dials = saw(Kind::dial, __LINE__);
  on.listener->async_accept(accepting, accepted.handler()); on.far = must(std::move(on.wait(accepted))); const Seen accepts = saw(Kind::listener_accept, __LINE__, "accepting");
  // clang-format on
  CHECK(binds.network == "tcp");
  CHECK(binds.address == "127.0.0.1:0");
  CHECK(binds.local == there);
  CHECK(binds.remote.empty());
  CHECK(dials.address == there);
  CHECK(dials.local == to_string(on.near.local_address()));
  CHECK(dials.remote == there);
  CHECK(accepts.local == there);
  CHECK(accepts.remote == dials.local);

  const auto ends = [&](const Seen& one, const Stream& stream) {
    CHECK(one.local == to_string(stream.local_address()));
    CHECK(one.remote == to_string(stream.remote_address()));
  };
  Completed<Transferred> wrote;
  Completed<Transferred> read;
  // clang-format off
  on.near.async_write_some(asio::buffer("123", 3), wrote.handler()); on.wait(wrote); const Seen writes = saw(Kind::conn_write, __LINE__);
  on.far.async_read_some(asio::buffer(on.buffer), read.handler()); on.wait(read); const Seen reads = saw(Kind::conn_read, __LINE__, "accepting");
  CHECK(on.far.write_some(asio::buffer("12", 2)) == 2); CHECK(saw(Kind::conn_write, __LINE__, "accepting").transferred == 2);
  CHECK(on.near.read_some(asio::buffer(on.buffer)) == 2); CHECK(saw(Kind::conn_read, __LINE__).size == 64);
  must(on.near.set_deadline(std::nullopt)); saw(Kind::conn_set_deadline, __LINE__);
  must(on.near.set_read_deadline(std::nullopt)); saw(Kind::conn_set_deadline, __LINE__);
  on.near.note("GET /"); saw(Kind::conn_note, __LINE__);
  must(on.near.shutdown_write()); saw(Kind::conn_close_write, __LINE__);
  must(on.near.close()); saw(Kind::conn_close, __LINE__);
  must(on.far.reset()); saw(Kind::conn_reset, __LINE__, "accepting");
  must(on.listener->close()); saw(Kind::listener_close, __LINE__);
  // clang-format on
  ends(writes, on.near);
  ends(reads, on.far);
  CHECK(writes.size == 3);
  CHECK(writes.transferred == 3);
  CHECK(reads.size == 64);
  CHECK(reads.transferred == 3);
  const leash::os::Descriptor released(on.near.release().value_or(-1));
  REQUIRE(seen.size() == 1);
  CHECK(seen.front().kind == Kind::conn_release);
}

NETWORK_TEST("HookedAsync: a hook delays each operation, by the clock of the Context") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  on.connect(ctx);
  std::vector<std::thread::id> threads;
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    const auto go_on = [&threads, next](AsyncHook::Done slept, Result<void> result) {
      threads.push_back(std::this_thread::get_id());
      if (!result) return slept(std::move(result));
      next(std::move(slept));
    };
    leash::net::async_sleep(operation.context, 30s, AsyncHook::wrap(std::move(done), go_on));
  };
  auto wrote = on.write(on.near, "hello");
  auto read = on.read(on.far);
  auto dialled = on.dial(ctx, to_string(on.listener->address()));
  on.poll();
  clock->advance(29s);
  on.poll();
  CHECK_FALSE(wrote.there());
  CHECK_FALSE(dialled.there());
  clock->advance(1s);
  CHECK(on.wait(wrote).count == 5);
  CHECK(on.wait(read).count == 5);
  CHECK(on.text(5) == "hello");
  must(std::move(on.wait(dialled)));
  CHECK(threads == std::vector(3, std::this_thread::get_id()));
}

NETWORK_TEST("HookedAsync: a hook refuses an operation in the call, and its handler is called later") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  on.hook->function = [](Operation& operation, const AsyncHook::AsyncNext&, AsyncHook::Done done) {
    done(operation.fail(std::errc::io_error, "by the hook"));
  };
  const auto refused = [&](auto completed) {
    CHECK_FALSE(completed.there());
    return to_string(error_of(std::move(on.wait(completed))));
  };
  CHECK(refused(on.dial(Context(), "a:1")) == "dial a:1: Input/output error (by the hook)");
  CHECK(refused(on.bind(Context(), "tcp", "b:1")) == "bind b:1: Input/output error (by the hook)");
  Completed<Result<Stream>> accepted;
  on.listener->async_accept(Context(), accepted.handler());
  CHECK(refused(accepted) == "accept " + to_string(on.listener->address()) + ": Input/output error (by the hook)");
  auto wrote = on.write(on.near, "lost");
  CHECK_FALSE(wrote.there());
  CHECK(on.wait(wrote).code == asio::error_code(EIO, asio::error::get_system_category()));
  CHECK(wrote->count == 0);
}

NETWORK_TEST("HookedAsync: a hook fails operations that were carried out, which leave nothing open") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  const auto before = open_descriptors();
  on.hook->function = [](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next(AsyncHook::wrap(std::move(done), [&operation](AsyncHook::Done passed, const Result<void>&) {
      passed(operation.fail(std::errc::connection_reset));
    }));
  };
  auto dialled = on.dial(Context(), to_string(on.listener->address()));
  CHECK(error_of(std::move(on.wait(dialled))) == std::errc::connection_reset);
  Completed<Result<Stream>> accepted;
  on.listener->async_accept(Context(), accepted.handler());
  CHECK(error_of(std::move(on.wait(accepted))) == std::errc::connection_reset);
  auto bound = on.bind(Context());
  CHECK(error_of(std::move(on.wait(bound))) == std::errc::connection_reset);
  CHECK(open_descriptors() == before);
  // How many bytes were transferred all the same, the user is told.
  auto wrote = on.write(on.near, "1234");
  CHECK(on.wait(wrote).code == asio::error::connection_reset);
  CHECK(wrote->count == 4);
}

NETWORK_TEST("HookedAsync: reads and writes are made shorter") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  std::uint64_t most = 3;
  std::vector<std::uint64_t> asked;
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    asked.push_back(operation.size);
    operation.size = most;
    next(std::move(done));
  };
  const std::array<asio::const_buffer, 3> pieces{asio::buffer("01", 2), asio::buffer("", 0),
                                                 asio::buffer("23456789", 8)};
  Completed<Transferred> wrote;
  asio::async_write(on.near, pieces, wrote.handler());
  CHECK(on.wait(wrote).count == 10);
  CHECK(asked == std::vector<std::uint64_t>{10, 7, 4, 1});
  asked.clear();
  auto some = on.read(on.far, 9);
  CHECK(on.wait(some).count == 3);
  CHECK(on.text(3) == "012");
  // Of nothing, a byte: else it would never end.
  most = 0;
  Completed<Transferred> read;
  asio::async_read(on.far, asio::buffer(on.buffer, 7), read.handler());
  CHECK(on.wait(read).count == 7);
  CHECK(on.text(7) == "3456789");
  CHECK(asked == std::vector<std::uint64_t>{9, 7, 6, 5, 4, 3, 2, 1});
  most = 2;
  on.hook->now = [&](Operation& operation, AsyncHook::Next next) {
    operation.size = most;
    return next();
  };
  CHECK(on.near.write_some(asio::buffer("abc", 3)) == 2);
  CHECK(on.far.read_some(asio::buffer(on.buffer)) == 2);
}

NETWORK_TEST("HookedAsync: success without next is the end of a read, all of a write, and no handle") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext&, AsyncHook::Done done) { done({}); };
  on.hook->now = [](Operation&, AsyncHook::Next) { return Result<void>(); };
  auto read = on.read(on.far);
  CHECK(on.wait(read).code == asio::error::eof);
  auto wrote = on.write(on.near, "lost");
  CHECK_FALSE(on.wait(wrote).code);
  CHECK(wrote->count == 4);
  auto dialled = on.dial(Context(), to_string(on.listener->address()));
  CHECK(to_string(error_of(std::move(on.wait(dialled)))).ends_with("(the hook did not let it happen)"));
  auto bound = on.bind(Context());
  CHECK(error_of(std::move(on.wait(bound))) == std::errc::operation_canceled);
  asio::error_code code;
  CHECK(on.near.read_some(asio::buffer(on.buffer), code) == 0);
  CHECK(code == asio::error::eof);
  CHECK(on.near.write_some(asio::buffer("lost", 4)) == 4);
  CHECK(error_of(on.near.release()) == std::errc::operation_canceled);
  // It closes in any case.
  must(on.near.close());
  CHECK_FALSE(on.near.is_open());
}

NETWORK_TEST("HookedAsync: errors that the hook does not touch arrive as they were") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  const auto clock = std::make_shared<leash::FakeClock>();
  on.connect(Context().with_clock(clock));
  std::vector<std::string> seen;
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next(AsyncHook::wrap(std::move(done), [&](AsyncHook::Done passed, Result<void> result) {
      seen.push_back(result ? std::to_string(operation.transferred) : result.error().code().message());
      CHECK((result || result.error().code().category() == std::generic_category()));
      passed(std::move(result));
    }));
  };
  must(on.far.set_read_deadline(clock->now() + 1s));
  auto late = on.read(on.far);
  on.poll();
  clock->advance(1s);
  CHECK(on.wait(late).code == asio::error::timed_out);
  CHECK(on.far.write_some(asio::buffer("x", 1)) == 1);
  must(on.far.set_read_deadline(std::nullopt));
  auto cancelled = on.read(on.far);
  on.poll();
  on.far.cancel();
  CHECK(on.wait(cancelled).code == asio::error::operation_aborted);
  must(on.near.shutdown_write());
  auto last = on.read(on.far);
  CHECK(on.wait(last).code == asio::error::eof);
  auto broken = on.write(on.near, "x");
  CHECK(on.wait(broken).code == asio::error::broken_pipe);
  asio::error_code code;
  CHECK(on.far.read_some(asio::buffer(on.buffer), code) == 0);
  CHECK(code == asio::error::eof);
  must(on.far.close());
  auto closed = on.read(on.far);
  CHECK(on.wait(closed).code == asio::error::bad_descriptor);
  CHECK(seen == std::vector<std::string>{"Connection timed out", "Operation canceled", "0", "Broken pipe",
                                         "Bad file descriptor"});
}

NETWORK_TEST("HookedAsync: dials and binds go elsewhere, and streams without the hook") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  std::string there = "127.0.0.1:0";
  int operations = 0;
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    ++operations;
    operation.network = "tcp4";
    operation.address = there;
    operation.hooks_handle = operation.kind == OperationKind::bind;
    next(std::move(done));
  };
  auto bound = on.bind(Context(), "production", "server:80");
  on.listener = must(std::move(on.wait(bound)));
  there = to_string(on.listener->address());
  auto dialled = on.dial(Context(), "server:80", "production");
  on.near = must(std::move(on.wait(dialled)));
  CHECK(on.near.remote_address() == on.listener->address());
  auto wrote = on.write(on.near, "hello");
  CHECK(on.wait(wrote).count == 5);
  CHECK(operations == 2);
  // What it goes to need not live longer than done.
  on.hook->function = [](Operation& operation, const AsyncHook::AsyncNext&, AsyncHook::Done done) {
    const auto elsewhere = std::make_unique<std::string>("a name that is too long for the string itself:80");
    operation.address = *elsewhere;
    done({});
  };
  auto nowhere = on.dial(Context(), "server:80");
  CHECK(error_of(std::move(on.wait(nowhere))).subject() == "server:80");
}

NETWORK_TEST("HookedAsync: next may be called again") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  const std::string there = to_string(on.listener->address());
  int attempts = 0;
  on.hook->function = [&](Operation& operation, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    operation.address = "nowhere";
    struct Retry {
      void operator()(AsyncHook::Done passed, Result<void> result) {
        ++attempts;
        if (result || attempts == 4) return passed(std::move(result));
        if (attempts == 3) operation.address = there;
        next(AsyncHook::wrap(std::move(passed), *this));
      }
      Operation& operation;
      AsyncHook::AsyncNext next;
      int& attempts;
      const std::string& there;
    };
    next(AsyncHook::wrap(std::move(done), Retry{operation, next, attempts, there}));
    // It is under way: what this is given is destroyed.
    bool called = false;
    next([&called](const Result<void>&) { called = true; });
    CHECK_FALSE(called);
  };
  auto dialled = on.dial(Context(), "server:80");
  must(std::move(on.wait(dialled)));
  CHECK(attempts == 4);
}

NETWORK_TEST("HookedAsync: success is the result of the last next") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  CHECK(on.near.write_some(asio::buffer("abc", 3)) == 3);
  must(on.near.shutdown_write());
  on.hook->function = [](Operation&, const AsyncHook::AsyncNext& next, AsyncHook::Done done) {
    next(AsyncHook::wrap(std::move(done),
                         [next](AsyncHook::Done first, const Result<void>&) { next(std::move(first)); }));
  };
  auto read = on.read(on.far);
  CHECK(on.wait(read).code == asio::error::eof);
  CHECK(read->count == 0);
}

NETWORK_TEST("HookedAsync: another thread calls next and done, and the handler is called by the loop's") {
  const Watchdog watchdog;
  AsyncHooked on(over);
  on.connect();
  std::vector<std::jthread> threads;
  on.hook->function = [&](Operation&, AsyncHook::AsyncNext next, AsyncHook::Done done) {
    threads.emplace_back([&threads, next = std::move(next), done = std::move(done)]() mutable {
      next([&threads, done = std::move(done)](Result<void> result) mutable {
        threads.emplace_back([done = std::move(done), result = std::move(result)]() mutable { done(result); });
      });
    });
  };
  std::thread::id caller;
  Completed<Transferred> wrote;
  on.near.async_write_some(asio::buffer("hello", 5), [&, handler = wrote.handler()](asio::error_code code, auto count) {
    caller = std::this_thread::get_id();
    handler(code, count);
  });
  CHECK(on.wait(wrote).count == 5);
  CHECK(caller == std::this_thread::get_id());
  // All at once, with several threads of the loop.
  on.hook->function = [&](Operation&, AsyncHook::AsyncNext next, AsyncHook::Done done) {
    threads.emplace_back([next = std::move(next), done = std::move(done)]() mutable { next(std::move(done)); });
  };
  std::atomic<int> dialled{0};
  for (int i = 0; i != 20; ++i) {
    on.dialer->async_dial(Context(), "tcp", to_string(on.listener->address()),
                          [&](const Result<Stream>& stream) { dialled += stream ? 1 : 0; });
    on.listener->async_accept(Context(), [&](const Result<Stream>& stream) { dialled += stream ? 1 : 0; });
  }
  on.loop.restart();
  {
    const std::jthread second([&] { on.loop.run(); });
    on.loop.run();
  }
  CHECK(dialled == 40);
}
