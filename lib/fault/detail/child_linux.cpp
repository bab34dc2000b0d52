#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <leash/detail/deadline_after.hpp>
#include <leash/detail/escape.hpp>
#include <leash/fault/detail/child.hpp>
#include <leash/fault/detail/crash_report.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <string>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

[[noreturn]] void throw_system_error(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The beginning and the end of what a child prints: of one that never ends it may be without end.
class Output {
 public:
  void add(std::string_view text) {
    const std::size_t fits = std::min(text.size(), most - begin_.size());
    begin_.append(text.substr(0, fits));
    end_.append(text.substr(fits));
    if (end_.size() > 2 * most) end_.erase(0, end_.size() - most);
  }

  /// The line that says why: of a sanitizer or of the C++ runtime, else the last one.
  std::string telling_line() const;

 private:
  static constexpr std::size_t most = 16384;

  std::string begin_;
  std::string end_;
};

ChildWires make_wires() {
  const os::Opening opening;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("pipe");
  ChildWires wires{.came_back = os::Descriptor(os::own(ends[0])),
                   .says_so = os::Descriptor(os::own(ends[1])),
                   .output = {},
                   .prints = {}};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("pipe");
  wires.output = os::Descriptor(os::own(ends[0]));
  wires.prints = os::Descriptor(os::own(ends[1]));
  return wires;
}

/// Reads what there is. False at the end, when no process can print there any more.
bool read_some(const ChildWires& wires, Output& output) {
  std::array<char, 4096> piece{};
  const ssize_t size = os::retry([&] { return ::read(wires.output.get(), piece.data(), piece.size()); });
  if (size > 0) output.add({piece.data(), static_cast<std::size_t>(size)});
  return size > 0;
}

/// Whether the child came back, before `limit` on the machine's clock. Meanwhile reads what it prints.
bool came_back(const ChildWires& wires, Clock::time_point limit, Output& output, bool& hung) {
  std::array<pollfd, 2> waiting{{{.fd = wires.came_back.get(), .events = POLLIN, .revents = 0},
                                 {.fd = wires.output.get(), .events = POLLIN, .revents = 0}}};
  for (;;) {
    const Clock::duration left = std::clamp<Clock::duration>(limit - Clock::real()->now(), {}, std::chrono::hours(24));
    const int timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    if (::poll(waiting.data(), waiting.size(), timeout) < 0 && errno != EINTR) {
      throw_system_error("poll");
    }
    if (waiting[1].revents != 0 && !read_some(wires, output)) waiting[1].fd = -1;
    if (waiting[0].revents != 0) break;
    hung = timeout == 0;
    if (hung) return false;
  }
  char byte = 0;
  return os::retry([&] { return ::read(wires.came_back.get(), &byte, 1); }) == 1;
}

/// Reads what is left. A process that the child has started may keep the pipe open, and is not waited for.
void read_rest(const ChildWires& wires, Output& output) {
  pollfd waiting{.fd = wires.output.get(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 0) > 0 && read_some(wires, output)) continue;
}

std::string Output::telling_line() const {
  const std::string all = begin_ + end_;
  std::string_view rest = all;
  std::string_view telling;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    // The token is told elsewhere.
    if (line.find_first_not_of(" \t=") == std::string_view::npos || line.starts_with(CrashReport::opening)) continue;
    telling = line;
    if (line.contains("ERROR: ") || line.contains("runtime error: ") || line.contains("WARNING: ThreadSanitizer") ||
        line.starts_with("terminate called")) {
      break;
    }
  }
  return leash::detail::escape(telling, 200);
}

std::string end_of(int status) {
  if (WIFEXITED(status)) return "exits with status " + std::to_string(WEXITSTATUS(status));
  const char* const name = ::sigabbrev_np(WTERMSIG(status));
  return "is killed by " + (name != nullptr ? "SIG" + std::string(name) : std::to_string(WTERMSIG(status)));
}

}  // namespace

Child::Child(FunctionRef<void()> run) : wires_(make_wires()) {
  std::fflush(nullptr);  // Else the child might write once more what is in buffers.
  process_ = ::fork();
  if (process_ < 0) throw_system_error("fork");
  if (process_ == 0) {
    ::dup2(wires_.prints.get(), STDOUT_FILENO);
    ::dup2(wires_.prints.get(), STDERR_FILENO);
    // Test frameworks have handlers that take the failure for one of the test.
    std::signal(SIGABRT, SIG_DFL);
    run();
    const char byte = 1;
    static_cast<void>(os::retry([&] { return ::write(wires_.says_so.get(), &byte, 1); }));
    ::_exit(0);
  }
  wires_.says_so = os::Descriptor();
  wires_.prints = os::Descriptor();
}

Child::~Child() {
  if (process_ == -1) return;
  ::kill(process_, SIGKILL);
  reap();
}

int Child::reap() noexcept {
  int status = 0;
  static_cast<void>(os::retry([&] { return ::waitpid(process_, &status, 0); }));
  process_ = -1;
  return status;
}

std::optional<Death> Child::wait(Clock::duration limit) {
  Death death;
  Output output;
  const bool well = came_back(wires_, leash::detail::deadline_after(began_, limit), output, death.hung);
  if (death.hung) ::kill(process_, SIGKILL);
  const int status = reap();
  if (well) return std::nullopt;
  if (!death.hung) {
    read_rest(wires_, output);
    death.how = end_of(status);
    if (const std::string line = output.telling_line(); !line.empty()) death.how += " (" + line + ")";
  }
  return death;
}

}  // namespace LEASH_NAMESPACE::fault::detail
