#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What run_test.cpp puts on a leash: it knows nothing of leash. Each part opens, closes and leaves open in another way.

namespace {

int leave_file() { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); }

/// One of each kind, opened and closed again by its own function.
int close_all() {
  std::vector<int> numbers = {::open("/etc/passwd", O_RDONLY),
                              ::openat(AT_FDCWD, "/etc/passwd", O_RDONLY),
                              ::dup(0),
                              ::fcntl(0, F_DUPFD, 20),
                              ::socket(AF_UNIX, SOCK_STREAM, 0),
                              ::eventfd(0, 0),
                              ::timerfd_create(CLOCK_MONOTONIC, 0),
                              ::epoll_create1(0),
                              ::inotify_init1(0),
                              ::memfd_create("m", 0)};
  char temporary[] = "/tmp/leash-test-XXXXXX";
  numbers.push_back(::mkstemp(temporary));
  ::unlink(temporary);
  sigset_t none;
  ::sigemptyset(&none);
  numbers.push_back(::signalfd(-1, &none, 0));
  int pair[2] = {-1, -1};
  if (::pipe(pair) != 0) return 1;
  numbers.insert(numbers.end(), pair, pair + 2);
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
  numbers.insert(numbers.end(), pair, pair + 2);
  numbers.push_back(::dup2(0, 30));
  numbers.push_back(::dup3(0, 31, 0));
  // In the place of another one.
  if (::dup2(numbers[0], 30) != 30) return 1;
  for (const int number : numbers) {
    if (number < 0 || ::close(number) != 0) return 1;
  }
  std::FILE* const file = std::fopen("/etc/passwd", "r");
  if (file == nullptr || std::freopen("/etc/hosts", "r", file) == nullptr || std::fclose(file) != 0) return 1;
  std::FILE* const nameless = std::tmpfile();
  if (nameless == nullptr || std::fclose(nameless) != 0) return 1;
  std::FILE* const adopted = ::fdopen(leave_file(), "r");
  if (adopted == nullptr || std::fclose(adopted) != 0) return 1;
  DIR* const directory = ::opendir("/etc");
  if (directory == nullptr || ::closedir(directory) != 0) return 1;
  std::FILE* const command = ::popen("true", "r");
  if (command == nullptr || ::pclose(command) != 0) return 1;
  leave_file();
  ::closefrom(3);
  leave_file();
  return ::close_range(3, ~0U, 0);
}

int pass_descriptor() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  char byte = 'x';
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int zero = 0;
  std::memcpy(CMSG_DATA(part), &zero, sizeof zero);
  if (::sendmsg(ends[0], &message, 0) != 1) return 1;
  return ::recvmsg(ends[1], &message, 0) == 1 ? 0 : 1;
}

/// A child of vfork closes what its parent has open.
int close_in_child() {
  const int file = leave_file();
  const pid_t child = ::vfork();
  if (child == 0) {
    ::close(file);
    ::_exit(7);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 7 ? 0 : 1;
}

void open_and_close_many() {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([] {
      for (int time = 0; time < 2000; ++time) std::ifstream("/etc/passwd").peek();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

volatile std::sig_atomic_t opened_in_handler = 0;

/// A handler interrupts open(2) all the time, and opens.
int open_in_handler() {
  std::signal(SIGALRM, [](int) {
    const int error = errno;
    const int file = ::open("/etc/hosts", O_RDONLY);
    if (file >= 0 && ::close(file) == 0) opened_in_handler = opened_in_handler + 1;
    errno = error;
  });
  itimerval each{{0, 100}, {0, 100}};
  ::setitimer(ITIMER_REAL, &each, nullptr);
  while (opened_in_handler < 2000) {
    const int file = ::open("/etc/passwd", O_RDONLY);
    if (file >= 0) ::close(file);
  }
  each = {};
  return ::setitimer(ITIMER_REAL, &each, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view part = argc < 2 ? "" : argv[1];
  if (part == "nothing") return 3;
  if (part == "file") return leave_file() < 0 ? 1 : 0;
  if (part == "all") return close_all();
  if (part == "passed") return pass_descriptor();
  if (part == "child") return close_in_child();
  if (part == "handler") return open_in_handler();
  if (part == "threads") return open_and_close_many(), 0;
  if (part == "errno") {
    errno = 0;
    const bool failed = ::open("/none", O_RDONLY) == -1 && errno == ENOENT && ::close(999) == -1 && errno == EBADF;
    errno = 5;
    const int file = leave_file();
    return failed && errno == 5 && ::close(file) == 0 && errno == 5 ? 0 : 1;
  }
  if (part == "quick") {
    leave_file();
    ::_exit(5);
  }
  if (part == "silent") {
    leave_file();
    ::close(STDERR_FILENO);
    return 0;
  }
  return 8;
}
