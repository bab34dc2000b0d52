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

#include <cstdint>
#include <cstring>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/kinds.hpp>
#include <leash/interpose/real.hpp>

namespace kinds = leash::interpose::kinds;
using leash::interpose::Descriptors;
using leash::interpose::Real;

namespace {

int with_tag(int number, const leash::track::Kind& kind) noexcept {
  Descriptors::opened(number, kind);
  return number;
}

/// Tags both of a pair, if `result` is success.
int pair_with_tags(int result, const int* pair, const leash::track::Kind& kind) noexcept {
  if (result != 0) return result;
  // Two calls here would be two places, with a group each in the report: the compiler is not to unroll the loop.
  const volatile int ends = 2;
  for (int end = 0; end < ends; ++end) Descriptors::opened(pair[end], kind);
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

constinit const Real<int(int, int, int)> real_socket("socket");
constinit const Real<int(int, int, int, int*)> real_socketpair("socketpair");
constinit const Real<int(int, sockaddr*, socklen_t*)> real_accept("accept");
constinit const Real<int(int, sockaddr*, socklen_t*, int)> real_accept4("accept4");
constinit const Real<ssize_t(int, msghdr*, int)> real_recvmsg("recvmsg");
constinit const Real<int(int*)> real_pipe("pipe");
constinit const Real<int(int*, int)> real_pipe2("pipe2");
constinit const Real<int(unsigned, int)> real_eventfd("eventfd");
constinit const Real<int(int, int)> real_timerfd_create("timerfd_create");
constinit const Real<int(int, const sigset_t*, int)> real_signalfd("signalfd");
constinit const Real<int(int)> real_epoll_create("epoll_create");
constinit const Real<int(int)> real_epoll_create1("epoll_create1");
constinit const Real<int()> real_inotify_init("inotify_init");
constinit const Real<int(int)> real_inotify_init1("inotify_init1");
constinit const Real<int(const char*, unsigned)> real_memfd_create("memfd_create");

}  // namespace

extern "C" {

#pragma GCC visibility push(default)

int socket(int family, int type, int protocol) noexcept {
  return with_tag(real_socket(family, type, protocol), kinds::socket);
}
int socketpair(int family, int type, int protocol, int pair[2]) noexcept {
  return pair_with_tags(real_socketpair(family, type, protocol, pair), pair, kinds::socket);
}
int accept(int listener, sockaddr* address, socklen_t* size) {
  return with_tag(real_accept(listener, address, size), kinds::connection);
}
int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  return with_tag(real_accept4(listener, address, size, flags), kinds::connection);
}
ssize_t recvmsg(int socket, msghdr* message, int flags) {
  return received(real_recvmsg(socket, message, flags), message);
}

int pipe(int ends[2]) noexcept { return pair_with_tags(real_pipe(ends), ends, kinds::pipe_end); }
int pipe2(int ends[2], int flags) noexcept { return pair_with_tags(real_pipe2(ends, flags), ends, kinds::pipe_end); }

int eventfd(unsigned value, int flags) noexcept { return with_tag(real_eventfd(value, flags), kinds::event); }
int timerfd_create(int clock, int flags) noexcept { return with_tag(real_timerfd_create(clock, flags), kinds::timer); }
int signalfd(int number, const sigset_t* mask, int flags) noexcept {
  // With a number it changes what that is for.
  const int result = real_signalfd(number, mask, flags);
  return number == -1 ? with_tag(result, kinds::signal) : result;
}
int epoll_create(int size) noexcept { return with_tag(real_epoll_create(size), kinds::epoll); }
int epoll_create1(int flags) noexcept { return with_tag(real_epoll_create1(flags), kinds::epoll); }
int inotify_init() noexcept { return with_tag(real_inotify_init(), kinds::inotify); }
int inotify_init1(int flags) noexcept { return with_tag(real_inotify_init1(flags), kinds::inotify); }
int memfd_create(const char* name, unsigned flags) noexcept {
  return with_tag(real_memfd_create(name, flags), kinds::memory);
}

#pragma GCC visibility pop
}
