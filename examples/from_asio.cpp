// A server over Asio as programs have it, and the same with leash: docs/from_asio.md shows the difference. Each session
// stays in the server's list when its client is gone.

#include <array>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <cstdio>
#include <leash/net/asio.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using asio::ip::tcp;

namespace before {

// snippet: before
using Socket = asio::ip::tcp::socket;
using Acceptor = asio::ip::tcp::acceptor;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(data_), [self = shared_from_this()](asio::error_code failed, std::size_t n) {
      if (!failed) self->write(n);
    });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(data_, size), [self = shared_from_this()](asio::error_code failed, auto) {
      if (!failed) self->read();
    });
  }

  Socket socket_;
  std::array<char, 1024> data_{};
};

class Server {
 public:
  Server(asio::io_context& loop, const tcp::endpoint& at) : acceptor_(loop, at) { accept(); }

  tcp::endpoint address() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

 private:
  void accept() {
    acceptor_.async_accept([this](asio::error_code failed, Socket socket) {
      if (failed) return;
      sessions_.push_back(std::make_shared<Session>(std::move(socket)));
      sessions_.back()->read();
      accept();
    });
  }

  Acceptor acceptor_;
  std::vector<std::shared_ptr<Session>> sessions_;
};
// end snippet

}  // namespace before

namespace after {

// snippet: types
using Socket = leash::net::TrackedSocket;
using Acceptor = leash::net::TrackedAcceptor;
// end snippet

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(data_), [self = shared_from_this()](asio::error_code failed, std::size_t n) {
      if (!failed) self->write(n);
    });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(data_, size), [self = shared_from_this()](asio::error_code failed, auto) {
      if (!failed) self->read();
    });
  }

  Socket socket_;
  std::array<char, 1024> data_{};
};

class Server {
 public:
  // snippet: context
  Server(leash::Call call, asio::io_context& loop, const tcp::endpoint& at) : acceptor_(call, loop, at) { accept(); }
  // end snippet

  tcp::endpoint address() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

 private:
  void accept() {
    acceptor_.async_accept([this](asio::error_code failed, Socket socket) {
      if (failed) return;
      sessions_.push_back(std::make_shared<Session>(std::move(socket)));
      sessions_.back()->read();
      accept();
    });
  }

  Acceptor acceptor_;
  std::vector<std::shared_ptr<Session>> sessions_;
};

}  // namespace after

// snippet: client
template <class Socket>
void ask(asio::io_context& loop, Socket& socket, const tcp::endpoint& server) {
  asio::connect(socket, std::array{server});
  asio::write(socket, asio::buffer("ping", 4));
  while (socket.available() < 4) loop.run_one();
  std::array<char, 4> answer{};
  asio::read(socket, asio::buffer(answer));
  socket.close();
}
// end snippet

}  // namespace

int main() {
  const tcp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);
  {
    asio::io_context loop;
    before::Server server(loop, anywhere);
    for (int i = 0; i < 2; ++i) {
      before::Socket client(loop);
      ask(loop, client, server.address());
    }
    server.stop();
    loop.run();
    std::puts("before: all seems well");
  }
  {
    // snippet: main
    auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
    asio::io_context loop;
    after::Server server(ctx, loop, anywhere);
    for (int i = 0; i < 2; ++i) {
      after::Socket client(ctx, loop);
      ask(loop, client, server.address());
    }
    server.stop();
    loop.run();
    std::puts(to_string(tracker.snapshot()).c_str());
    // end snippet
  }
}
