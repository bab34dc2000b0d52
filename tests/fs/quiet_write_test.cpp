#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <leash/fs/detail/disk_file.hpp>
#include <leash/fs/detail/quiet_write.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/os/descriptor.hpp>
#include <span>
#include <string>
#include <thread>

#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using leash::Context;
using leash::os::Descriptor;

namespace {

std::atomic<int> delivered{0};

sigset_t only_sigpipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  return set;
}

/// While it lives, a SIGPIPE is counted, and does not end the program.
class Counted {
 public:
  explicit Counted(void (*handler)(int) = [](int) { ++delivered; }) {
    delivered = 0;
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(SIGPIPE, &action, &before_);
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_{};
};

/// While it lives, SIGPIPE is blocked in this thread.
class Blocked {
 public:
  Blocked() {
    const sigset_t set = only_sigpipe();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  ~Blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

bool pending() {
  sigset_t set;
  ::sigpending(&set);
  return ::sigismember(&set, SIGPIPE) == 1;
}

bool blocked() {
  sigset_t set;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return ::sigismember(&set, SIGPIPE) == 1;
}

/// Takes a SIGPIPE that is pending, and returns the value it was sent with; 0 if there is none.
int take_pending() {
  const sigset_t set = only_sigpipe();
  constexpr timespec at_once{};
  siginfo_t info{};
  if (::sigtimedwait(&set, &info, &at_once) != SIGPIPE) return 0;
  return info.si_code == SI_QUEUE ? info.si_value.sival_int : -1;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A FIFO below a DiskFS, whose reader has gone.
struct Fifo {
  explicit Fifo(bool use_openat2) {
    REQUIRE(::mkfifo((top / "fifo").c_str(), 0600) == 0);
    fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path(), {.use_openat2 = use_openat2}).value();
    const Descriptor reader(::open((top / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    writer = files.open(Context(), "fifo", {.write = true}).value();
    CHECK(writer->write("read by someone"));
  }

  TempDir top;
  std::unique_ptr<fs::File> writer;
};

}  // namespace

TEST_CASE("a write to a FIFO without a reader is broken_pipe, and no signal") {
  const Counted counted;
  for (const bool use_openat2 : {true, false}) {
    const Fifo fifo(use_openat2);
    CHECK(text_of(fifo.writer->write("x")) == "write fifo: Broken pipe");
    CHECK(text_of(fifo.writer->write("again")) == "write fifo: Broken pipe");
    CHECK(code_of(fifo.writer->write_at("x", 0)) == std::errc::invalid_seek);
    CHECK_FALSE(pending());
    CHECK_FALSE(blocked());
    CHECK(delivered == 0);
  }
}

TEST_CASE("a program that blocks or ignores SIGPIPE finds none pending") {
  const Fifo fifo(true);
  {
    const Counted counted;
    const Blocked block;
    CHECK(code_of(fifo.writer->write("x")) == std::errc::broken_pipe);
    CHECK_FALSE(pending());
    CHECK(blocked());
  }
  CHECK(delivered == 0);
  const Counted ignored(SIG_IGN);
  const Blocked block;
  CHECK(code_of(fifo.writer->write("x")) == std::errc::broken_pipe);
  CHECK_FALSE(pending());
}

TEST_CASE("a SIGPIPE that the program has pending is still there after a write, and is the only one") {
  const Counted counted;
  const Fifo fifo(true);
  const Blocked block;
  REQUIRE(::pthread_sigqueue(::pthread_self(), SIGPIPE, {.sival_int = 42}) == 0);
  REQUIRE(pending());
  CHECK(code_of(fifo.writer->write("x")) == std::errc::broken_pipe);
  CHECK(pending());
  CHECK(take_pending() == 42);
  CHECK(take_pending() == 0);
}

TEST_CASE("a SIGPIPE that was sent to the process is still there after a write, and is the only one") {
  const Counted counted;
  const Fifo fifo(true);
  {
    const Blocked block;
    REQUIRE(::kill(::getpid(), SIGPIPE) == 0);
    CHECK(code_of(fifo.writer->write("x")) == std::errc::broken_pipe);
    CHECK(pending());
  }
  CHECK(delivered == 1);
}

TEST_CASE("a write to a socket whose peer has gone is broken_pipe, and no signal") {
  const Counted counted;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const auto file = fs::detail::DiskFile::make(Descriptor{ends[0]}, "socket", {.write = true});
  CHECK(file->write("x"));
  ::close(ends[1]);
  CHECK(text_of(file->write("x")) == "write socket: Broken pipe");
  CHECK_FALSE(pending());
  CHECK(delivered == 0);
}

TEST_CASE("a reader that goes away in the middle of a write leaves no signal either") {
  const Counted counted;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const Descriptor writing(ends[1]);
  const std::string data(1 << 20, 'x');
  ssize_t count = 0;
  bool left_pending = true;
  {
    Descriptor reading(ends[0]);
    const std::jthread writer([&] {
      const Blocked block;
      count = fs::detail::quiet_write(writing.get(), bytes_of(data));
      left_pending = pending();
    });
    // More than the pipe holds, so that the write has begun to wait.
    std::string some(1 << 17, ' ');
    for (std::size_t got = 0; got < some.size();) {
      const ssize_t more = ::read(reading.get(), some.data(), some.size() - got);
      REQUIRE(more > 0);
      got += static_cast<std::size_t>(more);
    }
    reading = Descriptor();
  }
  CHECK(count > 0);
  CHECK(count < static_cast<ssize_t>(data.size()));
  CHECK_FALSE(left_pending);
  CHECK(delivered == 0);
}
