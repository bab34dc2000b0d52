#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <leash/detail/escape.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/retry.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/github.hpp>
#include <leash/track/report/merge.hpp>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track {
namespace {

/// What the environment said when the program began: it may go to another folder, or change that, before it ends.
struct Wanted {
  std::string list;     ///< `LEASH_REPORT`
  std::string dumps;    ///< `LEASH_DUMP_TO`
  std::string folder;   ///< What paths in these are relative to.
  bool github = false;  ///< GitHub Actions run it,
  std::string summary;  ///< and show what is in this file.
  SourceRoot root;
};

/// The reports of the trackers of this process.
struct Collected {
  Wanted wanted;
  os::Mutex mutex;
  std::vector<Explained> reports;
  Explained clean;  ///< The sum of those that say nothing.
};

std::string variable(const char* name) {
  const char* const value = ::secure_getenv(name);
  return value == nullptr ? "" : value;
}

std::string below(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + '/' + path;
}

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

void complain(std::string_view variable, std::string_view what) {
  const std::string line = "leash: " + std::string(variable) + ": " + std::string(what) + '\n';
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

/// A new file beside `path`, whose name nothing has.
Result<os::Descriptor> create_beside(const std::string& path, std::string& name) {
  for (unsigned attempt = 0;; ++attempt) {
    name = path + ".leash-" + std::to_string(::getpid()) + '-' + std::to_string(attempt);
    os::Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (file) return file;
    if (errno != EEXIST || attempt == 1000) return fail("create", name, os::last_error());
  }
}

/// Writes a whole file, or leaves the old one. What is there and is no file, as a terminal or a pipe, is written to.
Result<void> replace_file(const std::string& wanted, std::string_view content) {
  std::error_code ignored;
  const std::filesystem::path target = std::filesystem::canonical(wanted, ignored);
  const std::string path = target.empty() ? wanted : target.string();
  struct stat info{};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) {
    // To open a pipe that nobody reads must fail, and not wait. What is written then may wait for its reader.
    const os::Descriptor there(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!there || ::fcntl(there.get(), F_SETFL, 0) != 0) return fail("open", path, os::last_error());
    return write_all(there.get(), path, content);
  }
  std::string beside;
  Result<os::Descriptor> file = create_beside(path, beside);
  if (!file) return std::unexpected(file.error());
  if (exists) static_cast<void>(::fchmod(file->get(), info.st_mode & 07777U));
  Result<void> written = write_all(file->get(), wanted, content);
  if (written && ::fsync(file->get()) != 0 && errno != EINVAL) written = fail("sync", wanted, os::last_error());
  if (written && ::close(file->release()) != 0) written = fail("close", wanted, os::last_error());
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = fail("rename", wanted, os::last_error());
  if (!written) ::unlink(beside.c_str());
  return written;
}

/// `%p` is the number of the process, `%%` a per cent sign; `%n` the number of the dump, if it is one.
Result<std::string> path_of(std::string_view pattern, std::optional<unsigned> dump) {
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
    } else if (next == 'n' && dump) {
      path += std::to_string(*dump);
    } else if (next == '%') {
      path += '%';
    } else {
      return fail("parse", pattern, std::errc::invalid_argument,
                  dump ? "behind % there is p, n or %" : "behind % there is p or %");
    }
  }
  return path;
}

struct Target {
  Format format = Format::text;
  std::string path;
};

/// One of the list: `sarif:leaks.sarif`.
Result<Target> target_of(std::string_view wanted, std::optional<unsigned> dump) {
  const std::size_t colon = wanted.find(':');
  if (colon == std::string_view::npos || colon + 1 == wanted.size()) {
    return fail("parse", wanted, std::errc::invalid_argument, "expected FORMAT:FILE");
  }
  const std::optional<Format> format = format_named(wanted.substr(0, colon));
  if (!format) return fail("parse", wanted, std::errc::invalid_argument, "there is no such format");
  Result<std::string> path = path_of(wanted.substr(colon + 1), dump);
  if (!path) return std::unexpected(path.error());
  return Target{*format, *std::move(path)};
}

