#include <algorithm>
#include <array>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <stdexcept>

#include "hooked.hpp"
#include "recorder.hpp"
#include "support.hpp"

using leash::Context;
using leash::Result;
using leash::net::MemoryNetwork;
using leash::net::Operation;
using leash::net::OperationKind;

// Operations that a hook fails, repeats or leaves out, and what is told of them.

NETWORK_TEST("Hooked: the Error of a write tells how much was written before, in which operations") {
  const Watchdog watchdog;
  Hooked on(over);
  const Pair pair = make_pair(on.dialer, on.binder);
  int calls = 0;
  on.hook.function = [&](Operation& operation, Hook::Next next) -> Result<void> {
    if (++calls == 3) return operation.fail(std::errc::connection_reset, "by the hook");
    operation.size = 4;
    return next();
  };
  const leash::Error error = error_of(pair.near->write("0123456789"));
  CHECK(error == std::errc::connection_reset);
  CHECK(error.operation() == "write");
  CHECK(error.subject() == name_of(*pair.near));
  CHECK(error.detail() == "8 of 10 bytes written");
  CHECK(error.transferred() == 8);
  REQUIRE(error.causes().size() == 1);
  CHECK(error.causes().front().detail() == "by the hook");
}

TEST_CASE("Hooked: a write that fails has transferred what the pieces before and a part of the last one were") {
  const Watchdog watchdog;
  MemoryNetwork network(MemoryNetwork::Options{.buffer = 10});
  Hook hook;
  leash::net::HookedDialer dialer(network, hook);
  const Pair pair = make_pair(dialer, network);
  std::uint64_t most = 0;
  std::vector<std::uint64_t> transferred;
  hook.function = [&](Operation& operation, Hook::Next next) {
    if (operation.kind != OperationKind::conn_write) return next();
    operation.size = std::min(operation.size, most);
    Result<void> result = next();
    transferred.push_back(operation.transferred);
    return result;
  };
  const auto write_in_pieces_of = [&](std::uint64_t size) {
    most = size;
    transferred.clear();
    must(pair.near->set_write_deadline(std::nullopt));
    auto writer = in_thread([&] { return pair.near->write("0123456789abcdef"); });
    writer.wait_until_blocked();
    must(pair.near->set_write_deadline(leash::Clock::time_point::min()));
    return error_of(writer.get());
  };

  const leash::Error whole = write_in_pieces_of(100);
  CHECK(whole.detail() == "10 of 16 bytes written");
  CHECK(whole.transferred() == 10);
  CHECK(whole.causes().empty());
  CHECK(transferred == std::vector<std::uint64_t>{10});
  CHECK(must(read_up_to(*pair.far, 10)) == "0123456789");

  const leash::Error pieces = write_in_pieces_of(4);
  CHECK(pieces.detail() == "10 of 16 bytes written");
  CHECK(pieces.transferred() == 10);
  REQUIRE(pieces.causes().size() == 1);
  CHECK(pieces.causes().front().detail() == "2 of 4 bytes written");
  CHECK(transferred == std::vector<std::uint64_t>{4, 4, 2});
  CHECK(must(read_up_to(*pair.far, 10)) == "0123456789");

  const leash::Error first_piece = write_in_pieces_of(12);
  CHECK(first_piece.detail() == "10 of 16 bytes written");
  CHECK(first_piece.transferred() == 10);
}

NETWORK_TEST("Hooked: an Error that a hook makes of what has taken effect tells how much has") {
  const Watchdog watchdog;
  Hooked on(over);
  const Pair pair = make_pair(on.dialer, on.binder);
  on.hook.function = [](Operation& operation, Hook::Next next) -> Result<void> {
    if (auto done = next(); !done) return done;
    return operation.fail(std::errc::io_error);
  };
  CHECK(error_of(pair.near->write("1234")).transferred() == 4);
  CHECK(error_of(read_some(*pair.far)).transferred() == 4);
  CHECK(error_of(pair.near->set_deadline(std::nullopt)).transferred() == 0);
}

