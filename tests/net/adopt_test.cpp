#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <leash/net/adopt.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/track/errc.hpp>
#include <leash/track/tracker.hpp>

#include "async_support.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

// Listening sockets of other code, taken over and given away. Connections: asio_test.cpp.

using leash::Context;
using leash::Error;
using leash::net::adopt_listener;
using leash::net::Conn;
using leash::net::Endpoint;
using leash::net::IpAddress;
using leash::net::Listener;
using leash::net::TcpBinder;
using leash::net::TcpDialer;
using leash::net::detail::SocketAddress;
using leash::os::Descriptor;

namespace {

/// A socket as other code makes it: blocking, and kept on exec.
Descriptor socket_at(const SocketAddress& address, int type = SOCK_STREAM) {
  Descriptor socket(::socket(address.family(), type, 0));
  REQUIRE(::bind(socket.get(), address.data(), address.size()) == 0);
  return socket;
}

Descriptor listening_at(const SocketAddress& address) {
  Descriptor socket = socket_at(address);
  REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

SocketAddress loopback() { return SocketAddress(Endpoint{IpAddress::loopback_v4(), 0}); }

bool is_as_it_was(const Descriptor& socket) {
  return ::fcntl(socket.get(), F_GETFD) == 0 && (::fcntl(socket.get(), F_GETFL) & O_NONBLOCK) == 0;
}

int no_delay(int socket) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &value, &size) == 0);
  return value;
}

void check_works(Listener& listener, std::string_view network = "tcp") {
  TcpDialer dialer;
  const auto near = must(dialer.dial(Context(), network, to_string(listener.address())));
  const auto far = must(listener.accept(Context()));
  CHECK(near->remote_address() == far->local_address());
  CHECK(near->local_address() == far->remote_address());
  must(near->write("there"));
  CHECK(must(read_up_to(*far, 5)) == "there");
}

}  // namespace

