#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/symbols.hpp>
#include <string>

using leash::track::capture_stack;
using leash::track::Stack;
using leash::track::Unwinder;

namespace {

int probed = 0;
int differing = 0;

// Only in the frame of this function may the two differ.
[[gnu::noinline]] void probe() {
  const Stack tables = capture_stack(64, 0, Unwinder::tables);
  const Stack system = capture_stack(64, 0, Unwinder::system);
  const bool same = tables.addresses.size() == system.addresses.size() && tables.addresses.size() > 3 &&
                    std::equal(tables.addresses.begin() + 1, tables.addresses.end(), system.addresses.begin() + 1);
  ++probed;
  differing += same ? 0 : 1;
}

}  // namespace

TEST_CASE("a stack in an Asio handler is the one that the compiler's unwinder gives") {
  probed = differing = 0;
  asio::io_context loop;
  asio::post(loop, [&] {
    probe();
    asio::post(loop, [] { probe(); });
  });
  using asio::ip::tcp;
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket client(loop);
  tcp::socket server(loop);
  std::array<char, 1> letter{'x'};
  acceptor.async_accept(server, [&](const asio::error_code& accepted) {
    CHECK(!accepted);
    probe();
    asio::async_write(server, asio::buffer(letter), [](const asio::error_code&, std::size_t) { probe(); });
  });
  client.async_connect(acceptor.local_endpoint(), [&](const asio::error_code& connected) {
    CHECK(!connected);
    probe();
    asio::async_read(client, asio::buffer(letter), [](const asio::error_code&, std::size_t) { probe(); });
  });
  loop.run();
  CHECK(probed == 6);
  CHECK(differing == 0);
}
