#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <leash/detail/escape.hpp>
#include <leash/detail/ref.hpp>
#include <leash/os/background_thread.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/lazy.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/text.hpp>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using leash::detail::Ref;
using namespace std::chrono_literals;

struct Wanted {
  std::uint64_t at = 0;  ///< 0 if it is not.
  int signal = 0;        ///< The same.
  std::string signal_name;
  bool to_files = false;
};

struct SignalName {
  std::string_view name;
  int number;
};

/// Those that a program may have for its own use, and those whose default is to do nothing: it would go deaf to others.
constexpr std::array signal_names = {SignalName{"USR1", SIGUSR1}, SignalName{"USR2", SIGUSR2},
                                     SignalName{"CONT", SIGCONT}, SignalName{"WINCH", SIGWINCH}};

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

void complain(const char* variable, const char* value, const char* expected) {
  const std::string line =
      "leash: " + std::string(variable) + ": expected " + expected + ", not \"" + leash::detail::escape(value) + "\"\n";
  std::fputs(line.c_str(), stderr);
}

/// Null also in a program that runs with more rights than its caller's, who must not make it write.
const char* variable(const char* name) noexcept {
  const char* const value = ::secure_getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

Wanted read_environment() {
  Wanted wanted;
  wanted.to_files = variable("LEASH_DUMP_TO") != nullptr;
  const char* const at = variable("LEASH_DUMP_AT");
  const char* const signal = variable("LEASH_DUMP_SIGNAL");
  if (at != nullptr) {
    const auto number = number_of(at);
    if (!number) complain("LEASH_DUMP_AT", at, "a number of open resources");
    wanted.at = number.value_or(0);
  }
  if (signal != nullptr) {
    const auto number = dump_signal_of(signal);
    if (!number) complain("LEASH_DUMP_SIGNAL", signal, "USR1, USR2, CONT, WINCH or the number of a real-time signal");
    wanted.signal = number.value_or(0);
    wanted.signal_name = signal;
  }
  if (!tracking_enabled && (wanted.at != 0 || wanted.signal != 0)) {
    std::fputs("leash: LEASH_DUMP_AT and LEASH_DUMP_SIGNAL: this program is built without tracking\n", stderr);
  }
  if (wanted.to_files && at == nullptr && signal == nullptr) {
    std::fputs("leash: LEASH_DUMP_TO does nothing without LEASH_DUMP_AT or LEASH_DUMP_SIGNAL\n", stderr);
  }
  return wanted;
}

/// What the environment asked for when the program began.
const Wanted& wanted() {
  static constinit os::Lazy<const Wanted> lazy;
  return lazy.get([] { return new const Wanted(read_environment()); });
}

bool wants_any() noexcept {
  if constexpr (!tracking_enabled) return false;
  try {
    return wanted().at != 0 || wanted().signal != 0;
  } catch (...) {
    return false;
  }
}

/// The trackers that have handles, in the order in which they were made.
struct Living {
  os::Mutex mutex;
  std::vector<TrackerState*> trackers;
};

Living& living() {
  static constinit os::Lazy<Living> lazy;
  return lazy.get([] { return new Living(); });
}

std::vector<Ref<TrackerState>> living_trackers() {
  std::vector<Ref<TrackerState>> all;
  Living& from = living();
  const std::lock_guard lock(from.mutex);
  all.reserve(from.trackers.size());
  for (TrackerState* const each : from.trackers) {
    // Of one whose last handle is going the count is 0 already.
    if (!each->try_add_ref()) continue;
    all.emplace_back(each);
    static_cast<void>(each->drop_ref());
  }
  return all;
}

/// A descriptor that is kept for the moment when there are no others, to write a file. Not thread-safe.
class Reserve {
 public:
  void take() noexcept {
    if (is_held()) return;
    // A high number: a program that closes all descriptors and begins anew with the low ones does not come to it.
    const int number = os::open_own([] {
      const int low = ::memfd_create("leash-reserve", MFD_CLOEXEC);
      if (low < 0) return low;
      const std::uint64_t limit = os::descriptor_use().limit;
      const int high = ::fcntl(low, F_DUPFD_CLOEXEC, static_cast<int>(std::min<std::uint64_t>(limit / 2, 512)));
      ::close(low);
      return high;
    });
    if (number >= 0) held_ = os::open_descriptor(number);
  }

  void give_back() noexcept {
    // Not if the number is another one's by now.
    if (is_held()) os::close_own(held_->number);
    held_.reset();
  }

 private:
  bool is_held() const noexcept { return held_ && os::open_descriptor(held_->number) == held_; }

  std::optional<os::OpenDescriptor> held_;
};

/// Of the thread that dumps, once that is there.
constinit Reserve reserve;

/// Why a report is to be written.
enum Reason : std::uint32_t { signal_came = 1, threshold_reached = 2, out_of_descriptors = 4 };

constinit std::atomic<std::uint32_t> asked{0};  ///< Reasons that nobody has written a report for yet.
constinit std::atomic<std::uint64_t> open_at_threshold{0};
constinit os::EventCount was_asked;
constinit std::atomic<bool> at_work{false};  ///< From before `asked` is taken until that is written.
/// The `os::fork_generation` that has a thread to write reports, plus 1.
constinit std::atomic<std::uint32_t> thread_of{0};

/// Async-signal-safe.
void ask(Reason reason) noexcept {
  asked.fetch_or(reason);
  was_asked.notify_one();
}

/// Waits until what was asked for is written, but no longer than `most`: it may go to a pipe that nobody reads.
void wait_until_written(std::chrono::milliseconds most) noexcept {
  if (thread_of.load() != os::fork_generation() + 1) return;
  const auto end = std::chrono::steady_clock::now() + most;
  while ((asked.load() != 0 || at_work.load()) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(1ms);
  }
}

std::string text_of(std::uint32_t reasons) {
  std::string text;
  const auto add = [&](Reason reason, const std::string& why) {
    if ((reasons & reason) != 0) text += (text.empty() ? "" : "; ") + why;
  };
  add(signal_came, "LEASH_DUMP_SIGNAL=" + wanted().signal_name + " came");
  add(threshold_reached,
      std::to_string(open_at_threshold.load()) + " resources are open, LEASH_DUMP_AT=" + std::to_string(wanted().at));
  add(out_of_descriptors, "out of descriptors (EMFILE)");
  return text;
}

/// Writes a report of all trackers.
void dump(std::uint32_t reasons) {
  const std::vector<Ref<TrackerState>> trackers = living_trackers();
  std::vector<Report> open;
  open.reserve(trackers.size());
  for (const Ref<TrackerState>& tracker : trackers) {
    if (Report report = tracker->snapshot(); !report.groups.empty()) open.push_back(std::move(report));
  }
  if (wanted().to_files) {
    std::vector<Explained> reports;
    reports.reserve(open.size());
    for (const Report& each : open) {
      reports.push_back(explain(each, {.max_groups = std::numeric_limits<std::size_t>::max()}));
    }
    if (write_dump(reports)) return;
  }
  std::string text = "leash: " + text_of(reasons) + (open.empty() ? ": nothing is open\n" : ":\n");
  for (const Report& each : open) text += track::text(explain(each), TextOptions::of_descriptor(2)) + '\n';
  std::fputs(text.c_str(), stderr);
}

/// What the thread does. It has all signals blocked, so that a pipe whose reader is gone is an error to it.
[[noreturn]] void dump_when_asked() {
  for (;;) {
    was_asked.wait([] { return asked.load() != 0; });
    at_work.store(true);
    const std::uint32_t reasons = asked.exchange(0);
    reserve.give_back();
    try {
      dump(reasons);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "leash: a report of the running program: %s\n", error.what());
    }
    reserve.take();
    at_work.store(false);
    // Whatever asks all the time gets ten a second.
    std::this_thread::sleep_for(100ms);
  }
}

