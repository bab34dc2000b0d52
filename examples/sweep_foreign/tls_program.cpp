#include "tls_program.hpp"

#include <leash/net/fault_dialer.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <memory>
#include <string>
#include <thread>

#include "tls_session.hpp"

namespace sweep_foreign {

using leash::Context;
using leash::Result;
using leash::net::Conn;
using leash::net::Listener;

namespace {

constexpr int messages = 20;
constexpr std::size_t message_size = 100;

std::string message_of(int number) { return std::string(message_size, static_cast<char>('a' + number)); }

/// Echoes what the first client says, until that or the listener ends.
void serve(Listener& listener) {
  const auto accepted = listener.accept(Context());
  if (!accepted) return;
  Conn& conn = **accepted;
  TlsSession session(conn, MBEDTLS_SSL_IS_SERVER);
  if (session.shake_hands()) {
    for (auto text = session.read(message_size); text && session.write(*text); text = session.read(message_size)) {
    }
  }
  (void)conn.close();
}

Result<void> converse(const Context& context, Conn& conn) {
  TlsSession session(conn, MBEDTLS_SSL_IS_CLIENT);
  if (auto shaken = session.shake_hands(); !shaken) return shaken;
  for (int number = 0; number < messages; ++number) {
    if (auto said = session.write(message_of(number)); !said) return said;
    const auto heard = session.read(message_size);
    if (!heard) return std::unexpected(heard.error());
    leash::fault::expect(context, *heard == message_of(number), "what is heard is what was said");
  }
  return session.close_notify();
}

Result<void> dial_and_converse(const Context& context, leash::net::Dialer& dialer, const std::string& address) {
  auto dialled = dialer.dial(context, "tcp", address);
  if (!dialled) return std::unexpected(dialled.error());
  auto done = converse(context, **dialled);
  const auto closed = (*dialled)->close();
  if (done && !closed) return closed;
  return done;
}

}  // namespace

Result<void> run_tls(const Context& context) {
  leash::net::MemoryNetwork network;
  leash::net::FaultDialer faulty(network);
  leash::net::TrackedDialer dialer(faulty);
  auto listener = network.bind(Context(), "tcp", "server:443");
  if (!listener) return std::unexpected(listener.error());
  std::thread server([&listener] { serve(**listener); });
  auto done = dial_and_converse(context, dialer, "server:443");
  const auto closed = (*listener)->close();
  server.join();
  if (done && !closed) return closed;
  return done;
}

leash::fault::SweepOptions tls_options() { return {.faults_per_run = 1}; }

}  // namespace sweep_foreign
