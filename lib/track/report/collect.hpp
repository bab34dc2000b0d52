#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/explain.hpp>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Where the reports of a process go, which `leash::report` sets where it is linked.
struct ReportWriter {
  void (*add)(Explained&& report);  ///< One for the end of the process. Thread-safe.
  void (*finish)();                 ///< The process ends.
  /// Writes reports of the running program, the `number`th time from 1 on, as `LEASH_DUMP_TO` says. One thread at a
  /// time. Says what could not be written, and returns whether all was.
  bool (*dump)(const std::vector<Explained>& reports, unsigned number);
};

void set_report_writer(const ReportWriter& writer) noexcept;

/// The report of a tracker that has closed: if the environment asks for that (`LEASH_REPORT`, or GitHub Actions), it is
/// among those that are written at the end of the process. Without a writer that is told once. Throws `std::bad_alloc`.
void collect(const Report& report);

/// Writes now what was to be written at the end of the process, which will not come by exit(3).
void write_collected() noexcept;

/// Writes reports of the running program where `LEASH_DUMP_TO` says. False if it was not done: if there is no writer,
/// which is told once, or if one of the files was not written, which is told each time. One thread at a time. Throws
/// `std::bad_alloc`.
bool write_dump(const std::vector<Explained>& reports);

/// At the end of the process, takes `snapshot()` for another such report.
void collect_at_exit(Report (*snapshot)());

}  // namespace LEASH_NAMESPACE::track::detail
