#include <algorithm>
#include <array>
#include <atomic>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <leash/os/descriptor.hpp>
#include <set>
#include <utility>

#include "hooked.hpp"
#include "recorder.hpp"
#include "support.hpp"

using leash::Context;
using leash::Result;
using leash::net::Conn;
using leash::net::Listener;
using leash::net::Operation;
using leash::net::OperationKind;

namespace {

/// What a hook was told, as it was when the operation was over.
struct Seen {
  OperationKind kind{};
  std::string network;
  std::string address;
  std::string local;
  std::string remote;
  std::string text;
  leash::net::Direction direction{};
  bool has_deadline = false;
  std::uint64_t size = 0;
  std::uint64_t transferred = 0;
  std::string note;  ///< The innermost of the Context.
  unsigned line = 0;
  bool succeeded = false;

  static Seen of(const Operation& operation, bool succeeded) {
    Seen seen;
    seen.kind = operation.kind;
    seen.network = operation.network;
    seen.address = operation.address;
    if (operation.local != nullptr) seen.local = to_string(*operation.local);
    if (operation.remote != nullptr) seen.remote = to_string(*operation.remote);
    seen.text = operation.note;
    seen.direction = operation.direction;
    seen.has_deadline = operation.deadline.has_value();
    seen.size = operation.size;
    seen.transferred = operation.transferred;
    const auto notes = operation.context.notes().list();
    if (!notes.empty()) seen.note = notes.back().text;
    seen.line = operation.site.line();
    seen.succeeded = succeeded;
    return seen;
  }
};

/// Keeps what passes through the hook, and changes nothing.
class Watch {
 public:
  explicit Watch(Hook& hook) {
    hook.function = [this](Operation& operation, Hook::Next next) {
      Result<void> result = next();
      seen_.push_back(Seen::of(operation, result.has_value()));
      return result;
    };
  }

  /// The only operation since the last call.
  Seen take_one() {
    REQUIRE(seen_.size() == 1);
    Seen one = std::move(seen_.front());
    seen_.clear();
    return one;
  }

 private:
  std::vector<Seen> seen_;
};

}  // namespace

NETWORK_TEST("Hooked: a hook sees each operation once, with all that there is to it") {
  const Watchdog watchdog;
  Hooked on(over);
  Watch watch(on.hook);
  const Context opening = Context().with_note("opening");
  const Context accepting = Context().with_note("accepting");
  const auto saw = [&](OperationKind kind, unsigned line, std::string_view note = "opening") {
    CAPTURE(to_string(kind));
    Seen seen = watch.take_one();
    CHECK(seen.kind == kind);
    CHECK(seen.line == line);
    CHECK(seen.note == note);
    CHECK(seen.succeeded);
    return seen;
  };
  using Kind = OperationKind;
  // clang-format off
  const auto listener = must(on.binder.bind(opening, "tcp", "127.0.0.1:0")); const Seen bound = saw(Kind::bind, __LINE__);
  const std::string there = to_string(listener->address());
  const auto near = must(on.dialer.dial(opening, "tcp", there)); const Seen dialled = saw(Kind::dial, __LINE__);
  const auto far = must(listener->accept(accepting)); const Seen accepted = saw(Kind::listener_accept, __LINE__, "accepting");
  // clang-format on
  CHECK(bound.network == "tcp");
  CHECK(bound.address == "127.0.0.1:0");
  CHECK(bound.local == there);
  CHECK(bound.remote.empty());
  CHECK(dialled.network == "tcp");
  CHECK(dialled.address == there);
  CHECK(dialled.local == to_string(near->local_address()));
  CHECK(dialled.remote == there);
  CHECK(accepted.address.empty());
  CHECK(accepted.local == there);
  CHECK(accepted.remote == dialled.local);

  const auto ends = [&](const Seen& seen, const Conn& conn) {
    CHECK(seen.local == to_string(conn.local_address()));
    CHECK(seen.remote == to_string(conn.remote_address()));
    CHECK(seen.network.empty());
    CHECK(seen.address.empty());
  };
  const auto moved = [&](const Seen& seen, std::uint64_t size, std::uint64_t transferred) {
    CHECK(seen.size == size);
    CHECK(seen.transferred == transferred);
  };
  const auto until = [&](const Seen& seen, leash::net::Direction direction, bool has_deadline) {
    CHECK(seen.direction == direction);
    CHECK(seen.has_deadline == has_deadline);
  };
  std::array<std::byte, 20> buffer{};
  const std::array<std::span<std::byte>, 2> buffers{std::span(buffer).first(2), std::span(buffer).subspan(2)};
  const std::array<std::span<const std::byte>, 2> pieces{bytes_of("ab"), bytes_of("cde")};
  const auto never = leash::Clock::time_point::max();
  using leash::net::Direction;
  // clang-format off
  must(near->write("123")); const Seen written = saw(Kind::conn_write, __LINE__); ends(written, *near); moved(written, 3, 3);
  CHECK(must(far->read(buffer)) == 3); const Seen read = saw(Kind::conn_read, __LINE__, "accepting"); ends(read, *far); moved(read, 20, 3);
  must(far->writev(pieces)); moved(saw(Kind::conn_writev, __LINE__, "accepting"), 5, 5);
  const std::size_t got = must(near->readv(buffers)); moved(saw(Kind::conn_readv, __LINE__), 20, got);
  must(near->set_deadline(never)); until(saw(Kind::conn_set_deadline, __LINE__), Direction::both, true);
  must(near->set_read_deadline(std::nullopt)); until(saw(Kind::conn_set_deadline, __LINE__), Direction::read, false);
  must(near->set_write_deadline(never)); until(saw(Kind::conn_set_deadline, __LINE__), Direction::write, true);
  near->note("GET /"); CHECK(saw(Kind::conn_note, __LINE__).text == "GET /");
  must(near->close_write()); ends(saw(Kind::conn_close_write, __LINE__), *near);
  must(near->close()); saw(Kind::conn_close, __LINE__);
  must(far->reset()); saw(Kind::conn_reset, __LINE__, "accepting");
  must(listener->close()); CHECK(saw(Kind::listener_close, __LINE__).local == there);
  // clang-format on
  must_fail(near->read(buffer));
  CHECK_FALSE(watch.take_one().succeeded);
}

