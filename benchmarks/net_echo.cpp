// Many connections at once, each echoed by a coroutine: `bench_net_echo stream|tracked_socket|asio COUNT ROUNDS`.
// Prints the processor time that an echo takes in this process, which serves, in one thread. The client is another
// process, `bench_net_echo client PORT COUNT ROUNDS`: it sends on all connections, and then reads from all, in each
// round.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <leash/context.hpp>
#include <leash/net/asio.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <net_common.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace {

using asio::use_awaitable;
using asio::ip::tcp;
using bench::must;
using leash::Context;
using leash::net::AsyncListener;
using leash::net::Stream;

constexpr auto use_code = asio::experimental::as_tuple(use_awaitable);

using Message = std::array<char, 64>;

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  must(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

double processor_seconds_of_process() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

int run_client(std::uint16_t port, std::size_t count, std::size_t rounds) {
  std::vector<int> sockets(count);
  for (int& socket : sockets) {
    const sockaddr_in address = bench::loopback(port);
    socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    bench::set_options(socket);
  }
  // The server says when it has accepted all.
  must(std::getchar() == 'g');
  Message message{};
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      message.fill(static_cast<char>(i));
      must(::send(sockets[i], message.data(), message.size(), MSG_NOSIGNAL) == sizeof message);
    }
    for (std::size_t i = 0; i < count; ++i) {
      must(::recv(sockets[i], message.data(), message.size(), MSG_WAITALL) == sizeof message);
      must(message[0] == static_cast<char>(i));
    }
  }
  return 0;
}

/// A process that runs `run_client`.
class Client {
 public:
  Client(std::uint16_t port, std::size_t count, std::size_t rounds) {
    std::array<int, 2> in{};
    must(::pipe2(in.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    std::array<std::string, 5> texts{"bench_net_echo", "client", std::to_string(port), std::to_string(count),
                                     std::to_string(rounds)};
    std::array<char*, 6> arguments{};
    for (std::size_t i = 0; i < texts.size(); ++i) arguments[i] = texts[i].data();
    must(::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    input_ = in[1];
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    ::close(input_);
    int status = 0;
    ::waitpid(process_, &status, 0);
    must(status == 0);
  }

  void go() const { must(::write(input_, "g", 1) == 1); }

 private:
  pid_t process_ = -1;
  int input_ = -1;
};

/// What all servers count.
struct Load {
  std::size_t count;
  std::size_t rounds;
  std::size_t accepted = 0;
  std::size_t echoes = 0;
  double began = 0;
  double took = 0;
  std::unique_ptr<Client> client = nullptr;

  void begin(std::uint16_t port) { client = std::make_unique<Client>(port, count, rounds); }

  /// Returns whether there are more connections to accept.
  bool accept_another() {
    if (++accepted < count) return true;
    began = processor_seconds_of_process();
    client->go();
    return false;
  }

  void echoed() {
    if (++echoes == count * rounds) took = processor_seconds_of_process() - began;
  }
};

template <class AnyStream>
asio::awaitable<void> echo(AnyStream stream, Load& load) {
  Message message{};
  for (;;) {
    const auto [ended, size] = co_await stream.async_read_some(asio::buffer(message), use_code);
    if (ended) break;
    const auto [failed, written] = co_await asio::async_write(stream, asio::buffer(message, size), use_code);
    must(!failed);
    load.echoed();
  }
  stream.close();
}

/// One of Asio's acceptors, or a tracked one.
template <class Acceptor>
asio::awaitable<void> serve_sockets(Acceptor acceptor, Load& load) {
  load.begin(acceptor.local_endpoint().port());
  for (bool more = true; more;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    bench::set_options(socket.native_handle());
    asio::co_spawn(acceptor.get_executor(), echo(std::move(socket), load), asio::detached);
    more = load.accept_another();
  }
}

asio::awaitable<void> serve_streams(leash::net::AsyncBinder& binder, Context ctx, Load& load) {
  const auto listener = must(co_await binder.async_bind(ctx, "tcp", "127.0.0.1:0", use_awaitable));
  load.begin(listener->address().port);
  for (bool more = true; more;) {
    auto stream = must(co_await listener->async_accept(ctx, use_awaitable));
    asio::co_spawn(listener->get_executor(), echo(std::move(stream), load), asio::detached);
    more = load.accept_another();
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  raise_descriptor_limit();
  const std::string_view mode = argument_count > 1 ? arguments[1] : "";
  const auto number = [&](int at) { return std::strtoul(arguments[at], nullptr, 10); };
  if (mode == "client" && argument_count == 5) {
    return run_client(static_cast<std::uint16_t>(number(2)), number(3), number(4));
  }
  if (argument_count != 4 || (mode != "stream" && mode != "tracked_socket" && mode != "asio")) {
    std::fprintf(stderr, "usage: bench_net_echo stream|tracked_socket|asio COUNT ROUNDS\n");
    return 2;
  }
  Load load{.count = number(2), .rounds = number(3)};
  const auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  asio::io_context io(1);
  leash::net::TcpAsyncBinder tcp_binder(io.get_executor(), {.socket = bench::options});
  leash::net::TrackedAsyncBinder binder(tcp_binder);
  const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
  if (mode == "stream") {
    asio::co_spawn(io, serve_streams(binder, ctx, load), asio::detached);
  } else if (mode == "tracked_socket") {
    asio::co_spawn(io, serve_sockets(leash::net::TrackedAcceptor(ctx, io, any), load), asio::detached);
  } else {
    asio::co_spawn(io, serve_sockets(tcp::acceptor(io, any), load), asio::detached);
  }
  io.run();
  must(load.echoes == load.count * load.rounds);
  must(tracker.open_count() == 0);
  std::printf("{\"echo_ns\": %.1f}\n", 1e9 * load.took / static_cast<double>(load.echoes));
}
