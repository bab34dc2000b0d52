#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <leash/detail/escape.hpp>
#include <leash/fault/detail/child.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

[[noreturn]] void throw_system_error(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// What a child and its parent have in common.
struct Wires {
  os::Descriptor came_back;  ///< Where the parent reads a byte if the child comes back.
  os::Descriptor says_so;    ///< Where the child writes it.
  os::Descriptor output;     ///< A file for what the child prints.
};

Wires make_wires() {
  const os::Opening opening;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("pipe");
  Wires wires{.came_back = os::Descriptor(os::own(ends[0])), .says_so = os::Descriptor(os::own(ends[1])), .output = {}};
  const int file = ::memfd_create("leash", MFD_CLOEXEC);
  if (file < 0) throw_system_error("memfd_create");
  wires.output = os::Descriptor(os::own(file));
  return wires;
}

/// Whether the child came back, before `limit`.
bool came_back(const Wires& wires, Clock::duration limit, bool& hung) {
  const auto until = std::chrono::steady_clock::now() + std::min<Clock::duration>(limit, std::chrono::hours(24));
  pollfd waiting{.fd = wires.came_back.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) break;
    if (ready == 0) {
      hung = true;
      return false;
    }
    if (errno != EINTR) throw_system_error("poll");
  }
  char byte = 0;
  return os::retry([&] { return ::read(wires.came_back.get(), &byte, 1); }) == 1;
}

/// The line that says why: of a sanitizer or of the C++ runtime, else the last one.
std::string telling_line(int file) {
  std::array<char, 16384> buffer{};
  const ssize_t size = ::pread(file, buffer.data(), buffer.size(), 0);
  std::string_view rest(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  std::string_view telling;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t=") == std::string_view::npos) continue;
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

std::optional<Death> die_in_child(FunctionRef<void()> run, Clock::duration limit) {
  Wires wires = make_wires();
  std::fflush(nullptr);  // Else the child might write once more what is in buffers.
  const pid_t child = ::fork();
  if (child < 0) throw_system_error("fork");
  if (child == 0) {
    ::dup2(wires.output.get(), STDOUT_FILENO);
    ::dup2(wires.output.get(), STDERR_FILENO);
    // Test frameworks have handlers that take the failure for one of the test.
    std::signal(SIGABRT, SIG_DFL);
    run();
    const char byte = 1;
    static_cast<void>(os::retry([&] { return ::write(wires.says_so.get(), &byte, 1); }));
    ::_exit(0);
  }
  wires.says_so = os::Descriptor();
  Death death;
  const bool well = came_back(wires, limit, death.hung);
  if (death.hung) ::kill(child, SIGKILL);
  int status = 0;
  static_cast<void>(os::retry([&] { return ::waitpid(child, &status, 0); }));
  if (well) return std::nullopt;
  if (!death.hung) {
    death.how = end_of(status);
    if (const std::string line = telling_line(wires.output.get()); !line.empty()) death.how += " (" + line + ")";
  }
  return death;
}

}  // namespace LEASH_NAMESPACE::fault::detail