NETWORK_TEST("Hooked: a descriptor that is released is told of") {
  const Watchdog watchdog;
  Hooked on(over);
  const Pair pair = make_pair(on.dialer, on.binder);
  Watch watch(on.hook);
  const Result<int> released = pair.near->release();
  const leash::os::Descriptor descriptor(released.value_or(-1));
  const Seen seen = watch.take_one();
  CHECK(seen.kind == OperationKind::conn_release);
  CHECK(seen.succeeded == (over == Over::tcp));
  CHECK(pair.far->native_handle() == (over == Over::tcp ? pair.far->native_handle() : -1));

  const leash::os::Descriptor listening(pair.listener->release().value_or(-1));
  const Seen seen_of_listener = watch.take_one();
  CHECK(seen_of_listener.kind == OperationKind::listener_release);
  CHECK(seen_of_listener.local == to_string(pair.listener->address()));
  CHECK(seen_of_listener.succeeded == (over == Over::tcp));
}

NETWORK_TEST("Hooked: a released descriptor that the hook withholds is closed") {
  const Watchdog watchdog;
  Hooked on(over);
  const auto before = open_descriptors();
  {
    const Pair pair = make_pair(on.dialer, on.binder);
    on.hook.function = broken_afterwards;
    CHECK(error_of(pair.near->release()) == std::errc::io_error);
    CHECK(to_string(error_of(pair.listener->release())) ==
          "release " + to_string(pair.listener->address()) + ": Input/output error (by the hook)");
    // Read through the inner connection: the end of the stream is there as soon as the descriptor is closed.
    on.hook.function = [](Operation&, Hook::Next next) { return next(); };
    if (over == Over::tcp) CHECK(must(read_all(*pair.far)).empty());
  }
  CHECK(open_descriptors() == before);
}

NETWORK_TEST("Hooked: a read is made shorter, and a write is made of several operations") {
  const Watchdog watchdog;
  Hooked on(over);
  const Pair pair = make_pair(on.dialer, on.binder);
  std::uint64_t most = 3;
  std::vector<std::uint64_t> asked;
  std::vector<std::uint64_t> transferred;
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    asked.push_back(operation.size);
    operation.size = most;
    Result<void> result = next();
    transferred.push_back(operation.transferred);
    return result;
  };
  must(pair.near->write("0123456789"));
  CHECK(asked == std::vector<std::uint64_t>{10, 7, 4, 1});
  CHECK(transferred == std::vector<std::uint64_t>{3, 3, 3, 1});
  std::array<std::byte, 9> buffer{};
  asked.clear();
  CHECK(must(pair.far->read(buffer)) == 3);
  CHECK(asked == std::vector<std::uint64_t>{9});
  const std::array<std::span<std::byte>, 3> buffers{std::span<std::byte>(), std::span(buffer).first(2),
                                                    std::span(buffer).subspan(2)};
  const std::size_t count = must(pair.far->readv(buffers));
  CHECK((count == 2 || count == 3));
  CHECK(static_cast<char>(buffer[0]) == '3');
  CHECK(static_cast<char>(buffer[1]) == '4');
  most = UINT64_MAX;
  CHECK(must(read_up_to(*pair.far, 7 - count)) == std::string_view("0123456789").substr(3 + count));

  const std::array<std::span<const std::byte>, 4> pieces{bytes_of("ab"), bytes_of(""), bytes_of("cdef"), bytes_of("g")};
  most = 3;
  asked.clear();
  must(pair.near->writev(pieces));
  CHECK(asked == std::vector<std::uint64_t>{7, 4, 1});
  // A write of nothing would never end, and one of nothing is asked for once.
  most = 0;
  asked.clear();
  must(pair.near->write("hi"));
  must(pair.near->write(""));
  CHECK(asked == std::vector<std::uint64_t>{2, 1, 0});
  most = UINT64_MAX;
  CHECK(must(read_up_to(*pair.far, 9)) == "abcdefghi");
}

