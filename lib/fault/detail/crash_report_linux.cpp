#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is not in <csignal>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <leash/fault/detail/crash_report.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/os/mutex.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

constexpr std::array<int, 5> fatal_signals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

constinit std::atomic<SweepPlan*> under_way = nullptr;

/// How many live, and what was there before the first one came.
struct Installed {
  os::Mutex mutex;
  std::size_t count = 0;
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

void on_fatal_signal(int signal, siginfo_t* info, void* /*context*/) noexcept {
  ::sigaction(signal, &installed.before[index_of(signal)], nullptr);
  if (SweepPlan* const plan = under_way.exchange(nullptr)) {
    last_words.add("leash: a run of the sweep crashes: ");
    const std::size_t before = last_words.text().size();
    last_words.add("run it alone with LEASH_REPLAY=");
    const std::size_t token_at = last_words.text().size();
    plan->write_token_unlocked(last_words);
    const bool has_token = last_words.text().size() != token_at;
    const std::string_view line = has_token ? last_words.text() : last_words.text().substr(0, before);
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
    if (!has_token) {
      static constexpr std::string_view alone = "the body itself, without any fault";
      static_cast<void>(::write(STDERR_FILENO, alone.data(), alone.size()));
    }
    static_cast<void>(::write(STDERR_FILENO, "\n", 1));
  }
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

CrashReport::Run::Run(SweepPlan& plan) noexcept : plan_(&plan) { under_way = plan_; }

CrashReport::Run::~Run() {
  SweepPlan* expected = plan_;
  under_way.compare_exchange_strong(expected, nullptr);
}

}  // namespace LEASH_NAMESPACE::fault::detail
