#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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
#include <new>
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

  /// The first line of a sanitizer, if there is one.
  std::string sanitizer_line() const;

 private:
  std::string first_line(FunctionRef<bool(std::string_view)> tells) const;

  static constexpr std::size_t most = 16384;

  std::string begin_;
  std::string end_;
};

/// Reads what there is. False at the end, when no process can print there any more.
bool read_some(const os::Descriptor& from, Output& output) {
  std::array<char, 4096> piece{};
  const ssize_t size = os::retry([&] { return ::read(from.get(), piece.data(), piece.size()); });
  if (size > 0) output.add({piece.data(), static_cast<std::size_t>(size)});
  return size > 0;
}

/// Whether the child `process` ends before `limit` on the machine's clock; `end` is readable then, or is none.
/// Meanwhile reads what it prints.
bool ends(int process, const os::Descriptor& end, Clock::time_point limit, const os::Descriptor& from, Output& output) {
  std::array<pollfd, 2> waiting{
      {{.fd = end.get(), .events = POLLIN, .revents = 0}, {.fd = from.get(), .events = POLLIN, .revents = 0}}};
  for (;;) {
    const Clock::duration left = std::clamp<Clock::duration>(limit - Clock::real()->now(), {}, std::chrono::hours(24));
    const int timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    const int ready = ::poll(waiting.data(), waiting.size(), end ? timeout : std::min(timeout, 1));
    if (ready < 0 && errno != EINTR) throw_system_error("poll");
    if (waiting[1].revents != 0 && !read_some(from, output)) waiting[1].fd = -1;
    if (waiting[0].revents != 0) return true;
    siginfo_t info{};
    // Not waited for as yet: `reap` does that.
    const bool is_over =
        !end &&
        (::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0);
    if (is_over) return true;
    if (timeout == 0) return false;
  }
}

/// Reads what is left. A process that the child has started may keep the pipe open, and is not waited for.
void read_rest(const os::Descriptor& from, Output& output) {
  pollfd waiting{.fd = from.get(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 0) > 0 && read_some(from, output)) continue;
}

bool is_of_sanitizer(std::string_view line) {
  return line.contains("ERROR: AddressSanitizer") || line.contains("ERROR: LeakSanitizer") ||
         line.contains("runtime error: ") || line.contains("WARNING: ThreadSanitizer") ||
         line.contains("WARNING: MemorySanitizer");
}

std::string Output::first_line(FunctionRef<bool(std::string_view)> tells) const {
  const std::string all = begin_ + end_;
  std::string_view rest = all;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (tells(line)) return leash::detail::escape(line, 200);
  }
  return {};
}

std::string Output::telling_line() const {
  if (std::string line = sanitizer_line(); !line.empty()) return line;
  std::string last;
  const auto tells = [&](std::string_view line) {
    // The token is told elsewhere.
    const bool is_empty = line.find_first_not_of(" \t=") == std::string_view::npos;
    if (!is_empty && !line.starts_with(CrashReport::opening)) last = line;
    return line.contains("ERROR: ") || line.starts_with("terminate called");
  };
  const std::string line = first_line(FunctionRef<bool(std::string_view)>(tells));
  return line.empty() ? leash::detail::escape(last, 200) : line;
}

std::string Output::sanitizer_line() const {
  const auto tells = [](std::string_view line) { return is_of_sanitizer(line); };
  return first_line(FunctionRef<bool(std::string_view)>(tells));
}

std::string end_of(int status) {
  if (status == -1) return "ends, and something else has waited for it";
  if (WIFEXITED(status)) return "exits with status " + std::to_string(WEXITSTATUS(status));
  const char* const name = ::sigabbrev_np(WTERMSIG(status));
  return "is killed by " + (name != nullptr ? "SIG" + std::string(name) : std::to_string(WTERMSIG(status)));
}

ChildNotes* map_notes() {
  void* const memory = ::mmap(nullptr, sizeof(ChildNotes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_system_error("mmap");
  return new (memory) ChildNotes();
}

}  // namespace

void ChildNotes::add_struck(std::string_view subject) noexcept {
  const std::uint32_t number = struck_;
  if (number < subjects_.size()) {
    subject = subject.substr(0, subjects_[number].size() - 1);
    std::ranges::copy(subject, subjects_[number].begin());
    subjects_[number][subject.size()] = '\0';
  }
  struck_ = number + 1;
}

std::vector<std::string> ChildNotes::struck() const {
  // A child that runs wild may have written anything here.
  constexpr std::uint32_t most_struck = 4096;
  std::vector<std::string> subjects(std::min(struck_.load(), most_struck));
  for (std::size_t at = 0; at < std::min(subjects.size(), subjects_.size()); ++at) {
    // The child may have been killed while it wrote.
    subjects[at].assign(subjects_[at].data(), ::strnlen(subjects_[at].data(), subjects_[at].size()));
  }
  return subjects;
}

void Child::Unmap::operator()(ChildNotes* notes) const noexcept { ::munmap(notes, sizeof *notes); }

Child::Child(FunctionRef<void(ChildNotes&)> run) : notes_(map_notes()) {
  os::Descriptor prints;
  {
    const os::Opening opening;
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_system_error("pipe");
    output_ = os::Descriptor(os::own(pipe[0]));
    prints = os::Descriptor(os::own(pipe[1]));
  }
  std::fflush(nullptr);  // Else the child might write once more what is in buffers.
  process_ = ::fork();
  if (process_ < 0) throw_system_error("fork");
  if (process_ == 0) {
    ::dup2(prints.get(), STDOUT_FILENO);
    ::dup2(prints.get(), STDERR_FILENO);
    // Test frameworks have handlers that take the failure for one of the test.
    std::signal(SIGABRT, SIG_DFL);
    // What it throws must not come to who sweeps, who would go on here beside the parent.
    [&]() noexcept { run(*notes_); }();
    std::fflush(nullptr);
    notes_->come_back();
    ::_exit(0);
  }
  const os::Opening opening;
  const int end = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
  if (end >= 0) end_ = os::Descriptor(os::own(end));
}

Child::~Child() {
  if (process_ == -1) return;
  ::kill(process_, SIGKILL);
  static_cast<void>(reap());
}

/// What waitpid(2) says; -1 if the process was waited for elsewhere, as where SIGCHLD is ignored.
int Child::reap() noexcept {
  int status = -1;
  const bool waited = os::retry([&] { return ::waitpid(process_, &status, 0); }) == process_;
  process_ = -1;
  return waited ? status : -1;
}

ChildEnd Child::wait(Clock::duration limit) {
  ChildEnd end;
  Output output;
  // From now on: as long as nobody reads what it prints, it may have to wait.
  const Clock::time_point until = leash::detail::deadline_after(Clock::real()->now(), limit);
  end.hung = !ends(process_, end_, until, output_, output);
  if (end.hung) ::kill(process_, SIGKILL);
  const int status = reap();
  end.struck = notes_->struck();
  read_rest(output_, output);
  if (end.hung) return end;
  end.came_back = notes_->came_back();
  end.report = output.sanitizer_line();
  if (end.came_back) return end;
  end.how = end_of(status);
  if (const std::string line = output.telling_line(); !line.empty()) end.how += " (" + line + ")";
  return end;
}

}  // namespace LEASH_NAMESPACE::fault::detail
