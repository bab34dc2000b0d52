#include <asio/io_context.hpp>
#include <asio/system_error.hpp>
#include <cerrno>
#include <leash/net/asio.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

#include "descriptor_limit.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

// A process that is out of descriptors.

using leash::Context;
using leash::Error;
using leash::Result;
using leash::net::Conn;
using leash::net::Listener;
using leash::net::TcpBinder;
using leash::net::TcpDialer;

TEST_CASE("TcpBinder: out of descriptors, a bind fails with an Error and leaks nothing") {
  const Watchdog watchdog;
  TcpBinder binder;
  const auto fillers = fill_gaps();
  const auto before = open_descriptors();
  Result<std::unique_ptr<Listener>> listener = std::unexpected(Error("none", "", std::errc::interrupted));
  {
    const DescriptorLimit limit(0);
    listener = binder.bind(Context(), "tcp", "127.0.0.1:0");
  }
  CHECK(error_of(std::move(listener)) == std::errc::too_many_files_open);
  CHECK(open_descriptors() == before);
}

TEST_CASE("TcpDialer: out of descriptors, a dial fails with an Error or works, and leaks nothing") {
  const Watchdog watchdog;
  TcpDialer dialer;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  const auto fillers = fill_gaps();
  const auto before = open_descriptors();
  int failed = 0;
  for (rlim_t count = 0; count < 10; ++count) {
    Result<std::unique_ptr<Conn>> conn = std::unexpected(Error("none", "", std::errc::interrupted));
    {
      const DescriptorLimit limit(count);
      conn = dialer.dial(Context(), "tcp", address);
    }
    if (!conn) {
      ++failed;
      CHECK_MESSAGE(conn.error() == std::errc::too_many_files_open, to_string(conn.error()));
      CHECK(conn.error().operation() == "dial");
      CHECK(conn.error().subject() == address);
    }
    conn = std::unexpected(Error("none", "", std::errc::interrupted));
    CHECK(open_descriptors() == before);
  }
  // One descriptor is enough.
  CHECK(failed == 1);
}

TEST_CASE(
    "TrackedDialer: out of descriptors at each step of a dial, there is a connection or an Error, and no tag stays") {
  const Watchdog watchdog;
  const TempDir directory;
  TcpDialer tcp_dialer;
  TcpBinder binder;
  leash::net::TrackedDialer dialer(tcp_dialer);
  auto [tracker, context] = leash::track::with_tracker(Context());
  const auto port = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto path = must(binder.bind(Context(), "unix", directory / "socket"));
  const std::pair<std::string, std::string> targets[] = {{"tcp", to_string(port->address())},
                                                         {"tcp4", "localhost:" + std::to_string(port->address().port)},
                                                         {"unix", directory / "socket"}};
  for (const auto& [network, address] : targets) {
    CAPTURE(network);
    const auto fillers = fill_gaps();
    const auto before = open_descriptors();
    int failed = 0;
    int worked = 0;
    for (rlim_t count = 0; count < 12; ++count) {
      // In a thread that has no descriptors of its own yet.
      std::promise<void> limited;
      auto future = std::async(std::launch::async, [&] {
        limited.get_future().get();
        return dialer.dial(context, network, address);
      });
      Result<std::unique_ptr<Conn>> conn = std::unexpected(Error("none", "", std::errc::interrupted));
      {
        const DescriptorLimit limit(count);
        limited.set_value();
        conn = future.get();
      }
      if constexpr (leash::tracking_enabled) CHECK(tracker.open_count() == (conn ? 1 : 0));
      if (conn) {
        ++worked;
        must((*conn)->close());
      } else {
        ++failed;
        CHECK_MESSAGE(conn.error() == std::errc::too_many_files_open, conn.error());
        CHECK(conn.error().operation() == "dial");
        CHECK(conn.error().subject() == address);
      }
      CHECK(open_descriptors() == before);
    }
    CHECK(failed >= 1);
    CHECK(worked >= 1);
  }
  CHECK(tracker.close().ok());
}

