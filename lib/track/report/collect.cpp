#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <leash/os/fork.hpp>
#include <leash/track/report/collect.hpp>
#include <limits>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constinit std::atomic<void (*)(Explained&&)> add_report = nullptr;
constinit std::atomic<void (*)()> finish_reports = nullptr;
constinit std::atomic<bool (*)(const std::vector<Explained>&, unsigned)> dump_reports = nullptr;
constinit std::atomic<Report (*)()> last_report = nullptr;
constinit std::atomic<bool> waits_for_exit = false;
/// The process that is to write: not a child that it forks.
constinit std::atomic<std::uint32_t> generation = 0;

bool is_set(const char* name) noexcept {
  const char* const value = ::secure_getenv(name);
  return value != nullptr && *value != '\0';
}

/// Whether the environment names reports to write: as it was at first, since the program may change it.
bool is_named() noexcept {
  static const bool named = is_set("LEASH_REPORT");
  return named;
}

/// Whether a report of this process is to be written, if there is a writer.
bool is_wanted() noexcept {
  static const bool wanted = [] {
    const char* const actions = ::secure_getenv("GITHUB_ACTIONS");
    return is_named() || (actions != nullptr && std::string_view(actions) == "true");
  }();
  return wanted;
}

void add(const Report& report) {
  const auto to = add_report.load();
  if (to != nullptr) to(explain(report, {.max_groups = std::numeric_limits<std::size_t>::max()}));
}

void at_exit() noexcept {
  // Not once more what `write_collected` has written.
  if (!waits_for_exit.exchange(false)) return;
  if (os::fork_generation() != generation) return;
  const auto finish = finish_reports.load();
  if (finish == nullptr) {
    if (is_named()) {
      std::fputs("leash: LEASH_REPORT is set, but nothing is written: this program is not linked with leash::report\n",
                 stderr);
    }
    return;
  }
  try {
    if (Report(*const snapshot)() = last_report) add(snapshot());
    finish();
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
  static_cast<void>(is_wanted());
  add_report = writer.add;
  finish_reports = writer.finish;
  dump_reports = writer.dump;
}

bool write_dump(const std::vector<Explained>& reports) {
  static unsigned number = 0;
  ++number;
  const auto dump = dump_reports.load();
  if (dump != nullptr) return dump(reports, number);
  if (number == 1) {
    std::fputs("leash: LEASH_DUMP_TO is set, but this program is not linked with leash::report: here is the text\n",
               stderr);
  }
  return false;
}

void write_collected() noexcept { at_exit(); }

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
