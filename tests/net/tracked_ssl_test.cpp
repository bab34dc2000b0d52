#include <doctest/doctest.h>

#include <array>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <leash/net/tracked_acceptor.hpp>
#include <leash/net/tracked_socket.hpp>
#include <leash/track/tracker.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using asio::ip::tcp;
using leash::net::TrackedAcceptor;
using leash::net::TrackedSocket;

/// TLS without certificates.
asio::ssl::context anonymous() {
  asio::ssl::context context(asio::ssl::context::tlsv12);
  ::SSL_CTX_set_cipher_list(context.native_handle(), "aNULL:@SECLEVEL=0");
  return context;
}

/// Shakes hands and sends four bytes from `client` to `server`.
template <class Client, class Server>
void talk(asio::io_context& loop, Client& client, Server& server) {
  std::array<char, 4> got{};
  server.async_handshake(asio::ssl::stream_base::server, [&](const asio::error_code& failed) {
    CHECK(!failed);
    asio::async_read(server, asio::buffer(got), [](const asio::error_code& code, std::size_t) { CHECK(!code); });
  });
  client.async_handshake(asio::ssl::stream_base::client, [&](const asio::error_code& failed) {
    CHECK(!failed);
    asio::async_write(client, asio::buffer("ping", 4), [](const asio::error_code& code, std::size_t) { CHECK(!code); });
  });
  loop.restart();
  loop.run();
  CHECK(std::string_view(got.data(), got.size()) == "ping");
}

}  // namespace

TEST_CASE("a tracked socket is the next layer of a TLS stream, by value and by reference") {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background(), {.on_late = [](const auto&) {}});
  asio::io_context loop;
  asio::ssl::context tls = anonymous();
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