TEST_CASE("TrackedBinder: out of descriptors at each step of an accept, what is not accepted waits, and no tag stays") {
  const Watchdog watchdog;
  TcpDialer dialer;
  TcpBinder tcp_binder;
  leash::net::TrackedBinder binder(tcp_binder);
  auto [tracker, context] = leash::track::with_tracker(Context());
  const auto listener = must(binder.bind(context, "tcp", "127.0.0.1:0"));
  for (rlim_t count = 0; count < 4; ++count) {
    const auto near = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
    const auto fillers = fill_gaps();
    const auto before = open_descriptors();
    Result<std::unique_ptr<Conn>> conn = std::unexpected(Error("none", "", std::errc::interrupted));
    {
      const DescriptorLimit limit(count);
      conn = listener->accept(context);
    }
    CHECK(conn.has_value() == (count > 0));
    if constexpr (leash::tracking_enabled) CHECK(tracker.open_count() == (conn ? 2 : 1));
    if (!conn) {
      CHECK(conn.error() == std::errc::too_many_files_open);
      CHECK(open_descriptors() == before);
      conn = listener->accept(context);
    }
    CHECK(must(std::move(conn))->remote_address() == near->local_address());
    CHECK(open_descriptors() == before);
  }
  must(listener->close());
  CHECK(tracker.close().ok());
}

TEST_CASE("TcpListener: out of descriptors, an accept tells it once, and the next waits until there is one again") {
  const Watchdog watchdog;
  TcpDialer dialer;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto near = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
  const auto fillers = fill_gaps();
  auto [context, source] = Context::background().with_cancel();
  const auto accept = [&](const Context& ctx) { return in_thread([&, ctx] { return listener->accept(ctx); }); };
  std::optional<decltype(accept(context))> waiting;
  {
    const DescriptorLimit limit(0);
    const Error error = error_of(listener->accept(Context()));
    CHECK(error == std::errc::too_many_files_open);
    CHECK(error.operation() == "accept");
    CHECK(error.subject() == to_string(listener->address()));
    auto cancelled = accept(context);
    CHECK(cancelled.is_blocked());
    source.cancel();
    CHECK(error_of(cancelled.get()) == std::errc::operation_canceled);
    waiting.emplace(accept(Context()));
    CHECK(waiting->is_blocked());
  }
  CHECK(must(waiting->get())->remote_address() == near->local_address());
}

TEST_CASE("TcpConn: out of descriptors, operations still wait, and a close still ends them") {
  const Watchdog watchdog;
  Network network(Over::tcp);
  const Pair pair = make_pair(network);
  std::promise<void> limited;
  std::promise<leash::Result<std::string>> first;
  auto reader = in_thread([&] {
    limited.get_future().get();
    first.set_value(read_some(*pair.near));
    return read_some(*pair.near);
  });
  const auto fillers = fill_gaps();
  const DescriptorLimit limit(0);
  limited.set_value();
  CHECK(reader.is_blocked());
  must(pair.far->write("late"));
  CHECK(must(first.get_future().get()) == "late");
  CHECK(reader.is_blocked());
  must(pair.near->close());
  CHECK(error_of(reader.get()) == std::errc::bad_file_descriptor);
}

TEST_CASE("Resolver: out of descriptors, a host is not called unknown; it is found when there is one again") {
  const Watchdog watchdog;
  const auto& resolver = leash::net::Resolver::system();
  {
    const auto fillers = fill_gaps();
    const DescriptorLimit limit(0);
    CHECK(error_of(resolver->resolve(Context(), "tcp", "localhost")) == std::errc::too_many_files_open);
  }
  CHECK(must(resolver->resolve(Context(), "tcp4", "localhost")) ==
        std::vector{leash::net::IpAddress::parse("127.0.0.1").value()});
}

TEST_CASE("Resolver: that a look-up wanted descriptors is seen although there is one again") {
  const Watchdog watchdog;
  for (const int wanted : {EMFILE, ENFILE}) {
    leash::net::detail::SystemResolver resolver([&](const char*, const char*, const addrinfo*, addrinfo**) {
      errno = wanted;
      return EAI_AGAIN;
    });
    CHECK(error_of(resolver.resolve(Context(), "tcp", "name.test")).code().value() == wanted);
  }
}

TEST_CASE("to_asio: where there is no descriptor for the io_context, the connection is as before") {
  const Watchdog watchdog;
  TcpDialer dialer;
  TcpBinder binder;
  const auto listener = must(binder.bind(Context(), "tcp", "127.0.0.1:0"));
  const auto near = must(dialer.dial(Context(), "tcp", to_string(listener->address())));
  const auto far = must(listener->accept(Context()));
  asio::io_context loop;
  const auto fillers = fill_gaps();
  bool thrown = false;
  try {
    const DescriptorLimit limit(0);
    static_cast<void>(leash::net::to_asio(*near, loop.get_executor()));
  } catch (const asio::system_error&) {
    thrown = true;
  }
  CHECK(thrown);
  must(near->write("there"));
  CHECK(must(read_up_to(*far, 5)) == "there");
}