NETWORK_TEST("Hooked: a hook fails an operation before it, after it, and names it as the network does") {
  const Watchdog watchdog;
  Hooked on(over);
  on.hook.function = fails_by_hook;
  CHECK(to_string(error_of(on.dialer.dial(Context(), "tcp", "a:1"))) == "dial a:1: Input/output error (by the hook)");
  CHECK(to_string(error_of(on.binder.bind(Context(), "tcp", "b:1"))) == "bind b:1: Input/output error (by the hook)");
  on.hook.function = [](Operation&, Hook::Next next) { return next(); };
  const auto before = open_descriptors();
  {
    const Pair pair = make_pair(on.dialer, on.binder);
    const std::string there = to_string(pair.listener->address());
    on.hook.function = broken_afterwards;
    // What was opened is closed again.
    CHECK(to_string(error_of(on.dialer.dial(Context(), "tcp", there))) ==
          "dial " + there + ": Input/output error (by the hook)");
    CHECK(to_string(error_of(pair.listener->accept(Context()))) ==
          "accept " + there + ": Input/output error (by the hook)");
    CHECK(error_of(on.binder.bind(Context(), "tcp", "127.0.0.1:0")) == std::errc::io_error);
    CHECK(to_string(error_of(pair.near->write("written"))) ==
          "write " + name_of(*pair.near) + ": Input/output error (by the hook)");
    const std::array<std::span<const std::byte>, 1> pieces{bytes_of("!")};
    CHECK(error_of(pair.near->writev(pieces)).operation() == "write");
    on.hook.function = [](Operation&, Hook::Next next) { return next(); };
    CHECK(must(read_up_to(*pair.far, 8)) == "written!");
    on.hook.function = fails_by_hook;
    CHECK(error_of(pair.near->set_deadline(std::nullopt)).operation() == "set_deadline");
    CHECK(error_of(pair.near->close_write()) == std::errc::io_error);
    std::byte byte{};
    CHECK(to_string(error_of(pair.near->read({&byte, 1}))) ==
          "read " + name_of(*pair.near) + ": Input/output error (by the hook)");
    const std::array<std::span<std::byte>, 1> buffers{std::span(&byte, 1)};
    CHECK(error_of(pair.near->readv(buffers)).operation() == "read");
    pair.near->note("of no matter");
  }
  CHECK(open_descriptors() == before);
}

NETWORK_TEST("Hooked: a hook carries an operation out twice, or again after a failure") {
  const Watchdog watchdog;
  Hooked on(over);
  on.hook.function = [](Operation& operation, Hook::Next next) {
    if (operation.kind == OperationKind::dial || operation.kind == OperationKind::conn_write) static_cast<void>(next());
    return next();
  };
  const auto listener = must(on.binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto near = must(on.dialer.dial(Context(), "tcp", to_string(listener->address())));
  // The first one was closed when the second came.
  CHECK(must(read_all(*must(listener->accept(Context())))).empty());
  const auto far = must(listener->accept(Context()));
  CHECK(far->remote_address() == near->local_address());
  must(near->write("ab"));
  CHECK(must(read_up_to(*far, 4)) == "abab");

  std::string address = "127.0.0.1:bad";
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    operation.address = address;
    if (Result<void> result = next()) return result;
    CHECK(operation.remote == nullptr);
    address = to_string(listener->address());
    operation.address = address;
    return next();
  };
  CHECK(must(on.dialer.dial(Context(), "tcp", "x:1"))->remote_address() == listener->address());

  // The first time it succeeds, the second time not: there is nothing that has ends any more.
  on.hook.function = [&](Operation& operation, Hook::Next next) {
    const std::string there = to_string(listener->address());
    operation.address = there;
    CHECK(next());
    operation.address = "bad";
    Result<void> result = next();
    CHECK(operation.local == nullptr);
    CHECK(operation.remote == nullptr);
    return result;
  };
  CHECK(error_of(on.dialer.dial(Context(), "tcp", "x:1")) == std::errc::invalid_argument);
}

