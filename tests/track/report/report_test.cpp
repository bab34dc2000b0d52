#include <doctest/doctest.h>

#include <functional>
#include <leash/fmt.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/symbols.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "track/kinds.hpp"
#include "track/symbol/plugin.hpp"
#include "without_columns.hpp"

using leash::Context;
using leash::track::acquire;
using leash::track::Group;
using leash::track::OnDrop;
using leash::track::Report;
using leash::track::Tag;
using leash::track::with_tracker;
using namespace std::chrono_literals;

TEST_CASE("a report of nothing says so") {
  auto [tracker, context] = with_tracker(Context::background());
  if constexpr (leash::tracking_enabled) {
    CHECK(to_string(tracker.snapshot()) == "Nothing is open. 0 handles opened, 0 closed.");
    CHECK(to_string(tracker.close()) == "Nothing was left open. 0 handles opened, 0 closed.");
  } else {
    CHECK(to_string(tracker.close()) == "Nothing was tracked: leash was built with LEASH_TRACKING=OFF.");
  }
}

#if LEASH_TRACKING

namespace report_test {

struct Table {
  std::vector<Tag> tags;
  unsigned line = 0;
};

[[gnu::noinline]] void open_one(const Context& context, Table& table, std::string_view name) {
  table.line = __LINE__ + 1;
  table.tags.push_back(acquire(context, {slot, name}));
}

}  // namespace report_test

TEST_CASE("equal findings are one group, the largest group first, then in the order of creation") {
  auto [tracker, context] = with_tracker(Context::background());
  report_test::Table table;
  Tag earlier = acquire(context, {box, "earlier"});
  Tag later = acquire(context, {box, "later"});
  for (const char* name : {"a", "b", "c", "d", "e"}) report_test::open_one(context, table, name);
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 3);
  const Group& group = report.groups[0];
  CHECK(group.count == 5);
  CHECK(group.opened.site.line() == table.line);
  REQUIRE(group.instances.size() == Group::max_instances);
  CHECK(group.instances[0].name == "a");
  CHECK(group.instances[2].name == "c");
  CHECK(report.groups[1].instances[0].name == "earlier");
  CHECK(report.groups[2].instances[0].name == "later");
}

TEST_CASE("the text begins with the user's line and tells who, when, where and what to do") {
  const auto clock = std::make_shared<leash::FakeClock>();
  auto [tracker, root] = with_tracker(Context::background().with_clock(clock));
  const Context context = root.with_note("mirror /usr/include").with_note("send stdio.h");
  report_test::Table table;
  for (const char* name : {"one", "two", "three"}) {
    report_test::open_one(context, table, name);
    clock->advance(100ms);
  }
  clock->advance(1s);
  table.tags[0].touch();
  const unsigned touched = __LINE__ - 1;
  const std::string text = leash_test::without_columns(to_string(tracker.close()));
  CAPTURE(text);
  const std::string here = "tests/track/report/report_test.cpp:";
  CHECK(text.starts_with(here + std::to_string(table.line) +
                         ": error: 3 slots not closed [leaked]\n"
                         "  one, and 2 more; open for 1.1 s to 1.3 s; thread "));
  CHECK(text.contains("\n  while: mirror /usr/include > send stdio.h\n"));
  CHECK(text.contains("\n  opened at\n    " + here + std::to_string(table.line) + "  report_test::open_one("));
  CHECK(text.contains("\n  last used at " + here + std::to_string(touched) + ", 0 ms ago\n"));
  CHECK(text.contains("\n  fix: "));
  CHECK(text.ends_with("\n\n1 finding: 3 slots. 3 handles opened, 0 closed."));
  for (const char* noise : {"leash::track", "std::", "doctest::", "__libc"}) CHECK_FALSE(text.contains(noise));
}

TEST_CASE("the text tells how many bytes went in and out, where there were any") {
  const auto text_for = [](std::uint64_t in, std::uint64_t out, int more = 0) {
    auto [tracker, context] = with_tracker(Context::background());
    report_test::Table table;
    for (int number = 0; number <= more; ++number) report_test::open_one(context, table, "a -> b");
    table.tags[0].add_bytes_in(in);
    table.tags[0].add_bytes_out(out);
    return to_string(tracker.close());
  };
  CHECK(text_for(1230, 340).contains("\n  a -> b (1.2 KiB in, 340 bytes out); open for "));
  CHECK(text_for(1, 0, 2).contains("\n  a -> b (1 byte in, 0 bytes out), and 2 more; open for "));
  CHECK(text_for(0, 0).contains("\n  a -> b; open for "));
  CHECK(text_for(1023, 1024).contains("(1,023 bytes in, 1.0 KiB out)"));
  CHECK(text_for(1'048'524, 1'048'525).contains("(1023.9 KiB in, 1.0 MiB out)"));
  CHECK(text_for(UINT64_C(3) << 30U, UINT64_MAX).contains("(3.0 GiB in, 16777216.0 TiB out)"));
}