/// A thread of its own: the handler of a signal cannot write, the clock's thread has deadlines to keep, and those who
/// open something have their own work.
void have_thread() {
  const std::uint32_t here = os::fork_generation() + 1;
  if (thread_of.load() == here || thread_of.exchange(here) == here) return;
  try {
    at_work.store(false);
    reserve.take();
    os::start_background_thread(dump_when_asked);
    // So that no file stays half written where the program ends.
    static constinit std::atomic<bool> waits{false};
    if (!waits.exchange(true)) std::atexit([] { wait_until_written(10s); });
  } catch (...) {
    thread_of.store(0);
    throw;
  }
}

struct sigaction earlier_action;

void at_signal(int number, siginfo_t* info, void* context) {
  const int error = errno;
  ask(signal_came);
  if ((earlier_action.sa_flags & SA_SIGINFO) != 0) {
    earlier_action.sa_sigaction(number, info, context);
  } else if (earlier_action.sa_handler != SIG_DFL && earlier_action.sa_handler != SIG_IGN) {
    earlier_action.sa_handler(number);
  }
  errno = error;
}

bool catch_signal(int number) noexcept {
  if (::sigaction(number, nullptr, &earlier_action) != 0) return false;
  // A program that had a handler goes on with its flags and its mask.
  struct sigaction action = earlier_action;
  const bool has_handler = (earlier_action.sa_flags & SA_SIGINFO) != 0 ||
                           (earlier_action.sa_handler != SIG_DFL && earlier_action.sa_handler != SIG_IGN);
  if (!has_handler) {
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
  }
  action.sa_flags &= ~static_cast<int>(SA_RESETHAND);
  action.sa_flags |= SA_SIGINFO;
  action.sa_sigaction = at_signal;
  return ::sigaction(number, &action, nullptr) == 0;
}