TEST_CASE("adopt_listener: a listening socket of TCP works as one that was bound, and keeps its options") {
  const Watchdog watchdog;
  const auto before = open_descriptors();
  for (const IpAddress& ip : {IpAddress::loopback_v4(), IpAddress(), IpAddress::loopback_v6()}) {
    CAPTURE(to_string(ip));
    Descriptor socket = listening_at(SocketAddress(Endpoint{ip, 0}));
    const int number = socket.get();
    const int yes = 1;
    REQUIRE(::setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0);
    const auto listener = must(adopt_listener(Context(), socket.release()));
    CHECK(listener->native_handle() == number);
    CHECK(must(listener->address().endpoint()) == SocketAddress::local_of(number).value().endpoint());
    CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(number, F_GETFL) & O_NONBLOCK) != 0);
    check_works(*listener);
    TcpDialer dialer;
    const auto near = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
    CHECK(no_delay(must(listener->accept(Context()))->native_handle()) == 1);

    auto [context, source] = Context::background().with_cancel();
    auto accept = in_thread([&] { return listener->accept(context); });
    CHECK(accept.is_blocked());
    source.cancel();
    CHECK(error_of(accept.get()) == std::errc::operation_canceled);
    must(listener->close());
    CHECK(error_of(listener->accept(Context())) == std::errc::bad_file_descriptor);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("adopt_listener: the path of a listener of unix stays when that is closed") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::string path = directory / "socket";
  {
    const auto listener = must(adopt_listener(Context(), listening_at(SocketAddress::of_path(path)).release()));
    CHECK(listener->address() == leash::net::Address{"unix", path, 0});
    check_works(*listener, "unix");
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("adopt_listener: what it refuses stays its owner's, as it was") {
  const Watchdog watchdog;
  const auto refuses = [](const Descriptor& socket, std::errc code, std::string_view detail) {
    const Error error = error_of(adopt_listener(Context(), socket.get()));
    CHECK(error == code);
    CHECK(error.operation() == "adopt");
    CHECK(error.subject() == "descriptor " + std::to_string(socket.get()));
    CHECK(error.detail() == detail);
    CHECK(is_as_it_was(socket));
  };
  refuses(socket_at(loopback()), std::errc::invalid_argument, "the socket does not listen");
  refuses(socket_at(loopback(), SOCK_DGRAM), std::errc::invalid_argument, "no stream socket of TCP or unix");
  refuses(Descriptor(::open("/dev/null", O_RDONLY)), std::errc::not_a_socket, "");
  CHECK(error_of(adopt_listener(Context(), -1)) == std::errc::bad_file_descriptor);
  const Descriptor socket = listening_at(loopback());
  auto [context, source] = Context::background().with_cancel();
  source.cancel();
  CHECK(error_of(adopt_listener(context, socket.get())) == std::errc::operation_canceled);
  if constexpr (leash::tracking_enabled) {
    auto [tracker, tracked] = leash::track::with_tracker(Context(), {.on_late = [](const auto&) {}});
    CHECK(tracker.close().ok());
    CHECK(error_of(adopt_listener(tracked, socket.get())) == leash::track::errc::tracker_closed);
  }
  CHECK(is_as_it_was(socket));
}

TEST_CASE("adopt_listener: the listener and what it accepts are tracked") {
  if constexpr (leash::tracking_enabled) {
    const Watchdog watchdog;
    auto [tracker, tracked] = leash::track::with_tracker(Context::background());
    TcpDialer dialer;
    const auto listener = must(adopt_listener(tracked, listening_at(loopback()).release()));
    const std::string address = to_string(listener->address());
    CHECK(tracker.open_count() == 1);
    const auto report = tracker.snapshot();
    CHECK(report.groups.at(0).kind.one == "listener");
    CHECK(report.groups[0].instances.at(0).name == address);
    CHECK(report.groups[0].instances[0].descriptor == listener->native_handle());
    CHECK(std::string_view(report.groups[0].opened.site.file_name()).ends_with("adopt_test.cpp"));
    const auto near = must(dialer.dial(Context(), "tcp", address));
    const auto far = must(listener->accept(tracked));
    CHECK(tracker.open_count() == 2);
    must(far->close());
    must(listener->close());
    // By the Context of the accept, as with a TrackedBinder.
    const auto untracked = must(adopt_listener(Context(), listening_at(loopback()).release()));
    const auto next = must(dialer.dial(Context(), "tcp", to_string(untracked->address())));
    const auto accepted = must(untracked->accept(tracked));
    CHECK(tracker.open_count() == 1);
    must(accepted->close());
    CHECK(tracker.close().ok());
  }
}

TEST_CASE("Listener: release gives up the descriptor, ends what waits, and leaves the socket listening") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto before = open_descriptors();
  {
    const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
    const int number = listener->native_handle();
    auto accept = in_thread([&] { return listener->accept(Context()); });
    CHECK(accept.is_blocked());
    Descriptor released(must(listener->release()));
    CHECK(released.get() == number);
    CHECK(error_of(accept.get()) == std::errc::bad_file_descriptor);
    CHECK(listener->native_handle() == -1);
    CHECK(error_of(listener->release()) == std::errc::bad_file_descriptor);
    CHECK(error_of(listener->close()) == std::errc::bad_file_descriptor);
    // As to a process that goes on.
    const auto again = must(adopt_listener(Context(), released.release()));
    CHECK(again->address() == listener->address());
    check_works(*again);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("Listener: release leaves the path of unix where it is") {
  const Watchdog watchdog;
  const TempDir directory;
  const std::string path = directory / "socket";
  TcpBinder binder;
  auto listener = must(binder.bind(Context(), "unix", path));
  const auto again = must(adopt_listener(Context(), must(listener->release())));
  listener.reset();
  check_works(*again, "unix");
  must(again->close());
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("Listener: release of one in memory is refused, and it goes on") {
  const Watchdog watchdog;
  leash::net::MemoryNetwork network;
  const auto listener = must(network.bind(Context(), "tcp", "server:80"));
  CHECK(to_string(error_of(listener->release())) ==
        "release server:80: Operation not supported (the listener has no descriptor)");
  must(network.dial(Context(), "tcp", "server:80"));
  must(listener->accept(Context()));
}

namespace {

/// What a listener of asynchronous networks is, with a hook and a tag on it, and an accept that waits.
struct Listening {
  explicit Listening(Over over) : network(over) {
    binder.async_bind(context, "tcp", "127.0.0.1:0", [&](auto bound) {
      listener = must(std::move(bound));
      listener->async_accept(context, [&](auto stream) { accepted = error_of(std::move(stream)); });
    });
    run_until([&] { return listener != nullptr; });
  }

  template <class Done>
  void run_until(Done done) {
    network.loop.restart();
    while (!done()) network.loop.run_one();
  }

  AsyncNetwork network;
  leash::net::AsyncCountingHook counting;
  leash::net::HookedAsyncBinder hooked{network.binder, counting};
  leash::net::TrackedAsyncBinder binder{hooked};
  leash::track::TrackedContext tracked = leash::track::with_tracker(Context());
  const Context& context = tracked.context;
  std::unique_ptr<leash::net::AsyncListener> listener;
  std::optional<Error> accepted;
};

}  // namespace

TEST_CASE("AsyncListener: what is released goes on listening, and is no leak") {
  const Watchdog watchdog;
  const auto before = open_descriptors();
  {
    Listening here(Over::tcp);
    const int number = here.listener->native_handle();
    const int released = must(here.listener->release());
    CHECK(released == number);
    here.run_until([&] { return here.accepted.has_value(); });
    CHECK(*here.accepted == std::errc::bad_file_descriptor);
    CHECK(error_of(here.listener->release()) == std::errc::bad_file_descriptor);
    CHECK(here.listener->native_handle() == -1);
    CHECK(here.counting.counts()[leash::net::OperationKind::listener_release].calls == 2);
    here.listener.reset();
    const auto listener = must(adopt_listener(Context(), released));
    check_works(*listener);
    CHECK(here.tracked.tracker.close().ok());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("AsyncListener: one in memory has nothing to release, and stays open") {
  Listening here(Over::memory);
  CHECK(error_of(here.listener->release()) == std::errc::operation_not_supported);
  CHECK_FALSE(here.accepted);
  must(here.listener->close());
  CHECK(here.tracked.tracker.close().ok());
}