TEST_CASE("frames of invoke machinery and of the runner are left out, those of lambdas are kept") {
  auto [tracker, context] = with_tracker(Context::background());
  report_test::Table table;
  std::thread([&] {
    const std::function<void(const char*)> call = [&](const char* name) {
      report_test::open_one(context, table, name);
    };
    call("in a thread");
  }).join();
  const std::string text = to_string(tracker.close());
  CAPTURE(text);
  CHECK(text.contains("report_test::open_one("));
#ifdef LEASH_HAVE_LIBBACKTRACE
  CHECK(text.contains("lambda"));
#endif
  for (const char* noise : {"_M_invoke", "_Invoker", "__invoke", "start_thread", "execute_native"}) {
    CHECK_FALSE(text.contains(noise));
  }
}

namespace report_test {

struct Client {
  explicit Client(leash::Call call) : tag(acquire(call, {slot, "client"})) {}
  Tag tag;
};

}  // namespace report_test

TEST_CASE("a site in the standard library gives way to the first line of the user's") {
  auto [tracker, context] = with_tracker(Context::background());
  const auto client = std::make_unique<report_test::Client>(context);
  const Report report = tracker.close();
  CHECK(std::string_view(report.groups[0].opened.site.file_name()).contains("unique_ptr.h"));
  const std::string text = to_string(report);
  CAPTURE(text);
#ifdef LEASH_EXPECT_LINES
  CHECK(text.starts_with("tests/track/report/report_test.cpp:"));
#endif
}

TEST_CASE("without a stack the site alone tells") {
  auto [tracker, context] = with_tracker(Context::background(), {.depth = 0});
  Tag tag = acquire(context, {slot, "a", 5});
  const Report report = tracker.close();
  CHECK(report.groups[0].opened.stack.addresses.empty());
  const std::string text = to_string(report);
  CAPTURE(text);
  CHECK(text.starts_with("tests/track/report/report_test.cpp:"));
  CHECK(text.contains("; descriptor 5\n"));
}

TEST_CASE("the whole text of a report that was made by hand") {
  const auto where = std::source_location::current();
  const std::string at = "tests/track/report/report_test.cpp:" + std::to_string(where.line());
  Report report;
  report.verdict = true;
  report.opened = 1234567;
  report.closed = 1234560;
  report.groups.resize(3);
  Group& leaked = report.groups[0];
  leaked.kind = slot;
  leaked.count = 5;
  leaked.threads = {1, 4, 5, 9};
  leaked.min_age = 1500ms;
  leaked.max_age = 3h;
  leaked.instances = {{.name = "first", .parent = "owner", .descriptor = 7, .notes = {{"outer", where}, {"", where}}}};
  leaked.instances[0].last_use = leash::track::LastUse{{.site = where}, 5min};
  Group& dropped = report.groups[1];
  dropped.rule = leash::track::Rule::dropped;
  dropped.kind = box;
  dropped.opened.site = where;
  dropped.count = 1;
  dropped.threads = {2};
  dropped.min_age = dropped.max_age = 40ms;
  dropped.instances = {{.name = "", .descriptor = 3, .on_drop = leash::track::OnDrop::error_lost}};
  dropped.instances[0].last_use = leash::track::LastUse{{.site = where}, 12ms};
  Group& note = report.groups[2];
  note = dropped;
  note.severity = leash::track::Severity::note;
  note.kind = slot;
  note.instances[0].on_drop = leash::track::OnDrop::closed;
  const auto expected = [&](std::string_view open, std::string_view first, std::string_view last) {
    const std::string stack = "  opened at\n    " + at + "  " + leash::track::abridge(where.function_name()) + "\n" +
                              "  last used at " + at + ", 12 ms before it was dropped\n";
    const bool finding = first == "error: ";
    const std::string short_at = "report_test.cpp:" + std::to_string(where.line());
    return "7 in 3 findings: 5 slots leaked, 1 box dropped " + short_at + ", 1 slot dropped " + short_at + "\n\n" +
           std::string(first) + "5 slots " + std::string(open) +
           "\n"
           "  first of owner, and 4 more; open for 1.5 s to 3.0 h; threads 1, 4, 5, …\n"
           "  while: outer > (empty)\n"
           "  last used at " +
           at + ", 5.0 min ago\n" +
           (finding ? "  fix: call close() on the slot on every path, or let its owner end\n"
                      "  suppress: leaked slot *\n"
                    : "") +
           "\n" + at +
           ": error: 1 box dropped without close() [dropped]\n"
           "  (no name); open for 40 ms; thread 2; descriptor 3\n" +
           stack +
           "  fix: call close() on the box and look at what it returns: a destructor cannot tell that the last write "
           "failed\n"
           "  suppress: dropped box top:tests/track/report/report_test.cpp\n\n" +
           at +
           ": note: 1 slot dropped without close() [dropped]\n"
           "  (no name); open for 40 ms; thread 2; descriptor 3\n" +
           stack +
           "  fix: call close() on the slot: this tracker wants it of every handle\n"
           "  suppress: dropped slot top:tests/track/report/report_test.cpp\n\n" +
           std::string(last) + ": 6 slots, 1 box. 1,234,567 handles opened, 1,234,560 closed.";
  };
  // The excerpt is there only where the tests run in the folder of the sources.
  const auto without_excerpt = [](std::string text) {
    std::string lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with("      ")) lines += (lines.empty() ? "" : "\n") + line;
    }
    return lines;
  };
  CHECK(without_excerpt(leash_test::without_columns(text(explain(report), {.width = 120}))) ==
        expected("not closed [leaked]", "error: ", "3 findings"));
  CHECK_FALSE(report.ok());
  report.verdict = false;
  leaked.severity = leash::track::Severity::note;
  CHECK(without_excerpt(leash_test::without_columns(text(explain(report), {.width = 120}))) ==
        expected("open [open]", "note: ", "3 places"));
  report.groups.erase(report.groups.begin() + 1);
  CHECK(report.ok());
}

