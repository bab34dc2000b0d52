#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/failed_closes.hpp>
#include <leash/interpose/orders.hpp>
#include <leash/interpose/report.hpp>
#include <leash/os/background_thread.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/findings.hpp>
#include <leash/track/report/merge.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/tracker.hpp>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// NOLINTBEGIN(bugprone-reserved-identifier): the names that compilers and sanitizers know
extern "C" int __cxa_atexit(void (*function)(void*), void* argument, void* library);
// These are there in a program with that sanitizer.
extern "C" [[gnu::weak]] void __asan_init();
extern "C" [[gnu::weak]] void __tsan_init();
// NOLINTEND(bugprone-reserved-identifier)

namespace LEASH_NAMESPACE::interpose {
namespace {

/// Where the report goes: standard error as it was when the program began, which may close its own.
class Out {
 public:
  void take() noexcept {
    first_ = os::open_descriptor(STDERR_FILENO);
    // A number that programs do not come to by themselves.
    const int number = os::open_own([] { return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200); });
    if (number >= 0) kept_ = os::open_descriptor(number);
  }

  /// Who waits for the end of standard error is not to wait for this process.
  void close() noexcept {
    if (is_still(kept_)) os::close_own(kept_->number);
    kept_.reset();
  }

  /// -1 if the program has closed that one too. What has its number by now may be a file of the program's.
  int number() const noexcept {
    if (is_still(kept_)) return kept_->number;
    return is_still(first_) ? STDERR_FILENO : -1;
  }

  /// Not by a stream: the program may have been interrupted at work on one. Gives up if nobody reads for some time.
  void write(std::string_view text) const noexcept {
    constexpr int most_wait_ms = 5000;
    const int to = number();
    while (to >= 0 && !text.empty()) {
      pollfd ready{.fd = to, .events = POLLOUT, .revents = 0};
      const int polled = ::poll(&ready, 1, most_wait_ms);
      if (polled < 0 && errno == EINTR) continue;
      if (polled <= 0) return;
      // A pipe takes so much without waiting.
      const ssize_t written = ::write(to, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
      if (written < 0 && errno != EINTR && errno != EAGAIN) return;
      if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  static bool is_still(const std::optional<os::OpenDescriptor>& open) noexcept {
    return open && os::open_descriptor(open->number) == open;
  }

  std::optional<os::OpenDescriptor> first_;  ///< That of the number 2.
  std::optional<os::OpenDescriptor> kept_;   ///< Our own copy of it.
};

constinit Out out;

/// While one lives, the calling thread is not cancelled, and no write ends the program: to a pipe that nobody reads any
/// more (SIGPIPE), or beyond the largest file there may be (SIGXFSZ).
class Undisturbed {
 public:
  Undisturbed() noexcept {
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_before_);
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGPIPE);
    ::sigaddset(&signals_, SIGXFSZ);
    ::sigpending(&pending_before_);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &blocked_before_);
  }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;
  ~Undisturbed() {
    // What was not pending before comes from our own writes.
    for (const int each : {SIGPIPE, SIGXFSZ}) {
      if (::sigismember(&pending_before_, each) == 1) ::sigdelset(&signals_, each);
    }
    constexpr timespec at_once{};
    while (::sigtimedwait(&signals_, nullptr, &at_once) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked_before_, nullptr);
    ::pthread_setcancelstate(cancel_before_, nullptr);
  }

 private:
  int cancel_before_ = PTHREAD_CANCEL_ENABLE;
  sigset_t signals_{};
  sigset_t pending_before_{};
  sigset_t blocked_before_{};
};

/// Calls `function` on a stack of its own: that of a signal handler, or of a coroutine, is small.
void call_on_own_stack(void (*function)()) noexcept {
  // The contexts lie there too, since they are large.
  struct Contexts {
    ucontext_t here;
    ucontext_t there;
  };
  constexpr std::size_t size = std::size_t{8} << 20U;
  // Sanitizers do not like a stack that changes.
  const bool is_sanitized = &__asan_init != nullptr || &__tsan_init != nullptr;
  void* const memory = is_sanitized ? MAP_FAILED
                                    : ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) {
    function();
    return;
  }
  auto* const contexts = static_cast<Contexts*>(memory);
  ::getcontext(&contexts->there);
  contexts->there.uc_stack.ss_sp = contexts + 1;
  contexts->there.uc_stack.ss_size = size - sizeof(Contexts);
  contexts->there.uc_link = &contexts->here;
  ::makecontext(&contexts->there, function, 0);
  ::swapcontext(&contexts->here, &contexts->there);
  ::munmap(memory, size);
}

/// What the tracker says, and what only we have seen.
void complete(track::Report& report) {
  std::vector<track::Group> failed = FailedCloses::groups();
  report.groups.insert(report.groups.end(), std::make_move_iterator(failed.begin()),
                       std::make_move_iterator(failed.end()));
  track::detail::sort_groups(report.groups);
  report.remarks = Descriptors::remarks();
}

std::string text_of(const track::Explained& explained) {
  return track::text(explained, track::TextOptions::of_descriptor(out.number())) + '\n';
}

/// Whether the program is to fail, since there was a finding.
constinit std::atomic<bool> fails{false};

void report() {
  try {
    track::Report report = Descriptors::tracker().close();
    complete(report);
    fails = orders().fail_on_leak && !report.ok();
    if (orders().to_files) {
      track::detail::collect(report);
      track::detail::write_collected();
    } else if (!report.groups.empty() || !report.remarks.empty()) {
      out.write(text_of(track::explain(report)));
    }
  } catch (const std::exception& error) {
    out.write("leash: no report: " + std::string(error.what()) + '\n');
  }
}

/// Makes the report, once in each process.
void report_once() noexcept {
  // One more than the `os::fork_generation` that has made it.
  static constinit std::atomic<std::uint32_t> reported{0};
  const std::uint32_t here = os::fork_generation() + 1;
  if (!Descriptors::is_process() || reported.exchange(here) == here) return;
  const Undisturbed undisturbed;
  if (Descriptors::is_inside()) {
    out.write("leash: no report: a signal handler ends the program, and has interrupted leash\n");
    return;
  }
  const Descriptors::Inside inside;
  Descriptors::end();
  call_on_own_stack(report);
}

void at_exit(void*) {
  report_once();
  // What exit(3) has not done yet goes on from here, with this status.
  if (fails.exchange(false)) std::exit(EXIT_FAILURE);
}

/// What `--every` prints: what is open more, or no more, than the last time.
[[noreturn]] void tell_changes() {
  const auto look = [] {
    return track::explain(Descriptors::tracker().snapshot(), {.max_groups = std::numeric_limits<std::size_t>::max()});
  };
  for (track::Explained before;;) {
    std::this_thread::sleep_for(orders().every);
    track::Explained now = look();
    const track::Diff diff = track::diff(before, now);
    const std::string total = std::to_string(now.total_resources) + " open";
    out.write("leash: " + total + (diff.changes.empty() ? ", nothing has changed\n" : ":\n" + track::text(diff)));
    before = std::move(now);
  }
}

}  // namespace

void begin_report() {
  out.take();
  // As no library's: atexit(3) would have it called before the destructors of other libraries, which close what they
  // have open.
  __cxa_atexit(at_exit, nullptr, nullptr);
  if (!orders().follow) ::pthread_atfork(nullptr, nullptr, [] { out.close(); });
  if (orders().every != std::chrono::milliseconds::zero()) os::start_background_thread(tell_changes);
}

bool report_at_once() noexcept {
  report_once();
  return fails;
}

}  // namespace LEASH_NAMESPACE::interpose
