// The functions of the C library that make sockets, pipes and other descriptors, in front of those of libc.
#undef _FORTIFY_SOURCE
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <leash/interpose/calls.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/faults.hpp>
#include <leash/interpose/kinds.hpp>
#include <leash/interpose/real.hpp>

namespace kinds = leash::interpose::kinds;
using leash::interpose::Descriptors;
using leash::interpose::Faults;
using leash::interpose::opened;
using leash::interpose::Real;

namespace {

/// What `make()` returns, 0 if it has put two descriptors into `pair`. Both get tags.
template <class Make>
int opened_pair(const char* operation, const int* pair, const leash::track::Kind& kind, Make make) {
  if (Faults::strikes(operation)) [[unlikely]]
    return -1;
  const int result = make();
  if (result != 0) {
    Descriptors::opened(-1, kind);
    return result;
  }
  // Two calls here would be two places, with a group each in the report: the compiler is not to unroll the loop.
  const volatile int ends = 2;
  for (int end = 0; end < ends; ++end) Descriptors::opened(pair[end], kind);
  return result;
}

/// What `accept()` returns, a connection that has come to `listener`.
template <class Accept>
int accepted(int listener, Accept accept) {
  return opened("accept", listener, kinds::connection, accept);
}

/// What `make()` returns, which nothing but `operation` names.
template <class Make>
int made(const char* operation, const leash::track::Kind& kind, Make make) {
  return opened(operation, nullptr, kind, make);
}

/// What `connect()` returns, which connects `socket` to an address or binds it there. Where it fails and the socket is
/// left open, the report says so.
template <class Connect>
int connected(const char* operation, int socket, const sockaddr* address, socklen_t size, Connect connect) {
  int result = -1;
  if (!Faults::strikes(operation, address, size)) result = connect();
  if (result != 0 && errno != EINPROGRESS && errno != EINTR) {
    Descriptors::failed(socket, operation, address, size, errno);
  }
  return result;
}

/// Tags the descriptors that have come with a message (SCM_RIGHTS).
ssize_t received(ssize_t size, msghdr* message) noexcept {
  if (size < 0 || message->msg_controllen == 0) return size;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t at = 0; at < count; ++at) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + at * sizeof(int), sizeof number);
      Descriptors::opened(number, kinds::received);
    }
  }
  return size;
}

constinit const Real<int(int, int, int)> real_socket [[gnu::section("leash_reals")]] ("socket");
constinit const Real<int(int, int, int, int*)> real_socketpair [[gnu::section("leash_reals")]] ("socketpair");
constinit const Real<int(int, sockaddr*, socklen_t*)> real_accept [[gnu::section("leash_reals")]] ("accept");
constinit const Real<int(int, sockaddr*, socklen_t*, int)> real_accept4 [[gnu::section("leash_reals")]] ("accept4");
constinit const Real<int(int, const sockaddr*, socklen_t)> real_connect [[gnu::section("leash_reals")]] ("connect");
constinit const Real<int(int, const sockaddr*, socklen_t)> real_bind [[gnu::section("leash_reals")]] ("bind");
constinit const Real<ssize_t(int, msghdr*, int)> real_recvmsg [[gnu::section("leash_reals")]] ("recvmsg");
constinit const Real<int(int*)> real_pipe [[gnu::section("leash_reals")]] ("pipe");
constinit const Real<int(int*, int)> real_pipe2 [[gnu::section("leash_reals")]] ("pipe2");
constinit const Real<int(unsigned, int)> real_eventfd [[gnu::section("leash_reals")]] ("eventfd");
constinit const Real<int(int, int)> real_timerfd_create [[gnu::section("leash_reals")]] ("timerfd_create");
constinit const Real<int(int, const sigset_t*, int)> real_signalfd [[gnu::section("leash_reals")]] ("signalfd");
constinit const Real<int(int)> real_epoll_create [[gnu::section("leash_reals")]] ("epoll_create");
constinit const Real<int(int)> real_epoll_create1 [[gnu::section("leash_reals")]] ("epoll_create1");
constinit const Real<int()> real_inotify_init [[gnu::section("leash_reals")]] ("inotify_init");
constinit const Real<int(int)> real_inotify_init1 [[gnu::section("leash_reals")]] ("inotify_init1");
constinit const Real<int(const char*, unsigned)> real_memfd_create [[gnu::section("leash_reals")]] ("memfd_create");

}  // namespace

extern "C" {

#pragma GCC visibility push(default)

int socket(int family, int type, int protocol) noexcept {
  return made("socket", kinds::socket, [&] { return real_socket(family, type, protocol); });
}
int socketpair(int family, int type, int protocol, int pair[2]) noexcept {
  return opened_pair("socketpair", pair, kinds::socket, [&] { return real_socketpair(family, type, protocol, pair); });
}
int accept(int listener, sockaddr* address, socklen_t* size) {
  return accepted(listener, [&] { return real_accept(listener, address, size); });
}
int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  return accepted(listener, [&] { return real_accept4(listener, address, size, flags); });
}
int connect(int socket, const sockaddr* address, socklen_t size) {
  return connected("connect", socket, address, size, [&] { return real_connect(socket, address, size); });
}
int bind(int socket, const sockaddr* address, socklen_t size) noexcept {
  return connected("bind", socket, address, size, [&] { return real_bind(socket, address, size); });
}
ssize_t recvmsg(int socket, msghdr* message, int flags) {
  return received(real_recvmsg(socket, message, flags), message);
}

int pipe(int ends[2]) noexcept {
  return opened_pair("pipe", ends, kinds::pipe_end, [&] { return real_pipe(ends); });
}
int pipe2(int ends[2], int flags) noexcept {
  return opened_pair("pipe", ends, kinds::pipe_end, [&] { return real_pipe2(ends, flags); });
}

int eventfd(unsigned value, int flags) noexcept {
  return made("eventfd", kinds::event, [&] { return real_eventfd(value, flags); });
}
int timerfd_create(int clock, int flags) noexcept {
  return made("timerfd_create", kinds::timer, [&] { return real_timerfd_create(clock, flags); });
}
int signalfd(int number, const sigset_t* mask, int flags) noexcept {
  // With a number it changes what that is for.
  if (number != -1) return real_signalfd(number, mask, flags);
  return made("signalfd", kinds::signal, [&] { return real_signalfd(number, mask, flags); });
}
int epoll_create(int size) noexcept {
  return made("epoll_create", kinds::epoll, [&] { return real_epoll_create(size); });
}
int epoll_create1(int flags) noexcept {
  return made("epoll_create", kinds::epoll, [&] { return real_epoll_create1(flags); });
}
int inotify_init() noexcept {
  return made("inotify_init", kinds::inotify, [] { return real_inotify_init(); });
}
int inotify_init1(int flags) noexcept {
  return made("inotify_init", kinds::inotify, [&] { return real_inotify_init1(flags); });
}
int memfd_create(const char* name, unsigned flags) noexcept {
  return opened("memfd_create", name, kinds::memory, [&] { return real_memfd_create(name, flags); });
}

#pragma GCC visibility pop
}