NETWORK_TEST("Hooked: dials and binds go to other addresses") {
  const Watchdog watchdog;
  Hooked on(over);
  std::string there;
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    // Neither text lives longer than this call.
    const std::string network = "tcp4";
    const std::string address = there;
    if (operation.network == "production") {
      operation.network = network;
      operation.address = address;
    }
    return next();
  };
  there = "127.0.0.1:0";
  const auto listener = must(on.binder.bind(Context(), "production", "server:80"));
  there = to_string(listener->address());
  const auto near = must(on.dialer.dial(Context(), "production", "server:80"));
  CHECK(near->remote_address() == listener->address());
  must(listener->close());
  CHECK(to_string(error_of(on.dialer.dial(Context(), "production", "server:80"))).starts_with("dial " + there));
  there = "nowhere";
  CHECK(error_of(on.dialer.dial(Context(), "production", "server:80")) == std::errc::invalid_argument);
  CHECK(error_of(on.binder.bind(Context(), "production", "server:80")) == std::errc::invalid_argument);
}

TEST_CASE("Hooked: the Context is looked at again after the hook has waited") {
  RecordingNetwork network;
  Hook hook;
  leash::net::HookedDialer dialer(network, hook);
  leash::net::HookedBinder binder(network, hook);
  const auto listener = must(binder.bind(Context(), "tcp", "here:1"));
  network.log.clear();
  for (const int operation : {0, 1, 2}) {
    const leash::Cancellable cancellable = Context().with_cancel();
    hook.function = [&](Operation&, Hook::Next next) {
      cancellable.source.cancel();
      return next();
    };
    if (operation == 0)
      CHECK(error_of(dialer.dial(cancellable.context, "tcp", "there:1")) == std::errc::operation_canceled);
    if (operation == 1)
      CHECK(error_of(binder.bind(cancellable.context, "tcp", "here:1")) == std::errc::operation_canceled);
    if (operation == 2) CHECK(error_of(listener->accept(cancellable.context)) == std::errc::operation_canceled);
  }
  // An accept that is cancelled names the address.
  CHECK(std::erase(network.log, "address") == 1);
  CHECK(network.log.empty());
}

TEST_CASE("Hooked: a handle that a hook declines is that of the inner network itself") {
  RecordingNetwork network;
  Hook hook;
  leash::net::HookedDialer dialer(network, hook);
  leash::net::HookedBinder binder(network, hook);
  bool hooks = true;
  hook.function = [&](Operation& operation, Hook::Next next) {
    operation.hooks_handle = hooks;
    return next();
  };
  const auto listener = must(binder.bind(Context(), "tcp", "here:1"));
  CHECK(dynamic_cast<RecordingListener*>(listener.get()) == nullptr);
  CHECK(dynamic_cast<RecordingConn*>(must(listener->accept(Context())).get()) == nullptr);
  CHECK(dynamic_cast<RecordingConn*>(must(dialer.dial(Context(), "tcp", "there:1")).get()) == nullptr);
  hooks = false;
  CHECK(dynamic_cast<RecordingListener*>(must(binder.bind(Context(), "tcp", "here:1")).get()) != nullptr);
  CHECK(dynamic_cast<RecordingConn*>(must(listener->accept(Context())).get()) != nullptr);
  CHECK(dynamic_cast<RecordingConn*>(must(dialer.dial(Context(), "tcp", "there:1")).get()) != nullptr);
}

