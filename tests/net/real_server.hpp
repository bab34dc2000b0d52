#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <leash/context.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/net/ip_address.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "program.hpp"
#include "support.hpp"
#include "temp_dir.hpp"

/// A server that others have written, which listens at a port of this machine and at a path, with files in a directory
/// of its own.
class RealServer {
 public:
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;

  const std::string& address() const { return address_; }
  std::string path() const { return directory_ / "socket"; }
  std::string log() const { return content_of(directory_ / "output"); }

  /// Ends it by that signal, and returns what `Program::wait` does.
  int end(int signal) {
    program_->signal(signal);
    return program_->wait();
  }

 protected:
  /// The port is one that no one takes meanwhile: a socket with this option keeps it, which lets the server have it
  /// too.
  explicit RealServer(int shared_by) : port_(leash::net::detail::open_socket(AF_INET).value()) {
    using leash::net::detail::SocketAddress;
    const int on = 1;
    const SocketAddress any(leash::net::Endpoint{leash::net::IpAddress::loopback_v4(), 0});
    REQUIRE(::setsockopt(port_.get(), SOL_SOCKET, shared_by, &on, sizeof on) == 0);
    REQUIRE(::bind(port_.get(), any.data(), any.size()) == 0);
    address_ = to_string(SocketAddress::local_of(port_.get()).value().endpoint());
  }
  ~RealServer() = default;

  const TempDir& directory() const { return directory_; }

  /// Runs `command` until its log has the text `listens`.
  void start(const std::vector<std::string>& command, std::string_view listens) {
    program_.emplace(command, directory_ / "output");
    while (!log().contains(listens)) {
      REQUIRE_MESSAGE(program_->runs(), log());
      std::this_thread::yield();
    }
  }

 private:
  const TempDir directory_;
  const leash::os::Descriptor port_;
  std::string address_;
  std::optional<Program> program_;
};

/// Runs `check` with an `A`, which is a RealServer, and a Context that tracks. What it opened must be closed in the
/// end.
template <class A, class Check>
void with_server(Check check) {
  const Watchdog watchdog;
  const auto program = find_program(A::program, A::variable);
  if (!program) return;
  const auto before = open_descriptors();
  auto [tracker, context] = leash::track::with_tracker(leash::Context::background());
  {
    A server(*program);
    INFO(server.log());
    check(server, context);
  }
  CHECK(open_descriptors() == before);
  const leash::track::Report report = tracker.close();
  CHECK_MESSAGE(report.groups.empty(), to_string(report));
}
