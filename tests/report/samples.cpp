#include "samples.hpp"

#include <leash/track/kind.hpp>
#include <leash/track/tracker.hpp>
#include <optional>

namespace report_samples {
namespace {

using leash::Context;
using leash::track::Explained;
using leash::track::Kind;
using leash::track::Tag;

constexpr Kind connection{"connection", "connections"};
constexpr Kind file{"file", "files"};

Tag open_connection(const Context& ctx, int number) {
  return leash::track::acquire(
      ctx, {.kind = connection, .name = "10.0.0.1:" + std::to_string(number), .descriptor = number});
}

}  // namespace

Explained real() {
  auto [tracker, ctx] = leash::track::with_tracker(Context::background());
  const Context noted = ctx.with_note("alice").with_note("upload");
  std::vector<Tag> open;
  for (int number = 0; number < 5; ++number) open.push_back(open_connection(noted, number));
  open.front().touch();
  Tag twice = leash::track::acquire(ctx, {.kind = file, .name = "twice.csv"});
  twice.close();
  twice.close();
  twice.touch();
  {
    const Tag dropped =
        leash::track::acquire(ctx, {.kind = file, .name = "dropped.csv", .on_drop = leash::track::OnDrop::error_lost});
  }
  std::optional<Tag> parent(leash::track::acquire(ctx, {.kind = connection, .name = "parent"}));
  const Tag child = parent->child({.kind = file, .name = "child"});
  parent->close();
  return leash::track::explain(tracker.close());
}

std::string hostile_text() {
  std::string text = "</failure>]]>&\"'\x1b[31m\r\n%0A::error title=x::y\n```\n;\\u0000 \xE2\x80\xAE \xF0\x9F\x90\x95 ";
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  return text;
}

Explained hostile() {
  Explained report = real();
  const std::string bad = hostile_text();
  report.headline = report.sums = bad;
  report.remarks = {bad, std::string(1U << 20U, 'x')};
  for (auto& group : report.groups) {
    group.kind = group.kinds = group.what = group.advice = group.suppression = bad;
    group.place.file = bad;
    for (auto& event : group.events) {
      for (auto& frame : event.frames) frame.function = frame.place.file = frame.module = bad;
    }
    for (auto& instance : group.instances) {
      instance.name = bad + std::string(1U << 20U, '\xff');
      instance.notes = {bad};
    }
  }
  for (auto& summand : report.summands) summand.things = summand.place.file = bad;
  report.suppressions.push_back({.where = bad, .line = bad, .reason = bad, .findings = UINT64_MAX, .resources = 1});
  return report;
}

Explained large(std::size_t groups) {
  Explained report{.verdict = true, .ok = false};
  report.groups.reserve(groups);
  for (std::size_t at = 0; at < groups; ++at) {
    const std::string number = std::to_string(at);
    Explained::Group& group = report.groups.emplace_back();
    group.kind = "file";
    group.kinds = "files";
    group.what = "1 file not closed";
    group.place = {.file = "src/a.cpp", .line = static_cast<unsigned>(at + 1)};
    group.count = 1;
    group.fingerprint = std::string(16 - number.size(), '0') + number;
    group.events.push_back({.verb = "opened at",
                            .place = group.place,
                            .frames = {{.function = "app::open_" + number, .place = group.place},
                                       {.function = "main", .place = {.file = "src/main.cpp", .line = 1}}},
                            .has_stack = true});
  }
  report.total_groups = report.total_resources = groups;
  return report;
}

}  // namespace report_samples
