// The classic leak of a server over Asio: a session that owns a callback which owns the session. Nobody points to it
// from outside, so nothing ever closes its connection; and LeakSanitizer says nothing as long as the event loop, a
// timer or a table knows it.
//
//     asio_session_leak --leaky     three clients come and go; their sessions stay: the report names the accept
//     asio_session_leak             the callback has a weak pointer, and all sessions end

#include <array>
#include <asio/io_context.hpp>
#include <functional>
#include <iostream>
#include <leash/net/asio.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat {

using leash::Context;
using leash::Result;
using leash::net::AsyncListener;
using leash::net::Stream;

/// Who hears what is said.
struct Room {
  std::vector<std::function<void(std::string_view)>> listeners;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Stream stream, Room& room) : stream_(std::move(stream)), room_(room) {}

  void start(bool leaky) {
    stream_.note("a session");
    if (leaky) {
      // Bug: the room outlives the session's client, and what is registered there keeps the session.
      room_.listeners.emplace_back([self = shared_from_this()](std::string_view text) { self->hear(text); });
    } else {
      room_.listeners.emplace_back([weak = weak_from_this()](std::string_view text) {
        if (const auto self = weak.lock()) self->hear(text);
      });
    }
    read();
  }

 private:
  void read() {
    stream_.async_read_some(asio::buffer(said_),
                            [self = shared_from_this()](const asio::error_code& code, std::size_t size) {
                              if (code) return;  // The client is gone; so would be the session.
                              for (const auto& each : self->room_.listeners) each({self->said_.data(), size});
                              self->read();
                            });
  }

  void hear(std::string_view text) { heard_ += text; }

  Stream stream_;
  Room& room_;
  std::array<char, 64> said_{};
  std::string heard_;
};

class Server {
 public:
  Server(std::unique_ptr<AsyncListener> listener, Room& room, bool leaky)
      : listener_(std::move(listener)), room_(room), leaky_(leaky) {}

  void accept(const Context& ctx) {
    listener_->async_accept(ctx.with_note("chat server"), [this, ctx](Result<Stream> accepted) {
      if (!accepted) return;
      std::make_shared<Session>(*std::move(accepted), room_)->start(leaky_);
      accept(ctx);
    });
  }

 private:
  std::unique_ptr<AsyncListener> listener_;
  Room& room_;
  bool leaky_;
};

}  // namespace chat

int main(int argc, char** argv) {
  const bool leaky = argc > 1 && std::string_view(argv[1]) == "--leaky";
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  asio::io_context loop;
  leash::net::MemoryNetwork network;
  leash::net::MemoryAsyncNetwork memory(loop.get_executor(), network);
  leash::net::TrackedAsyncBinder binder(memory);

  static chat::Room room;  // Lives as long as the program.
  {
    auto [serving, stop] = ctx.with_cancel();
    std::unique_ptr<chat::Server> server;
    binder.async_bind(serving, "tcp", "chat:7000", [&](auto listener) {
      if (!listener) return;
      server = std::make_unique<chat::Server>(*std::move(listener), room, leaky);
      server->accept(serving);
    });
    loop.run_one();
    for (const char* const name : {"alice", "bob", "carol"}) {
      const auto client = network.dial(ctx, "tcp", "chat:7000");
      if (!client || !(*client)->write(name)) return 1;
    }
    loop.poll();  // All have spoken, and left.
    stop.cancel();
    loop.run();  // The server accepts no more.
  }
  const auto report = tracker.close();
  std::cout << report << "\n";
  return report.ok() ? 0 : 1;
}
