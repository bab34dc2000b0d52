#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
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
#include <leash/os/turn.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/text.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using leash::detail::Ref;

struct Wanted {
  std::uint64_t at = 0;  ///< 0 if it is not.
  int signal = 0;        ///< The same.
  std::string signal_name;
};

struct SignalName {
  std::string_view name;
  int number;
};

constexpr std::array signal_names = {
    SignalName{"HUP", SIGHUP},   SignalName{"INT", SIGINT},   SignalName{"QUIT", SIGQUIT},
    SignalName{"USR1", SIGUSR1}, SignalName{"USR2", SIGUSR2}, SignalName{"ALRM", SIGALRM},
    SignalName{"TERM", SIGTERM}, SignalName{"CONT", SIGCONT}, SignalName{"WINCH", SIGWINCH},
    SignalName{"IO", SIGIO},     SignalName{"PWR", SIGPWR},
};

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

/// The number of a signal that can be caught: `USR2`, `SIGUSR2`, `12`.
std::optional<int> signal_of(std::string_view text) noexcept {
  if (const auto number = number_of(text)) {
    const bool exists = *number <= static_cast<std::uint64_t>(SIGRTMAX) && *number != SIGKILL && *number != SIGSTOP;
    return exists ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
  }
  if (text.starts_with("SIG")) text.remove_prefix(3);
  const auto* const found = std::ranges::find(signal_names, text, &SignalName::name);
  return found == signal_names.end() ? std::nullopt : std::optional<int>(found->number);
}

void complain(const char* variable, const char* value, const char* expected) noexcept {
  try {
    const std::string line = "leash: " + std::string(variable) + ": expected " + expected + ", not \"" +
                             leash::detail::escape(value) + "\"\n";
    std::fputs(line.c_str(), stderr);
  } catch (...) {
    std::fputs("leash: no memory\n", stderr);
  }
}

const char* variable(const char* name) noexcept {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

Wanted read_environment() {
  Wanted wanted;
  if constexpr (!tracking_enabled) return wanted;
  if (const char* const at = variable("LEASH_DUMP_AT")) {
    const auto number = number_of(at);
    if (!number) complain("LEASH_DUMP_AT", at, "a number of open resources");
    wanted.at = number.value_or(0);
  }
  if (const char* const name = variable("LEASH_DUMP_SIGNAL")) {
    const auto number = signal_of(name);
    if (!number) complain("LEASH_DUMP_SIGNAL", name, "a signal, such as USR2");
    wanted.signal = number.value_or(0);
    wanted.signal_name = name;
  }
  return wanted;
}

/// What the environment asked for when the program began.
const Wanted& wanted() {
  static constinit os::Lazy<const Wanted> lazy;
  return lazy.get([] { return new const Wanted(read_environment()); });
}

bool wants_any() noexcept {
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

constinit os::Turn dumping;

/// A descriptor that is kept for the moment when there are no others, to write a file.
class Reserve {
 public:
  void take() noexcept {
    if (held_) return;
    const int number = os::open_own([] { return ::memfd_create("leash-reserve", MFD_CLOEXEC); });
    if (number >= 0) held_ = os::open_descriptor(number);
  }

  void give_back() noexcept {
    // Not if the program has closed all descriptors, and the number is another one's by now.
    if (held_ && os::open_descriptor(held_->number) == held_) os::close_own(held_->number);
    held_.reset();
  }

 private:
  std::optional<os::OpenDescriptor> held_;
};

/// Guarded by `dumping`.
constinit Reserve reserve;

/// Writes a report of all trackers, with `why` above it. With `use_reserve` if there is no descriptor left.
void dump(const std::string& why, bool use_reserve = false) noexcept {
  if (dumping.held()) return;
  // Given back after the turn: who drops the last handle of a tracker waits for its Watch, which may wait for the turn.
  std::vector<Ref<TrackerState>> trackers;
  const std::lock_guard one_dumps(dumping);
  if (use_reserve) reserve.give_back();
  try {
    trackers = living_trackers();
    std::vector<Explained> reports;
    for (const Ref<TrackerState>& tracker : trackers) {
      const Report report = tracker->snapshot();
      if (!report.groups.empty()) reports.push_back(explain(report));
    }
    if (write_dump(reports)) return;
    std::string text = "leash: " + why + (reports.empty() ? ": nothing is open\n" : ":\n");
    for (const Explained& each : reports) text += track::text(each, TextOptions::of_descriptor(2)) + '\n';
    std::fputs(text.c_str(), stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: %s: %s\n", why.c_str(), error.what());
  }
}

constinit std::atomic<std::uint32_t> signals{0};  ///< That came and were not dumped for yet.
constinit os::EventCount signal_came;
/// The `os::fork_generation` that has a thread to dump at signals, plus 1.
constinit std::atomic<std::uint32_t> thread_of{0};
struct sigaction earlier_action;

void at_signal(int number, siginfo_t* info, void* context) {
  const int error = errno;
  signals.fetch_add(1);
  signal_came.notify_one();
  if ((earlier_action.sa_flags & SA_SIGINFO) != 0) {
    earlier_action.sa_sigaction(number, info, context);
  } else if (earlier_action.sa_handler != SIG_DFL && earlier_action.sa_handler != SIG_IGN) {
    earlier_action.sa_handler(number);
  }
  errno = error;
}

/// A handler cannot write a report: it may have interrupted anything.
void have_signal_thread() {
  if (wanted().signal == 0) return;
  const std::uint32_t here = os::fork_generation() + 1;
  if (thread_of.exchange(here) == here) return;
  try {
    os::start_background_thread([] {
      for (;;) {
        signal_came.wait([] { return signals.load() != 0; });
        signals.store(0);
        dump(wanted().signal_name + " came");
      }
    });
  } catch (...) {
    thread_of.store(0);
    throw;
  }
}

/// When the program begins: until then the signal would end it.
[[maybe_unused]] const bool catches_signal = [] {
  try {
    if (wanted().signal == 0) return false;
    struct sigaction action{};
    action.sa_sigaction = at_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    if (::sigaction(wanted().signal, nullptr, &earlier_action) != 0) return false;
    if (::sigaction(wanted().signal, &action, nullptr) != 0) return false;
    have_signal_thread();
    return true;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: LEASH_DUMP_SIGNAL: %s\n", error.what());
    return false;
  }
}();

}  // namespace

void begin_dumps(TrackerState& tracker) noexcept {
  if (!wants_any()) return;
  try {
    {
      Living& to = living();
      const std::lock_guard lock(to.mutex);
      to.trackers.push_back(&tracker);
    }
    {
      const std::lock_guard none_dumps(dumping);
      reserve.take();
    }
    have_signal_thread();
    if (wanted().at == 0) return;
    const Threshold threshold{.open = wanted().at};
    tracker.watches().add(std::make_shared<Watch>(tracker, threshold, [](const ThresholdReached& reached) {
      dump(std::to_string(reached.open) + " resources are open (LEASH_DUMP_AT=" + std::to_string(wanted().at) + ")");
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

void note_out_of_descriptors() noexcept {
  static constinit std::atomic<bool> told{false};
  if (wants_any() && !told.exchange(true)) dump("out of descriptors (EMFILE)", true);
}

}  // namespace LEASH_NAMESPACE::track::detail
