#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
#include <leash/os/fork.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/wake_socket.hpp>

namespace LEASH_NAMESPACE::os {

/// What a thread keeps of its socket.
class OwnWakeSocket {
 public:
  OwnWakeSocket() = default;
  OwnWakeSocket(const OwnWakeSocket&) = delete;
  OwnWakeSocket& operator=(const OwnWakeSocket&) = delete;
  ~OwnWakeSocket() { socket_.close(); }

  WakeSocket get() noexcept {
    // A child shares the socket with the thread of the parent.
    if (socket_.number_ != -1 && socket_.generation_ != fork_generation()) {
      socket_.close();
      forget();
    }
    if (socket_.number_ == -1) socket_ = WakeSocket::make();
    return socket_;
  }

  void forget() noexcept { socket_ = WakeSocket(); }

 private:
  WakeSocket socket_;
};

namespace {

thread_local OwnWakeSocket own_socket;

int open_socket() noexcept { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

/// Gives the socket a name that the kernel chooses (autobind, unix(7)), and connects it to that: then nobody else can
/// send to it.
bool connect_to_itself(int number) noexcept {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const auto* const address = reinterpret_cast<const sockaddr*>(&name);
  if (::bind(number, address, offsetof(sockaddr_un, sun_path)) != 0) return false;
  socklen_t size = sizeof name;
  return ::getsockname(number, reinterpret_cast<sockaddr*>(&name), &size) == 0 && ::connect(number, address, size) == 0;
}

}  // namespace

WakeSocket WakeSocket::of_this_thread() noexcept { return own_socket.get(); }

void forget_wake_socket() noexcept { own_socket.forget(); }

WakeSocket WakeSocket::make() noexcept {
  WakeSocket made;
  const int number = open_own(open_socket);
  if (number == -1) return made;
  struct stat status{};
  if (!connect_to_itself(number) || ::fstat(number, &status) != 0) {
    close_own(number);
    return made;
  }
  made.number_ = number;
  made.generation_ = fork_generation();
  made.inode_ = status.st_ino;
  return made;
}

bool WakeSocket::is_there() const noexcept {
  struct stat status{};
  return number_ != -1 && ::fstat(number_, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode_;
}

void WakeSocket::wake() const noexcept {
  // In a child it would wake the thread of the parent.
  if (generation_ != fork_generation() || !is_there()) return;
  const char byte = 0;
  [[maybe_unused]] const auto sent = ::send(number_, &byte, 1, MSG_NOSIGNAL);
}

bool WakeSocket::drain() const noexcept {
  if (!is_there()) return false;
  char byte = 0;
  while (::recv(number_, &byte, 1, 0) >= 0) {
  }
  return true;
}

void WakeSocket::close() const noexcept {
  if (is_there()) close_own(number_);
}

}  // namespace LEASH_NAMESPACE::os
