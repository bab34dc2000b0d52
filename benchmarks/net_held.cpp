// Many connections held at once, over which each sends: `bench_net_held leash COUNT`, each tracked, or `asio COUNT`.
// Prints what one takes of this process's memory. The server is another process, `bench_net_held serve`.
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <call_chain.hpp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <leash/net/read_full.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <net_common.hpp>
#include <resident.hpp>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace {

using asio::ip::tcp;
using bench::must;
using bench::resident_bytes;

/// The connections go to so many addresses, since there are some 28,000 ports for each.
constexpr std::size_t hosts = 4;

/// More frames than a tag keeps.
constexpr std::size_t chain = 20;

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  must(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

/// Sends back what comes, until the standard input ends.
int serve() {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  const int listener = bench::listen_at(any);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto add = [&](int descriptor) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
    must(::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0);
  };
  add(listener);
  add(STDIN_FILENO);
  std::printf("%d\n", ntohs(any.sin_port));
  std::fflush(stdout);
  std::array<char, 64> buffer{};
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll, &event, 1, -1) != 1) continue;
    const int descriptor = event.data.fd;
    if (descriptor == STDIN_FILENO) return 0;
    if (descriptor == listener) {
      const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      must(accepted >= 0);
      add(accepted);
      continue;
    }
    const ssize_t count = ::recv(descriptor, buffer.data(), buffer.size(), 0);
    if (count <= 0 || ::send(descriptor, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) {
      ::close(descriptor);
    }
  }
}

/// A process that serves, until this is destroyed.
class ServerProcess {
 public:
  ServerProcess() {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    must(::pipe2(in.data(), O_CLOEXEC) == 0 && ::pipe2(out.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::string program = "bench_net_held";
    std::string mode = "serve";
    const std::array<char*, 3> arguments{program.data(), mode.data(), nullptr};
    must(::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    std::FILE* const said = ::fdopen(out[0], "r");
    unsigned port = 0;
    must(std::fscanf(said, "%u", &port) == 1);
    std::fclose(said);
    port_ = static_cast<std::uint16_t>(port);
    input_ = in[1];
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    ::close(input_);
    ::waitpid(process_, nullptr, 0);
  }

  /// Its address for the connection of this number.
  sockaddr_in address(std::size_t number) const {
    return bench::loopback(port_, static_cast<std::uint8_t>(1 + number % hosts));
  }

 private:
  pid_t process_ = -1;
  int input_ = -1;
  std::uint16_t port_ = 0;
};

/// What each connection sends, and gets back.
std::array<std::byte, 64> message(std::size_t number) {
  std::array<std::byte, 64> result{};
  result.fill(static_cast<std::byte>(number));
  return result;
}

double held_by_leash(const ServerProcess& server, std::size_t count) {
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < hosts; ++i) addresses.push_back(bench::text(server.address(i)));
  leash::net::TcpDialer tcp({.socket = bench::options});
  leash::net::TrackedDialer dialer(tcp);
  const auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());

  const double before = resident_bytes();
  std::vector<std::unique_ptr<leash::net::Conn>> conns;
  conns.reserve(count);
  auto dial = [&] { conns.push_back(must(dialer.dial(ctx, "tcp", addresses[conns.size() % hosts]))); };
  while (conns.size() < count) bench::call_in_chain(chain, 0, dial);
  for (std::size_t i = 0; i < count; ++i) must(conns[i]->write(message(i)));
  for (std::size_t i = 0; i < count; ++i) {
    std::array<std::byte, 64> answer{};
    must(must(leash::net::read_full(*conns[i], answer)) == answer.size() && answer == message(i));
  }
  const double per_conn = (resident_bytes() - before) / static_cast<double>(count);

  std::size_t open = 0;
  for (const auto& group : tracker.snapshot().groups) open += group.count;
  must(open == count);
  for (const auto& conn : conns) must(conn->close());
  must(tracker.snapshot().groups.empty());
  return per_conn;
}

double held_by_asio(const ServerProcess& server, std::size_t count) {
  asio::io_context io(1);
  const double before = resident_bytes();
  std::vector<tcp::socket> sockets;
  sockets.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const sockaddr_in address = server.address(i);
    tcp::socket& socket = sockets.emplace_back(io, tcp::v4());
    bench::set_options(socket.native_handle());
    socket.connect({asio::ip::address_v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)});
  }
  for (std::size_t i = 0; i < count; ++i) asio::write(sockets[i], asio::buffer(message(i)));
  for (std::size_t i = 0; i < count; ++i) {
    std::array<std::byte, 64> answer{};
    asio::read(sockets[i], asio::buffer(answer));
    must(answer == message(i));
  }
  return (resident_bytes() - before) / static_cast<double>(count);
}

}  // namespace

int main(int argument_count, char** arguments) {
  raise_descriptor_limit();
  const std::string_view mode = argument_count > 1 ? arguments[1] : "";
  if (mode == "serve") return serve();
  if (argument_count != 3 || (mode != "leash" && mode != "asio")) {
    std::fprintf(stderr, "usage: bench_net_held serve | leash COUNT | asio COUNT\n");
    return 2;
  }
  const std::size_t count = std::strtoul(arguments[2], nullptr, 10);
  const ServerProcess server;
  const std::size_t before = open_descriptors();
  const double per_conn = mode == "leash" ? held_by_leash(server, count) : held_by_asio(server, count);
  // A thread that waited keeps one descriptor for that.
  must(open_descriptors() <= before + (mode == "leash" ? 1U : 0U));
  std::printf("{\"bytes_per_conn\": %.1f}\n", per_conn);
}
