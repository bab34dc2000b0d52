#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <leash/os/fork.hpp>
#include <leash/track/detail/report_at_exit.hpp>
#include <limits>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constinit std::atomic<void (*)(Explained&&)> add_report = nullptr;
constinit std::atomic<void (*)()> finish_reports = nullptr;
constinit std::atomic<Report (*)()> last_report = nullptr;
constinit std::atomic<bool> waits_for_exit = false;
/// The process that is to write: not a child that it forks.
constinit std::atomic<std::uint32_t> generation = 0;

bool is_set(const char* name) noexcept {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// Whether a report is wanted, and by which variable. A writer is needed for that.
bool is_wanted() noexcept {
  static const bool wanted = [] {
    const char* const actions = std::getenv("GITHUB_ACTIONS");
    const bool by_name = is_set("LEASH_REPORT");
    if (add_report == nullptr) {
      if (by_name) {
        std::fputs(
            "leash: LEASH_REPORT is set, but nothing is written: this program is not linked with leash::report\n",
            stderr);
      }
      return false;
    }
    return by_name || (actions != nullptr && std::string_view(actions) == "true");
  }();
  return wanted;
}

void add(const Report& report) {
  add_report.load()(explain(report, {.max_groups = std::numeric_limits<std::size_t>::max()}));
}

void at_exit() noexcept {
  if (os::fork_generation() != generation) return;
  try {
    if (Report(*const snapshot)() = last_report) add(snapshot());
    finish_reports.load()();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: LEASH_REPORT: %s\n", error.what());
  }
}

void wait_for_exit() noexcept {
  if (waits_for_exit.exchange(true)) return;
  generation = os::fork_generation();
  std::atexit(at_exit);
}

}  // namespace

void set_report_writer(const ReportWriter& writer) noexcept {
  add_report = writer.add;
  finish_reports = writer.finish;
}

void collect(const Report& report) {
  if (!is_wanted()) return;
  wait_for_exit();
  add(report);
}

void collect_at_exit(Report (*snapshot)()) {
  if (!is_wanted()) return;
  last_report = snapshot;
  wait_for_exit();
}

}  // namespace LEASH_NAMESPACE::track::detail