TEST_CASE("a frame of a library that was unloaded gives way to what the compiler said of the call") {
  std::optional<plugin::Plugin> loaded(SYMBOLS_PLUGIN_FIRST);
  Report report;
  Group& group = report.groups.emplace_back();
  group.kind = slot;
  group.count = 1;
  group.instances = {{.name = "of a plugin"}};
  const auto where = std::source_location::current();
  group.opened.site = where;
  const std::uintptr_t gone = loaded->address();
  group.opened.stack = leash::track::capture_stack(16);
  group.opened.stack.addresses.insert(group.opened.stack.addresses.begin(), {gone, gone + 1, gone + 2});
  loaded.reset();
  const std::string text = leash_test::without_columns(to_string(report));
  CAPTURE(text);
  const std::string at = "tests/track/report/report_test.cpp:" + std::to_string(where.line());
  CHECK(text.starts_with(at + ": "));
  CHECK(text.contains("opened at\n    " + at + "  " + leash::track::abridge(where.function_name()) + "\n"));
  // What called the plugin's functions.
  CHECK(text.contains("  (in no library that is loaded)\n    tests/track/report/report_test.cpp:"));
  CHECK_FALSE(text.contains("+0x0"));
}

TEST_CASE("findings with different sites, kinds or rules are different groups, also without stacks") {
  auto [tracker, context] = with_tracker(Context::background(), {.depth = 0});
  std::vector<Tag> tags;
  const auto open = [&](leash::Call call, leash::track::Kind kind) { tags.push_back(acquire(call, {kind, "a"})); };
  for (int round = 0; round < 2; ++round) open(context, slot);
  // clang-format off
  open(context, slot); open(context, slot);
  // clang-format on
  const leash::Call call(context);
  open(call, slot);
  open(call, box);
  {
    const Tag dropped = acquire(call, {slot, "a", -1, OnDrop::error_lost});
  }
  try {
    const Tag noted = acquire(call, {slot, "a", -1, OnDrop::error_lost});
    throw 1;
  } catch (int) {
  }
  const Report report = tracker.close();
  CHECK(report.groups.size() == 7);
  CHECK(report.groups[0].count == 2);
}

TEST_CASE("a group names all threads that opened its resources") {
  auto [tracker, context] = with_tracker(Context::background());
  report_test::Table table;
  for (int thread = 0; thread < 5; ++thread) {
    std::thread([&] { report_test::open_one(context, table, "a"); }).join();
  }
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].threads.size() == 5);
  CHECK(to_string(report).contains(", …\n"));
}

TEST_CASE("a drop says what was lost") {
  auto [tracker, context] = with_tracker(Context::background());
  {
    const Tag tag = acquire(context, {slot, "out.csv", -1, OnDrop::error_lost});
  }
  const std::string text = to_string(tracker.close());
  CAPTURE(text);
  CHECK(text.contains(": error: 1 slot dropped without close() [dropped]\n"));
  CHECK(text.contains("fix: call close()"));
}

TEST_CASE("hostile names are made harmless, and long ones are cut") {
  auto [tracker, context] = with_tracker(Context::background().with_note("no\x1b[2J"));
  Tag tag = acquire(context, {slot, "a\nb\x1b[31m\xff" + std::string(1 << 20, 'x')});
  const std::string text = to_string(tracker.close());
  CHECK(text.contains("a\\nb\\x1b[31m\\xffxxx"));
  CHECK(text.contains("while: no\\x1b[2J"));
  CHECK_FALSE(text.contains('\x1b'));
  CHECK(text.size() < 5000);
}

TEST_CASE("a report prints the same with streams and with fmt, and is a plain value") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "a"});
  const Report report = tracker.close();
  const Report copy = report;
  std::ostringstream out;
  out << copy;
  CHECK(out.str() == fmt::format("{}", report));
}

TEST_CASE("numbers are grouped by thousands") {
  auto [tracker, context] = with_tracker(Context::background(), {.depth = 1});
  std::vector<Tag> tags;
  for (int index = 0; index < 1234; ++index) tags.push_back(acquire(context, {slot, "a"}));
  CHECK(to_string(tracker.close()).ends_with("1 finding: 1,234 slots. 1,234 handles opened, 0 closed."));
}

#endif