Result<void> write_one(std::string_view wanted, const Explained& report, const Wanted& how,
                       std::optional<unsigned> dump) {
  const Result<Target> target = target_of(wanted, dump);
  if (!target) return std::unexpected(target.error());
  const Result<std::string> content = write(report, target->format, how.root);
  if (!content) return std::unexpected(content.error());
  return replace_file(below(how.folder, target->path), *content);
}

/// Calls `function` for each part of a list that is not empty.
template <class Function>
void each_of(std::string_view list, Function function) {
  while (!list.empty()) {
    const std::string_view each = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), each.size() + 1));
    if (!each.empty()) function(each);
  }
}

/// Adds to the summary of the step. Of one that is too long, GitHub would show nothing at all.
Result<void> add_to_summary(const std::string& path, std::string_view summary) {
  const os::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return fail("open", path, os::last_error());
  if (static_cast<std::uint64_t>(info.st_size) + summary.size() > most_github_summary) {
    return fail("write", path, std::errc::no_space_on_device, "the summary of the step is full: nothing was added");
  }
  return write_all(file.get(), path, summary);
}

void tell_github(const Explained& report, const Wanted& how) {
  const GithubReport told = github(report, how.root);
  if (told.annotations.empty()) return;
  // A command begins a line, whatever the program has printed last.
  std::fputs(("\n" + told.annotations).c_str(), stdout);
  std::fflush(stdout);
  if (how.summary.empty()) return;
  if (const Result<void> added = add_to_summary(how.summary, told.summary); !added) {
    complain("LEASH_REPORT", to_string(added.error()));
  }
}

/// Writes `report` to all files of a list, which the variable has. False if one was not written, or there is none.
bool write_all_of(std::string_view list, const char* variable, const Explained& report, const Wanted& how,
                  std::optional<unsigned> dump) {
  unsigned done = 0;
  unsigned failed = 0;
  each_of(list, [&](std::string_view each) {
    const Result<void> written = write_one(each, report, how, dump);
    ++(written ? done : failed);
    if (!written) complain(variable, to_string(written.error()));
  });
  return done > 0 && failed == 0;
}

bool dump(const std::vector<Explained>& reports, unsigned number) {
  const Wanted& wanted = collected().wanted;
  return write_all_of(wanted.dumps, "LEASH_DUMP_TO", merge(reports), wanted, number);
}

void finish() {
  Collected& all = collected();
  std::vector<Explained> reports;
  {
    const std::lock_guard lock(all.mutex);
    reports = std::move(all.reports);
    reports.push_back(std::exchange(all.clean, {}));
  }
  const Explained report = merge(reports);
  write_all_of(all.wanted.list, "LEASH_REPORT", report, all.wanted, std::nullopt);
  // What is only open is told where that was asked for.
  if (all.wanted.github && report.verdict) tell_github(report, all.wanted);
}

const bool registered = [] {
  Wanted wanted{.list = variable("LEASH_REPORT"),
                .dumps = variable("LEASH_DUMP_TO"),
                .folder = {},
                .github = variable("GITHUB_ACTIONS") == "true",
                .summary = variable("GITHUB_STEP_SUMMARY"),
                .root = {}};
  if (!wanted.list.empty() || !wanted.dumps.empty() || wanted.github) {
    std::error_code ignored;
    wanted.folder = std::filesystem::current_path(ignored).string();
    wanted.root = SourceRoot::of_environment();
    // Else it would be told when the first one is to be written, perhaps after weeks.
    each_of(wanted.dumps, [](std::string_view each) {
      if (const Result<Target> target = target_of(each, 1); !target) {
        complain("LEASH_DUMP_TO", to_string(target.error()));
      }
    });
    if (!wanted.summary.empty()) wanted.summary = below(wanted.folder, wanted.summary);
    collected().wanted = std::move(wanted);
  }
  detail::set_report_writer({.add = add, .finish = finish, .dump = dump});
  return true;
}();

}  // namespace
}  // namespace LEASH_NAMESPACE::track

/// What a program that links `leash::report` asks its linker for, which would leave this file out of a static library
/// otherwise.
extern "C" const bool* leash_report_files() { return &leash::track::registered; }