NETWORK_TEST("Hooked: a hook lets an operation not happen") {
  const Watchdog watchdog;
  Hooked on(over);
  const Pair pair = make_pair(on.dialer, on.binder);
  on.hook.function = [](Operation& operation, Hook::Next) {
    const std::string gone = "of no matter, and no longer there when the operation is over";
    operation.address = gone;
    return Result<void>();
  };
  must(pair.near->write("lost"));
  std::byte byte{};
  CHECK(must(pair.far->read({&byte, 1})) == 0);
  must(pair.near->close_write());
  // But a handle cannot be made of nothing, and 0 would be a descriptor.
  CHECK(to_string(error_of(on.dialer.dial(Context(), "tcp", "a:1"))) ==
        "dial a:1: Operation canceled (the hook did not let it happen)");
  CHECK(error_of(on.binder.bind(Context(), "tcp", "a:1")) == std::errc::operation_canceled);
  CHECK(error_of(pair.listener->accept(Context())) == std::errc::operation_canceled);
  CHECK(error_of(pair.near->release()) == std::errc::operation_canceled);
  on.hook.function = [](Operation& operation, Hook::Next next) {
    const Result<void> result = next();
    CHECK_FALSE(result);
    CHECK(operation.local == nullptr);
    return Result<void>();
  };
  CHECK(error_of(on.dialer.dial(Context(), "tcp", "bad")) == std::errc::invalid_argument);
  CHECK(error_of(on.binder.bind(Context(), "tcp", "bad")) == std::errc::invalid_argument);
  // The hook says success though the read failed: that is the end of the stream.
  on.hook.function = [](Operation&, Hook::Next next) { return next(); };
  must(pair.far->set_read_deadline(leash::Clock::real()->now() - 1s));
  CHECK(error_of(pair.far->read({&byte, 1})) == std::errc::timed_out);
  on.hook.function = [](Operation&, Hook::Next next) {
    CHECK_FALSE(next());
    return Result<void>();
  };
  CHECK(must(pair.far->read({&byte, 1})) == 0);
  on.hook.function = [](Operation&, Hook::Next next) { return next(); };
  must(pair.far->set_read_deadline(std::nullopt));
  must(pair.near->write("x"));
  CHECK(must(read_up_to(*pair.far, 1)) == "x");
}

TEST_CASE("Hooked: close and reset close whatever the hook does") {
  RecordingNetwork network;
  Hook hook;
  leash::net::HookedDialer dialer(network, hook);
  leash::net::HookedBinder binder(network, hook);
  enum class Does : unsigned char { fails, fails_afterwards, nothing, throws };
  for (const Does does : {Does::fails, Does::fails_afterwards, Does::nothing, Does::throws}) {
    for (const std::string_view closing : {"close", "reset", "listener"}) {
      CAPTURE(closing);
      hook.function = [](Operation&, Hook::Next next) { return next(); };
      const auto conn = must(dialer.dial(Context(), "tcp", "there:1"));
      const auto listener = must(binder.bind(Context(), "tcp", "here:1"));
      network.log.clear();
      hook.function = [&](Operation& operation, Hook::Next next) -> Result<void> {
        if (does == Does::throws) throw std::runtime_error("by the hook");
        if (does == Does::fails_afterwards) CHECK(next());
        if (does == Does::nothing) return {};
        return operation.fail(std::errc::io_error);
      };
      const auto close = [&] {
        if (closing == "listener") return listener->close();
        return closing == "close" ? conn->close() : conn->reset();
      };
      if (does == Does::throws) {
        CHECK_THROWS_AS(static_cast<void>(close()), std::runtime_error);
      } else {
        CHECK(close().has_value() == (does == Does::nothing));
      }
      CHECK(network.log.size() == 1);
    }
  }
}
