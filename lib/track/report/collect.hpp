#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/explain.hpp>

namespace LEASH_NAMESPACE::track::detail {

/// Where the reports of a process go at its end, which `leash::report` sets where it is linked.
struct ReportWriter {
  void (*add)(Explained&& report);  ///< Thread-safe.
  void (*finish)();                 ///< The process ends.
};

void set_report_writer(const ReportWriter& writer) noexcept;

/// The report of a tracker that has closed: if the environment asks for that (`LEASH_REPORT`, or GitHub Actions), it is
/// among those that are written at the end of the process. Without a writer that is told once. Throws `std::bad_alloc`.
void collect(const Report& report);

/// At the end of the process, takes `snapshot()` for another such report.
void collect_at_exit(Report (*snapshot)());

}  // namespace LEASH_NAMESPACE::track::detail
