#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigaction is not in <csignal>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <leash/fault/detail/crash_report.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

constexpr std::array fatal_signals = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGXFSZ, SIGPIPE};

/// A run, and the thread that it is in. Not in a thread_local variable: for a library that is loaded later, the first
/// use of one in a thread takes memory, which a handler must not; and what is never taken later (initial-exec) keeps a
/// plugin with a copy of leash from being loaded.
struct UnderWay {
  std::atomic<const SweepPlan*> plan{nullptr};
  std::atomic<pthread_t> thread{};
  std::atomic<std::uint64_t> number{0};  ///< Of two runs in one thread, the greater is the one within the other.
};

/// What is beyond these is not told of.
constinit std::array<UnderWay, 64> under_way{};
constinit std::atomic<std::uint64_t> last_number{0};

/// The innermost run of the calling thread; null if it has none.
const SweepPlan* run_of_this_thread() noexcept {
  const SweepPlan* found = nullptr;
  std::uint64_t number = 0;
  for (const UnderWay& each : under_way) {
    const SweepPlan* const plan = each.plan;
    if (plan == nullptr || ::pthread_equal(each.thread, ::pthread_self()) == 0 || each.number < number) continue;
    found = plan;
    number = each.number;
  }
  return found;
}

constinit std::atomic<bool> has_told = false;

/// The fork generation of the process that the runs are in.
constinit std::atomic<std::uint32_t> generation = 0;

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

void tell_of(const SweepPlan& plan, std::string_view deed) noexcept {
  TokenBuffer& line = last_words;
  line.cut(0);
  line.add(CrashReport::opening);
  line.add(deed);
  const std::size_t deed_end = line.text().size();
  line.add(": run it alone with LEASH_REPLAY=");
  const std::size_t without_token = line.text().size();
  plan.write_token_unlocked(line);
  if (line.text().size() == without_token) {
    line.cut(deed_end);
    line.add(", though nothing has failed in it");
  }
  write_line(line.text());
}

/// Says of the run under way, if there is one, that it ends its process.
void tell(std::string_view deed, std::string_view perhaps) noexcept {
  // The end of a child that the body has forked is not that of the run.
  if (os::fork_generation() != generation) return;
  const auto is_run = [](const UnderWay& each) { return each.plan != nullptr; };
  const auto runs = std::ranges::count_if(under_way, is_run);
  if (runs == 0 || has_told.exchange(true)) return;
  if (const SweepPlan* const own = run_of_this_thread(); own != nullptr) {
    tell_of(*own, deed);
    return;
  }
  for (const UnderWay& each : under_way) {
    if (const SweepPlan* const plan = each.plan) tell_of(*plan, runs == 1 ? deed : perhaps);
  }
}

/// A stack of the calling thread for handlers of signals, if it had none.
class HandlerStack {
 public:
  HandlerStack() {
    stack_t now{};
    if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
    memory_ = std::make_unique_for_overwrite<std::byte[]>(size);  // NOLINT(modernize-avoid-c-arrays)
    const stack_t ours{.ss_sp = memory_.get(), .ss_flags = 0, .ss_size = size};
    if (::sigaltstack(&ours, nullptr) != 0) memory_.reset();
  }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;
  ~HandlerStack() {
    stack_t now{};
    if (!memory_ || ::sigaltstack(nullptr, &now) != 0 || now.ss_sp != memory_.get()) return;
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    ::sigaltstack(&none, nullptr);
  }

 private:
  static constexpr std::size_t size = 65536;

  std::unique_ptr<std::byte[]> memory_;  // NOLINT(modernize-avoid-c-arrays)
};

void tell_of_exit() { tell("exits", "exits, this one or another"); }

void on_fatal_signal(int signal, siginfo_t* info, void* /*context*/) noexcept {
  ::sigaction(signal, &installed.before[index_of(signal)], nullptr);
  tell("crashes", "crashes, this one or another");
  // What an instruction has caused it causes again when this returns, if it is a fault and not a trap, behind which the
  // program would go on. Everything else is sent again.
  const bool is_fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE;
  if (!is_fault || info == nullptr || info->si_code <= 0) ::raise(signal);
}

}  // namespace

CrashReport::CrashReport() {
  const std::lock_guard lock(installed.mutex);
  if (installed.count++ != 0) return;
  struct sigaction ours{};
  ours.sa_sigaction = on_fatal_signal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&ours.sa_mask);
  for (const int signal : fatal_signals) {
    struct sigaction& before = installed.before[index_of(signal)];
    ::sigaction(signal, nullptr, &before);
    // One that is ignored ends nothing.
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &ours, nullptr);
  }
  // Once, since it cannot be taken back.
  if (std::exchange(installed.at_exit, true)) return;
  std::atexit(tell_of_exit);
  std::at_quick_exit(tell_of_exit);
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

void CrashReport::give_stack() { static const thread_local HandlerStack stack; }

CrashReport::Run::Run(const SweepPlan& plan) noexcept {
  generation = os::fork_generation();
  for (; slot_ < under_way.size(); ++slot_) {
    UnderWay& slot = under_way[slot_];
    const SweepPlan* none = nullptr;
    if (!slot.plan.compare_exchange_strong(none, &plan)) continue;
    slot.thread = ::pthread_self();
    slot.number = ++last_number;
    return;
  }
}

CrashReport::Run::~Run() {
  if (slot_ == under_way.size()) return;
  under_way[slot_].thread = pthread_t{};
  under_way[slot_].plan = nullptr;
}

}  // namespace LEASH_NAMESPACE::fault::detail
