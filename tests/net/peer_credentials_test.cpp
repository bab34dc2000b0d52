#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <leash/net/adopt.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/hooked_binder.hpp>
#include <leash/net/hooked_dialer.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/track/tracker.hpp>

#include "support.hpp"

using leash::Context;
using leash::Error;
using leash::Result;
using leash::net::Conn;
using leash::net::PeerCredentials;
using leash::net::detail::SocketAddress;

namespace {

PeerCredentials own() { return {.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()}; }

std::string abstract_name() { return "@leash-peer-credentials-" + std::to_string(::getpid()); }

/// Stands in the way of nothing.
struct Passing final : leash::net::NetworkHook {
  Result<void> around(leash::net::Operation&, Next next) override { return next(); }
};

}  // namespace

NETWORK_TEST("peer_credentials: both ends of a connection within a process are that process, decorated or not") {
  const Watchdog watchdog;
  Network network(over);
  Passing hook;
  leash::net::HookedDialer hooked_dialer(network.dialer, hook);
  leash::net::HookedBinder hooked_binder(network.binder, hook);
  leash::net::TrackedDialer tracked_dialer(hooked_dialer);
  leash::net::TrackedBinder tracked_binder(hooked_binder);
  auto [tracker, context] = leash::track::with_tracker(Context());
  const auto listener = must(tracked_binder.bind(context, "unix", abstract_name()));
  const auto near = must(tracked_dialer.dial(context, "unix", abstract_name()));
  const auto far = must(listener->accept(context));
  CHECK(must(near->peer_credentials()) == own());
  CHECK(must(far->peer_credentials()) == own());
  must(near->close());
  CHECK(must(far->peer_credentials()) == own());
  const Error error = error_of(near->peer_credentials());
  CHECK(to_string(error) == "peer_credentials (unnamed) -> " + abstract_name() + ": Bad file descriptor");
}

NETWORK_TEST("peer_credentials: a connection of TCP has none") {
  const Watchdog watchdog;
  Network network(over);
  const Pair pair = make_pair(network);
  for (Conn* const conn : {pair.near.get(), pair.far.get()}) {
    const Error error = error_of(conn->peer_credentials());
    CHECK(to_string(error) == "peer_credentials " + name_of(*conn) + ": Operation not supported");
    CHECK(error == std::errc::operation_not_supported);
    must(conn->close());
    CHECK(error_of(conn->peer_credentials()) == std::errc::bad_file_descriptor);
  }
}

TEST_CASE("peer_credentials: of an implementation that knows of none") {
  class BareConn final : public Conn {
    Result<std::size_t> do_read(std::span<std::byte>, std::source_location) override { return 0; }
    Result<void> do_write(std::span<const std::byte>, std::source_location) override { return {}; }
    Result<void> do_close_write(std::source_location) override { return {}; }
    Result<void> do_close(std::source_location) override { return {}; }
    Result<void> do_reset(std::source_location) override { return {}; }
    Result<void> do_set_deadline(leash::net::Direction, std::optional<leash::Clock::time_point>,
                                 std::source_location) override {
      return {};
    }
    leash::net::Address do_local_address() const override { return {"unix", "/here", 0}; }
    leash::net::Address do_remote_address() const override { return {"unix", "/there", 0}; }
    int do_native_handle() const noexcept override { return -1; }
    Result<int> do_release(std::source_location) override { return -1; }
  };
  BareConn conn;
  CHECK(to_string(error_of(conn.peer_credentials())) == "peer_credentials /here -> /there: Operation not supported");
}

TEST_CASE("peer_credentials: of another process, which dialled") {
  const Watchdog watchdog;
  leash::net::TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "unix", abstract_name()));
  const SocketAddress address = SocketAddress::of_path(abstract_name());
  const bool is_root = ::geteuid() == 0;
  const ::pid_t child = ::fork();
  if (child == 0) {
    // Nothing but system calls: other threads may have had a lock.
    if (is_root && (::setgid(4321) != 0 || ::setuid(1234) != 0)) ::_exit(2);
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(number, address.data(), address.size()) != 0) ::_exit(3);
    char byte = 0;
    // Until the parent has seen enough, or has ended.
    ::_exit(::read(number, &byte, 1) == 1 ? 0 : 4);
  }
  REQUIRE(child > 0);
  const auto conn = must(listener->accept(Context()));
  const PeerCredentials credentials = must(conn->peer_credentials());
  must(conn->write("x"));
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(credentials.pid == child);
  CHECK(credentials.uid == (is_root ? 1234 : ::geteuid()));
  CHECK(credentials.gid == (is_root ? 4321 : ::getegid()));
  // Those of then, though the process is gone.
  CHECK(must(conn->peer_credentials()) == credentials);
}

TEST_CASE("peer_credentials: of a socket that was taken over") {
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const leash::os::Descriptor other(ends[1]);
  const auto conn = must(leash::net::adopt(Context(), ends[0]));
  CHECK(must(conn->peer_credentials()) == own());
}
