// A client and a server over TCP, and tests of what a name service may do: docs/networks.md shows the parts of this
// program.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <expected>
#include <future>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/read_full.hpp>
#include <leash/net/scripted_resolver.hpp>
#include <leash/net/static_resolver.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/stop_token.hpp>
#include <leash/try.hpp>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace {

using leash::Context;
using leash::Result;
using leash::net::Conn;
using leash::net::Listener;
using leash::net::ScriptedResolver;
using leash::net::StaticResolver;
using leash::net::TcpBinder;
using leash::net::TcpDialer;
using namespace std::chrono_literals;

void say(const std::string& text) { std::printf("%s\n", text.c_str()); }

// snippet: messages
/// A message is its size, in one byte, and its text.
Result<void> send(Conn& conn, std::string_view text) {
  if (text.size() > 255) return leash::fail("send", text, std::errc::message_size);
  const std::array size{static_cast<std::byte>(text.size())};
  return conn.writev(std::array<std::span<const std::byte>, 2>{size, std::as_bytes(std::span(text))});
}

Result<std::string> receive(Conn& conn) {
  const auto fill = [&](std::span<std::byte> buffer) -> Result<void> {
    if (LEASH_TRY(read_full(conn, buffer)) == buffer.size()) return {};
    return leash::fail("receive", to_string(conn.remote_address()), std::errc::connection_aborted, "cut short");
  };
  std::array<std::byte, 1> size{};
  LEASH_TRY(fill(size));
  std::string text(std::to_integer<std::size_t>(size[0]), '\0');
  LEASH_TRY(fill(std::as_writable_bytes(std::span(text))));
  return text;
}
// end snippet

Result<void> answer(const Context& ctx, Conn& conn) {
  LEASH_TRY(conn.set_deadline(ctx.clock()->now() + 30s));
  LEASH_TRY(send(conn, "hello, " + LEASH_TRY(receive(conn))));
  return conn.close();
}

// snippet: serve
/// Answers one client after the other, until the listener is closed or the Context is done.
Result<void> serve(const Context& ctx, Listener& listener) {
  for (;;) {
    const auto conn = listener.accept(ctx);
    if (conn) {
      if (const auto answered = answer(ctx, **conn); !answered) say(to_string(answered.error()));
    } else if (conn.error() == std::errc::too_many_files_open) {
      say(to_string(conn.error()));  // It is said once: the next accept waits for a descriptor.
    } else {
      return std::unexpected(conn.error());
    }
  }
}
// end snippet

Result<void> dial_by_name(const Context& ctx) {
  // snippet: dial
  TcpBinder binder;
  const auto listener = LEASH_TRY(binder.bind(ctx, "tcp", "127.0.0.1:0"));
  const std::jthread server(
      [&](const std::stop_token& stop) { say(to_string(serve(ctx.with_stop_token(stop), *listener).error())); });

  auto resolver = std::make_shared<StaticResolver>(StaticResolver::Table{{"db.internal", {"127.0.0.1"}}});
  TcpDialer dialer({.resolver = resolver});
  const std::string address = leash::net::join_host_port("db.internal", listener->address().port);
  const auto conn = LEASH_TRY(dialer.dial(ctx.with_timeout(5s), "tcp", address));
  LEASH_TRY(conn->set_deadline(ctx.clock()->now() + 5s));
  LEASH_TRY(send(*conn, "leash"));
  say(LEASH_TRY(receive(*conn)));
  // end snippet
  return {};
}

Result<void> fail_to_dial(const Context& ctx) {
  TcpBinder binder;
  const auto listener = LEASH_TRY(binder.bind(ctx, "tcp", "127.0.0.1:0"));
  LEASH_TRY(listener->close());
  const std::string address = leash::net::join_host_port("db.internal", listener->address().port);
  // snippet: refused
  auto resolver = std::make_shared<StaticResolver>(StaticResolver::Table{{"db.internal", {"127.0.0.1", "127.0.0.2"}}});
  TcpDialer dialer({.resolver = resolver});
  const auto conn = dialer.dial(ctx, "tcp", address);
  say(to_string(conn.error()));
  // end snippet
  return {};
}

/// A name service that fails, and then is slow.
void test_name_service() {
  // snippet: script
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock);
  const auto resolver = std::make_shared<ScriptedResolver>();
  resolver->add({.error = leash::net::errc::host_not_found_try_again});
  resolver->add({.delay = 60s, .addresses = {"127.0.0.1"}});

  TcpDialer dialer({.resolver = resolver});
  say(to_string(dialer.dial(ctx, "tcp", "db.internal:5432").error()));

  const Context limited = ctx.with_timeout(30s);
  auto dialled = std::async(std::launch::async, [&] { return dialer.dial(limited, "tcp", "db.internal:5432"); });
  while (resolver->questions().size() < 2) std::this_thread::yield();
  clock->advance(30s);
  say(to_string(dialled.get().error()));
  // end snippet
}

Result<void> dial_with_options(const Context& ctx) {
  TcpBinder binder;
  const auto listener = LEASH_TRY(binder.bind(ctx, "tcp", "127.0.0.1:0"));
  // snippet: options
  // The peer is given up when it has acknowledged nothing for 20 s.
  const auto give_up = [](int descriptor, const leash::net::Endpoint&) {
    const unsigned milliseconds = 20'000;
    const bool set = ::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds) == 0;
    return set ? std::error_code() : std::error_code(errno, std::generic_category());
  };
  TcpDialer dialer({.socket = {.keep_alive = 60s}, .local_address = "127.0.0.2:0", .control = give_up});
  const auto conn = LEASH_TRY(dialer.dial(ctx, "tcp", to_string(listener->address())));
  // end snippet
  unsigned milliseconds = 0;
  socklen_t size = sizeof milliseconds;
  ::getsockopt(conn->native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, &size);
  say("from " + conn->local_address().host + ", " + std::to_string(milliseconds) + " ms");
  return {};
}

Result<void> run(const Context& ctx) {
  LEASH_TRY(dial_by_name(ctx));
  LEASH_TRY(fail_to_dial(ctx));
  test_name_service();
  return dial_with_options(ctx);
}

}  // namespace

int main() {
  const auto done = run(Context::background());
  if (done) return 0;
  say(to_string(done.error()));
  return 1;
}
