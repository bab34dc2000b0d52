#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is not in <csignal>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <leash/fault/detail/crash_report.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/os/mutex.hpp>
#include <mutex>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

constexpr std::array<int, 5> fatal_signals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

constinit std::atomic<SweepPlan*> under_way = nullptr;

/// How many live, and what was there before the first one came.
struct Installed {
  os::Mutex mutex;
  std::size_t count = 0;
  bool at_exit = false;
  std::array<struct sigaction, fatal_signals.size()> before{};
};

constinit Installed installed;

/// Not on the stack, of which a thread that has overrun its own has little left.
constinit TokenBuffer last_words;

std::size_t index_of(int signal) noexcept {
  std::size_t index = 0;
  while (fatal_signals[index] != signal) ++index;
  return index;
}

void write_line(std::string_view text) noexcept {
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()));
  static_cast<void>(::write(STDERR_FILENO, "\n", 1));
}

/// Says of the run under way, if there is one, that it ends its process.
void tell(std::string_view deed) noexcept {
  const SweepPlan* const plan = under_way.exchange(nullptr);
  if (plan == nullptr) return;
  TokenBuffer& line = last_words;
  line.add(CrashReport::opening);
  line.add(deed);
  const std::size_t deed_end = line.text().size();
  line.add(": run it alone with LEASH_REPLAY=");
  const std::size_t without_token = line.text().size();
  plan->write_token_unlocked(line);
  if (line.text().size() == without_token) {
    line.cut(deed_end);
    line.add(", though nothing has failed in it");
  }
  write_line(line.text());
}

void tell_of_exit() { tell("exits"); }

void on_fatal_signal(int signal, siginfo_t* info, void* /*context*/) noexcept {
  ::sigaction(signal, &installed.before[index_of(signal)], nullptr);
  tell("crashes");
  // What an instruction has caused it causes again when this returns. What was sent is sent again.
  if (signal == SIGABRT || info == nullptr || info->si_code <= 0) ::raise(signal);
}

}  // namespace

CrashReport::CrashReport() {
  const std::lock_guard lock(installed.mutex);
  if (installed.count++ != 0) return;
  struct sigaction ours{};
  ours.sa_sigaction = on_fatal_signal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&ours.sa_mask);
  for (const int signal : fatal_signals) ::sigaction(signal, &ours, &installed.before[index_of(signal)]);
  // Once, since it cannot be taken back.
  if (!std::exchange(installed.at_exit, true)) std::atexit(tell_of_exit);
}

CrashReport::~CrashReport() {
  const std::lock_guard lock(installed.mutex);
  if (--installed.count != 0) return;
  for (const int signal : fatal_signals) {
    struct sigaction now{};
    ::sigaction(signal, nullptr, &now);
    const bool is_ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fatal_signal;
    if (is_ours) ::sigaction(signal, &installed.before[index_of(signal)], nullptr);
  }
}

CrashReport::Run::Run(SweepPlan& plan) noexcept : plan_(&plan), before_(under_way.exchange(&plan)) {}

CrashReport::Run::~Run() {
  SweepPlan* expected = plan_;
  under_way.compare_exchange_strong(expected, before_);
}

}  // namespace LEASH_NAMESPACE::fault::detail