/// When the program begins: until then the signal would end it. Also in a program without tracking, where it does no
/// more than that.
[[maybe_unused]] const bool catches_signal = [] {
  try {
    const int number = wanted().signal;
    if (number == 0) return false;
    if (!catch_signal(number)) {
      std::fprintf(stderr, "leash: LEASH_DUMP_SIGNAL: the signal %d cannot be caught\n", number);
      return false;
    }
    if constexpr (tracking_enabled) have_thread();
    return true;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: LEASH_DUMP_SIGNAL: %s\n", error.what());
    return false;
  }
}();

}  // namespace

std::optional<int> dump_signal_of(std::string_view text) noexcept {
  if (const auto number = number_of(text)) {
    const auto is_it = [&](const SignalName& each) { return static_cast<std::uint64_t>(each.number) == *number; };
    const bool is_real_time =
        *number >= static_cast<std::uint64_t>(SIGRTMIN) && *number <= static_cast<std::uint64_t>(SIGRTMAX);
    const bool fits = is_real_time || std::ranges::any_of(signal_names, is_it);
    return fits ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
  }
  if (text.starts_with("SIG")) text.remove_prefix(3);
  const auto* const found = std::ranges::find(signal_names, text, &SignalName::name);
  return found == signal_names.end() ? std::nullopt : std::optional<int>(found->number);
}

void begin_dumps(TrackerState& tracker) noexcept {
  if (!wants_any()) return;
  try {
    {
      Living& to = living();
      const std::lock_guard lock(to.mutex);
      to.trackers.push_back(&tracker);
    }
    have_thread();
    if (wanted().at == 0) return;
    const Threshold threshold{.open = wanted().at};
    tracker.watches().add(std::make_shared<Watch>(tracker, threshold, [](const ThresholdReached& reached) {
      open_at_threshold.store(reached.open);
      ask(threshold_reached);
    }));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: no reports of the running program: %s\n", error.what());
  }
}

void end_dumps(TrackerState& tracker) noexcept {
  if (!wants_any()) return;
  {
    Living& from = living();
    const std::lock_guard lock(from.mutex);
    std::erase(from.trackers, &tracker);
  }
  tracker.watches().stop();
}

void go_on_with_dumps() noexcept {
  if (!wants_any()) return;
  try {
    have_thread();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // It is tried again when there are more open.
  }
}

void note_out_of_descriptors() noexcept {
  static constinit std::atomic<bool> told{false};
  if (!wants_any() || told.exchange(true)) return;
  go_on_with_dumps();
  ask(out_of_descriptors);
  // The program may be about to end for it.
  wait_until_written(1s);
}

}  // namespace LEASH_NAMESPACE::track::detail
