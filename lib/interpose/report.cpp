#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
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

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that compilers know
extern "C" int __cxa_atexit(void (*function)(void*), void* argument, void* library);

namespace LEASH_NAMESPACE::interpose {
namespace {

/// Where the report goes: standard error as it was when the program began, which may close its own.
class Out {
 public:
  void take() noexcept {
    // A number that programs do not come to by themselves.
    const int number = os::open_own([] { return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200); });
    if (number >= 0) kept_ = os::open_descriptor(number);
  }

  /// -1 if the program has closed that one too.
  int number() const noexcept {
    if (kept_ && os::open_descriptor(kept_->number) == kept_) return kept_->number;
    return os::open_descriptor(STDERR_FILENO) ? STDERR_FILENO : -1;
  }

  /// Not by a stream: the program may have been interrupted at work on one.
  void write(std::string_view text) const noexcept {
    const int to = number();
    while (to >= 0 && !text.empty()) {
      const ssize_t written = ::write(to, text.data(), text.size());
      if (written < 0 && errno != EINTR) return;
      if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  std::optional<os::OpenDescriptor> kept_;
};

constinit Out out;

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

/// Makes the report, once in each process. Returns whether that is to be a failure.
bool report_once() noexcept {
  // One more than the `os::fork_generation` that has made it.
  static constinit std::atomic<std::uint32_t> reported{0};
  const std::uint32_t here = os::fork_generation() + 1;
  // In a handler that has interrupted us nothing can be reported.
  if (Descriptors::is_inside() || !Descriptors::is_process() || reported.exchange(here) == here) return false;
  const Descriptors::Inside inside;
  Descriptors::end();
  try {
    track::Report report = Descriptors::tracker().close();
    complete(report);
    if (orders().to_files) {
      track::detail::collect(report);
    } else if (!report.groups.empty() || !report.remarks.empty()) {
      out.write(text_of(track::explain(report)));
    }
    return orders().fail_on_leak && !report.ok();
  } catch (const std::exception& error) {
    out.write("leash: no report: " + std::string(error.what()) + '\n');
    return false;
  }
}

/// What exit(3) calls before this, since it was registered later, writes files. Does nothing unless there is a reason.
constinit std::atomic<bool> fails{false};

void fail_if_wanted() {
  if (!fails) return;
  std::fflush(nullptr);
  ::_exit(EXIT_FAILURE);
}

void at_exit(void*) {
  std::atexit(fail_if_wanted);
  fails = report_once();
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
  if (orders().every != std::chrono::milliseconds::zero()) os::start_background_thread(tell_changes);
}

bool report_at_once() noexcept {
  const bool is_failure = report_once();
  track::detail::write_collected();
  return is_failure;
}

}  // namespace LEASH_NAMESPACE::interpose
