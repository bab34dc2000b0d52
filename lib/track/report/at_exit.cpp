#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <leash/detail/escape.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/retry.hpp>
#include <leash/track/detail/report_at_exit.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/github.hpp>
#include <leash/track/report/merge.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track {
namespace {

/// The reports of the trackers of this process.
struct Collected {
  os::Mutex mutex;
  std::vector<Explained> reports;
  Explained clean;  ///< The sum of those that say nothing.
};

Collected& collected() {
  // Never destroyed: trackers of static objects may close after others.
  static auto& all = *new Collected();
  return all;
}

void add(Explained&& report) {
  Collected& all = collected();
  const std::lock_guard lock(all.mutex);
  if (report.groups.empty() && report.remarks.empty() && report.suppressions.empty()) {
    all.clean.verdict = all.clean.verdict || report.verdict;
    all.clean.opened += report.opened;
    all.clean.closed += report.closed;
  } else {
    all.reports.push_back(std::move(report));
  }
}

void complain(std::string_view what) {
  const std::string line = "leash: LEASH_REPORT: " + std::string(what) + '\n';
  std::fputs(line.c_str(), stderr);
}

Result<void> write_all(int number, std::string_view name, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = os::retry([&] { return ::write(number, content.data(), content.size()); });
    if (written < 0) return fail("write", name, os::last_error());
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Writes a whole file, or leaves the old one: beside it first, under a name that no other process uses.
Result<void> replace_file(const std::string& path, std::string_view content) {
  const std::string beside = path + ".leash-" + std::to_string(::getpid());
  os::Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file) return fail("create", beside, os::last_error());
  Result<void> written = write_all(file.get(), path, content);
  if (written && ::fsync(file.get()) != 0 && errno != EINVAL) written = fail("sync", path, os::last_error());
  if (written && ::close(file.release()) != 0) written = fail("close", path, os::last_error());
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = fail("rename", path, os::last_error());
  if (!written) ::unlink(beside.c_str());
  return written;
}

/// `%p` is the number of the process, `%%` a per cent sign.
Result<std::string> path_of(std::string_view pattern) {
  std::string path;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '%') {
      path += pattern[at];
      continue;
    }
    const char next = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
    ++at;
    if (next == 'p') {
      path += std::to_string(::getpid());
    } else if (next == '%') {
      path += '%';
    } else {
      return fail("parse", pattern, std::errc::invalid_argument, "behind % there is p or %");
    }
  }
  return path;
}

/// One of the list: `sarif:leaks.sarif`.
Result<void> write_one(std::string_view wanted, const Explained& report) {
  const std::size_t colon = wanted.find(':');
  if (colon == std::string_view::npos || colon + 1 == wanted.size()) {
    return fail("parse", wanted, std::errc::invalid_argument, "expected FORMAT:FILE");
  }
  const std::optional<Format> format = format_named(wanted.substr(0, colon));
  if (!format) return fail("parse", wanted, std::errc::invalid_argument, "there is no such format");
  Result<std::string> path = path_of(wanted.substr(colon + 1));
  if (!path) return std::unexpected(path.error());
  Result<std::string> content = write(report, *format);
  if (!content) return std::unexpected(content.error());
  return replace_file(*path, *content);
}

void tell_github(const Explained& report) {
  const GithubReport told = github(report);
  if (told.annotations.empty()) return;
  std::fputs(told.annotations.c_str(), stdout);
  std::fflush(stdout);
  const char* const path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return;
  const os::Descriptor file(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  const Result<void> written = file ? write_all(file.get(), path, told.summary) : fail("open", path, os::last_error());
  if (!written) complain(to_string(written.error()));
}

void finish() {
  Collected& all = collected();
  const std::lock_guard lock(all.mutex);
  all.reports.push_back(std::exchange(all.clean, {}));
  const Explained report = merge(all.reports);
  const char* const wanted = std::getenv("LEASH_REPORT");
  std::string_view rest = wanted == nullptr ? "" : wanted;
  while (!rest.empty()) {
    const std::string_view each = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), each.size() + 1));
    if (each.empty()) continue;
    if (const Result<void> written = write_one(each, report); !written) complain(to_string(written.error()));
  }
  const char* const actions = std::getenv("GITHUB_ACTIONS");
  if (actions != nullptr && std::string_view(actions) == "true") tell_github(report);
}

const bool registered = [] {
  detail::set_report_writer({.add = add, .finish = finish});
  return true;
}();

}  // namespace
}  // namespace LEASH_NAMESPACE::track

/// What a program that links `leash::report` asks its linker for, which would leave this file out of a static library
/// otherwise.
extern "C" const bool* leash_report_at_exit() { return &leash::track::registered; }
