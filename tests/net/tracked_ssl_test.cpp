#include <array>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <leash/net/tracked_acceptor.hpp>
#include <leash/net/tracked_socket.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async_support.hpp"

namespace {

using asio::ip::tcp;
using leash::net::Stream;
using leash::net::TrackedAcceptor;
using leash::net::TrackedSocket;

/// A certificate that vouches for itself, and its key.
struct Certificate {
  Certificate() {
    REQUIRE(key != nullptr);
    ::X509_set_version(certificate.get(), X509_VERSION_3);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), 3600);
    ::X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* const name = ::X509_get_subject_name(certificate.get());
    const std::string_view host = "leash.test";
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host.data()),
                                 static_cast<int>(host.size()), -1, 0);
    ::X509_set_issuer_name(certificate.get(), name);
    REQUIRE(::X509_sign(certificate.get(), key.get(), ::EVP_sha256()) != 0);
  }

  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{EVP_EC_gen("P-256"), ::EVP_PKEY_free};
  std::unique_ptr<X509, void (*)(X509*)> certificate{::X509_new(), ::X509_free};
};

/// TLS in which both ends show the same certificate, and trust no other.
asio::ssl::context certified() {
  static const Certificate own;
  asio::ssl::context context(asio::ssl::context::tlsv12);
  SSL_CTX* const handle = context.native_handle();
  REQUIRE(::SSL_CTX_use_certificate(handle, own.certificate.get()) == 1);
  REQUIRE(::SSL_CTX_use_PrivateKey(handle, own.key.get()) == 1);
  REQUIRE(::X509_STORE_add_cert(::SSL_CTX_get_cert_store(handle), own.certificate.get()) == 1);
  context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  return context;
}

/// Sends four bytes from `sender` to `receiver`.
template <class Sender, class Receiver>
void send(asio::io_context& loop, Sender& sender, Receiver& receiver) {
  std::array<char, 4> got{};
  const auto succeeds = [](const asio::error_code& code, std::size_t) { CHECK(!code); };
  asio::async_read(receiver, asio::buffer(got), succeeds);
  asio::async_write(sender, asio::buffer("ping", 4), succeeds);
  loop.restart();
  loop.run();
  CHECK(std::string_view(got.data(), got.size()) == "ping");
}

/// Shakes hands and sends four bytes from `client` to `server`.
template <class Client, class Server>
void talk(asio::io_context& loop, Client& client, Server& server) {
  const auto succeeds = [](const asio::error_code& code) { CHECK(!code); };
  server.async_handshake(asio::ssl::stream_base::server, succeeds);
  client.async_handshake(asio::ssl::stream_base::client, succeeds);
  loop.restart();
  loop.run();
  send(loop, client, server);
}

}  // namespace

TEST_CASE("a tracked socket is the next layer of a TLS stream, by value and by reference") {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background(), {.on_late = [](const auto&) {}});
  asio::io_context loop;
  asio::ssl::context tls = certified();
  TrackedAcceptor acceptor(ctx, loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const unsigned line = __LINE__ + 1;
  asio::ssl::stream<TrackedSocket> client(TrackedSocket(ctx, loop), tls);
  asio::async_connect(client.lowest_layer(), std::vector{acceptor.local_endpoint()},
                      [](const asio::error_code& failed, const auto&) { CHECK(!failed); });
  loop.run();
  TrackedSocket accepted = acceptor.accept();
  asio::ssl::stream<TrackedSocket&> server(accepted, tls);
  talk(loop, client, server);
  acceptor.close();
  server.lowest_layer().close();
  static_assert(std::is_same_v<decltype(client.lowest_layer()), TrackedSocket&>);
  const leash::track::Report report = tracker.close();
  if (!leash::tracking_enabled) return;
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].opened.site.line() == line);
  CHECK(report.groups[0].instances[0].descriptor == client.next_layer().native_handle());
  CHECK(report.groups[0].instances[0].last_use.has_value());
}

NETWORK_TEST("a Stream is the next layer of a TLS stream, by value and by reference, and both shut down in order") {
  const Watchdog watchdog;
  AsyncNetwork network(over);
  asio::ssl::context tls = certified();
  StreamPair pair = make_pair(network);
  asio::ssl::stream<Stream> client(std::move(pair.near), tls);
  asio::ssl::stream<Stream&> server(pair.far, tls);
  static_assert(std::is_same_v<decltype(client.lowest_layer()), Stream&>);
  talk(network.loop, client, server);

  // More than the buffers hold, both ways at once.
  const std::string sent(too_much / 8, 'x');
  std::string received[2] = {std::string(sent.size(), '.'), std::string(sent.size(), '.')};
  const auto succeeds = [](const asio::error_code& code, std::size_t) { CHECK(!code); };
  asio::async_write(client, asio::buffer(sent), succeeds);
  asio::async_write(server, asio::buffer(sent), succeeds);
  asio::async_read(client, asio::buffer(received[0]), succeeds);
  asio::async_read(server, asio::buffer(received[1]), succeeds);
  network.loop.restart();
  network.loop.run();
  for (const std::string& each : received) CHECK((each == sent));

  int over_both = 0;
  std::array<char, 1> byte{};
  server.async_read_some(asio::buffer(byte), [&](const asio::error_code& read, std::size_t) {
    CHECK(read == asio::error::eof);
    server.async_shutdown([&](const asio::error_code& code) {
      CHECK(!code);
      ++over_both;
    });
  });
  client.async_shutdown([&](const asio::error_code& code) {
    CHECK(!code);
    ++over_both;
  });
  network.loop.restart();
  network.loop.run();
  CHECK(over_both == 2);
  // What is below is open until its owner closes it.
  must(client.lowest_layer().close());
  asio::error_code end;
  CHECK(pair.far.read_some(asio::buffer(byte), end) == 0);
  CHECK(end == asio::error::eof);
  must(pair.far.close());
}

NETWORK_TEST("what ends a Stream ends the TLS stream over it: a deadline, a cancellation, and a peer that is gone") {
  const Watchdog watchdog;
  const auto clock = std::make_shared<leash::FakeClock>();
  AsyncNetwork network(over);
  asio::ssl::context tls = certified();
  StreamPair pair = make_pair(network, leash::Context().with_clock(clock));
  asio::ssl::stream<Stream> client(std::move(pair.near), tls);
  asio::ssl::stream<Stream&> server(pair.far, tls);
  talk(network.loop, client, server);

  std::array<char, 1> byte{};
  asio::error_code code;
  const auto read_until = [&](auto end) {
    code = {};
    client.async_read_some(asio::buffer(byte), [&](const asio::error_code& error, std::size_t) { code = error; });
    run_ready(network.loop);
    CHECK(!code);
    end();
    network.loop.restart();
    network.loop.run();
    return code;
  };
  must(client.lowest_layer().set_read_deadline(clock->now() + 10s));
  CHECK(read_until([&] { clock->advance(10s); }) == asio::error::timed_out);
  must(client.lowest_layer().set_read_deadline(std::nullopt));
  CHECK(read_until([&] { client.lowest_layer().cancel(); }) == asio::error::operation_aborted);
  send(network.loop, server, client);
  CHECK(read_until([&] { must(pair.far.close()); }) == asio::ssl::error::stream_truncated);
}