NETWORK_TEST("Hooked: dialers, binders and handles outlive the hook, and go on without it; handles outlive them all") {
  Network network(over);
  int calls = 0;
  Pair pair;
  Pair later;
  {
    auto hook = std::make_unique<Hook>();
    leash::net::HookedDialer dialer(network.dialer, *hook);
    leash::net::HookedBinder binder(network.binder, *hook);
    hook->function = [&](Operation&, Hook::Next next) {
      ++calls;
      return next();
    };
    pair = make_pair(dialer, binder);
    CHECK(calls == 3);
    hook.reset();
    later = make_pair(dialer, binder);
  }
  for (Pair* const each : {&pair, &later}) {
    must(each->near->write("12345"));
    CHECK(must(read_up_to(*each->far, 5)) == "12345");
    const auto near = must(network.dialer.dial(Context(), "tcp", to_string(each->listener->address())));
    CHECK(must(each->listener->accept(Context()))->remote_address() == near->local_address());
    must(each->near->close());
    must(each->far->reset());
    must(each->listener->close());
  }
  CHECK(calls == 3);
}

NETWORK_TEST("Hooked: two threads are in the hook at once, and a close ends what waits in it") {
  const Watchdog watchdog;
  Hooked on(over);
  const Pair pair = make_pair(on.dialer, on.binder);
  std::atomic<int> calls{0};
  std::promise<void> reading;
  std::promise<void> writing;
  // The read goes on when a write is in the hook, and the write when the read is.
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    calls.fetch_add(1);
    if (operation.kind == OperationKind::conn_read) {
      reading.set_value();
      writing.get_future().wait();
    }
    if (operation.kind == OperationKind::conn_write) {
      writing.set_value();
      reading.get_future().wait();
    }
    return next();
  };
  auto read = in_thread([&] { return read_some(*pair.far); });
  must(pair.near->write("both"));
  CHECK(must(read.get()) == "both");
  CHECK(calls == 2);

  std::promise<void> waiting;
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    if (operation.kind == OperationKind::conn_read) waiting.set_value();
    return next();
  };
  auto ended = in_thread([&] { return read_some(*pair.far); });
  waiting.get_future().wait();
  must(pair.far->close());
  CHECK(error_of(ended.get()) == std::errc::bad_file_descriptor);
}

NETWORK_TEST("Hooked: many threads use a hooked network and its connections at once") {
  const Watchdog watchdog;
  Hooked on(over);
  std::atomic<int> calls{0};
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    calls.fetch_add(1, std::memory_order_relaxed);
    operation.size = std::min<std::uint64_t>(operation.size, 2);
    return next();
  };
  constexpr int rounds = 10;
  constexpr int threads = 4;
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread != threads; ++thread) {
      workers.emplace_back([&] {
        for (int round = 0; round != rounds; ++round) {
          const auto listener = on.binder.bind(Context(), "tcp", "127.0.0.1:0");
          if (!listener) {
            ++failures;
            continue;
          }
          const auto near = on.dialer.dial(Context(), "tcp", to_string((*listener)->address()));
          const auto far = (*listener)->accept(Context());
          std::byte buffer[4];
          const bool done = near && far && (*near)->write("1234") && (*far)->read(buffer) && (*near)->close() &&
                            (*far)->close() && (*listener)->close();
          if (!done) ++failures;
        }
      });
    }
  }
  CHECK(failures == 0);
  CHECK(calls == threads * rounds * 9);
}

TEST_CASE("Hooked: a hook waits by the clock of the Context, whose end has no effect on what it has opened") {
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context context = Context().with_clock(clock).with_timeout(1s);
  RecordingNetwork network;
  Hook hook;
  leash::net::HookedDialer dialer(network, hook);
  leash::net::HookedBinder binder(network, hook);
  hook.function = [&](Operation& operation, Hook::Next next) {
    CHECK(operation.context.clock() == clock);
    clock->advance(600ms);
    if (Result<void> checked = operation.context.check("hook", ""); !checked) return checked;
    return next();
  };
  const auto conn = must(dialer.dial(context, "tcp", "there:1"));
  CHECK(error_of(binder.bind(context, "tcp", "here:1")) == std::errc::timed_out);
  must(conn->write("x"));
  const auto listener = must(binder.bind(Context().with_clock(clock).with_timeout(1s), "tcp", "here:1"));
  const auto accepted = must(listener->accept(Context().with_clock(clock).with_timeout(1s)));
  must(accepted->write("x"));
  must(listener->close());
}

TEST_CASE("Hooked: each kind of operation has a name of its own, as code writes it") {
  std::set<std::string_view> names;
  for (std::size_t kind = 0; kind != leash::net::operation_kinds; ++kind) {
    names.insert(to_string(static_cast<OperationKind>(kind)));
  }
  CHECK(names.size() == leash::net::operation_kinds);
  CHECK(to_string(OperationKind::dial) == "dial");
  CHECK(to_string(OperationKind::conn_close_write) == "Conn::close_write");
  CHECK(to_string(OperationKind::listener_accept) == "Listener::accept");
}
