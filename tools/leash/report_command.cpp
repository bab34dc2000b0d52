#include "report_command.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <leash/os/descriptor.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/retry.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/json.hpp>
#include <leash/track/report/merge.hpp>
#include <leash/track/report/text.hpp>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace leash_tool {
namespace {

using leash::Result;
using leash::track::Diff;
using leash::track::Explained;
using leash::track::Format;
using leash::track::TextOptions;

struct Request {
  Format format = Format::text;
  std::optional<std::string> old = std::nullopt;
  std::optional<std::size_t> top = std::nullopt;
  std::vector<std::string> files = {};
  bool help = false;
};

std::unexpected<leash::Error> refuse(std::string_view word, std::string_view why) {
  return leash::fail("report", word, std::errc::invalid_argument, why);
}

Result<Request> parse(std::span<const std::string_view> words) {
  Request request;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (word == "--help" || word == "-h") {
      request.help = true;
      return request;
    }
    if (!word.starts_with("--")) {
      request.files.emplace_back(word);
      continue;
    }
    const bool known = word == "--format" || word == "--diff" || word == "--top";
    if (!known) return refuse(word, "there is no such option");
    if (++at == words.size()) return refuse(word, "it needs a value");
    const std::string_view value = words[at];
    if (word == "--diff") {
      request.old = value;
    } else if (word == "--format") {
      const std::optional<Format> format = leash::track::format_named(value);
      if (!format) return refuse(value, "there is no such format");
      request.format = *format;
    } else {
      std::size_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || end != value.data() + value.size()) return refuse(value, "it is no number");
      request.top = number;
    }
  }
  if (request.files.empty()) return refuse("", "no file");
  return request;
}

Result<std::string> read_text(int number, const std::string& name) {
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t size = leash::os::retry([&] { return ::read(number, piece.data(), piece.size()); });
    if (size < 0) return leash::fail("read", name, leash::os::last_error());
    if (size == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

Result<Explained> read(const std::string& file) {
  const bool is_input = file == "-";
  const std::string name = is_input ? "standard input" : file;
  const leash::os::Descriptor opened(is_input ? -1 : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!is_input && !opened) return leash::fail("read", name, leash::os::last_error());
  const Result<std::string> text = read_text(is_input ? STDIN_FILENO : opened.get(), name);
  if (!text) return std::unexpected(text.error());
  return leash::track::from_json(*text, name);
}

Result<Explained> read_all(const std::vector<std::string>& names) {
  std::vector<Explained> reports;
  for (const std::string& name : names) {
    Result<Explained> report = read(name);
    if (!report) return report;
    reports.push_back(*std::move(report));
  }
  return reports.size() == 1 ? std::move(reports.front()) : merge(reports);
}

void keep_top(Explained& report, std::optional<std::size_t> top) {
  if (top && *top < report.groups.size()) report.groups.resize(*top);
}

/// The text says how to see what was left out in a program, by its options: here it is another one.
std::string text_of(Explained&& report) {
  if (report.total_groups > report.groups.size()) {
    const std::uint64_t more = report.total_groups - report.groups.size();
    report.remarks.push_back(std::to_string(more) + (more == 1 ? " more group" : " more groups") + ": see --top");
    report.total_groups = report.groups.size();
  }
  return text(report, TextOptions::of_descriptor(STDOUT_FILENO)) + '\n';
}

Result<std::string> written(Explained&& report, Format format) {
  if (format == Format::text) return text_of(std::move(report));
  return write(report, format);
}

/// What is to be printed, and whether there is no failure.
struct Answer {
  std::string text;
  bool ok;
};

Result<Answer> answer(const Request& request) {
  Result<Explained> report = read_all(request.files);
  if (!report) return std::unexpected(report.error());
  if (!request.old) {
    keep_top(*report, request.top);
    const bool ok = report->ok;
    Result<std::string> out = written(*std::move(report), request.format);
    if (!out) return std::unexpected(out.error());
    return Answer{*std::move(out), ok};
  }
  const Result<Explained> old = read(*request.old);
  if (!old) return std::unexpected(old.error());
  Diff changes = diff(*old, *report);
  const bool ok = changes.ok();
  if (request.format == Format::text) {
    if (request.top && *request.top < changes.changes.size()) {
      changes.remarks.push_back(std::to_string(changes.changes.size() - *request.top) + " more changes: see --top");
      changes.changes.resize(*request.top);
    }
    return Answer{text(changes, TextOptions::of_descriptor(STDOUT_FILENO).width), ok};
  }
  Explained worse = leash::track::worse(changes);
  keep_top(worse, request.top);
  Result<std::string> out = written(std::move(worse), request.format);
  if (!out) return std::unexpected(out.error());
  return Answer{*std::move(out), ok};
}

}  // namespace

bool print(std::string_view text) {
  errno = 0;
  std::cout << text << std::flush;
  if (std::cout) return true;
  std::cerr << "leash: write standard output: " << std::generic_category().message(errno) << '\n';
  return false;
}

int report(std::span<const std::string_view> words, std::string_view usage) {
  const Result<Request> request = parse(words);
  if (!request) {
    std::cerr << "leash: " << request.error() << '\n' << usage;
    return cannot;
  }
  if (request->help) return print(usage) ? fine : cannot;
  Result<Answer> found = leash::fail("report", "", std::errc::not_enough_memory);
  try {
    found = answer(*request);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): what `found` says
  }
  if (!found) {
    std::cerr << "leash: " << found.error() << '\n';
    return cannot;
  }
  if (!print(found->text)) return cannot;
  return found->ok ? fine : has_failures;
}

}  // namespace leash_tool
