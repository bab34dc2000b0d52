#include <doctest/doctest.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <leash/track/report/text.hpp>
#include <leash/track/symbols.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "counting_clock.hpp"
#include "kinds.hpp"
#include "without_columns.hpp"

#if LEASH_TRACKING

using leash::Clock;
using leash::Context;
using leash::track::acquire;
using leash::track::Group;
using leash::track::Level;
using leash::track::OnDrop;
using leash::track::Options;
using leash::track::Report;
using leash::track::RequireClose;
using leash::track::Rule;
using leash::track::Severity;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::with_tracker;
using namespace std::chrono_literals;

namespace {

/// Collects what is found after the verdict.
struct Late {
  std::vector<Report> reports;

  Options options(Options others = {}) {
    others.on_late = [this](const Report& report) { reports.push_back(report); };
    return others;
  }
};

const Group& only_group(const Report& report) {
  REQUIRE(report.groups.size() == 1);
  return report.groups.front();
}

}  // namespace

TEST_CASE("a second close is a finding with three places") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "a"});
  tag.close();
  tag.close();
  const unsigned line = __LINE__ - 1;
  const Report report = tracker.close();
  CHECK_FALSE(report.ok());
  const Group& group = only_group(report);
  CHECK(group.rule == Rule::double_close);
  CHECK(group.opened.site.line() == line - 2);
  CHECK(group.closed.site.line() == line - 1);
  CHECK(group.again.site.line() == line);
  CHECK(report.closed == 1);
  const std::string text = leash_test::without_columns(to_string(report));
  CAPTURE(text);
  CHECK(text.starts_with("tests/track/findings_test.cpp:" + std::to_string(line) +
                         ": error: 1 slot closed twice [double-close]\n"));
  CHECK(text.contains("  first closed at tests/track/findings_test.cpp:" + std::to_string(line - 1) + "\n"));
}

TEST_CASE("with close_stack every place has its stack") {
  auto [tracker, context] = with_tracker(Context::background(), {.close_stack = true});
  Tag tag = acquire(context, {slot, "a"});
  tag.close();
  tag.close();
  const Group group = only_group(tracker.close());
  CHECK(group.opened.stack.addresses.size() > 2);
  CHECK(group.closed.stack.addresses.size() > 2);
  CHECK(group.again.stack.addresses.size() > 2);
}

TEST_CASE("a use after close is a failure in the thread that closed, and a note in another") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag own = acquire(context, {slot, "own"});
  own.close();
  own.touch();
  const unsigned line = __LINE__ - 1;
  CHECK_FALSE(tracker.snapshot().ok());
  Tag other = acquire(context, {box, "other"});
  std::thread([&] { other.close(); }).join();
  other.touch();
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].rule == Rule::use_after_close);
  CHECK(report.groups[0].severity == Severity::failure);
  CHECK(report.groups[0].closed.site.line() == line - 1);
  CHECK(report.groups[0].again.site.line() == line);
  CHECK(report.groups[1].rule == Rule::use_after_close);
  CHECK(report.groups[1].severity == Severity::note);
}

TEST_CASE("a parent that is closed before its children is a finding for each of them") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag parent = acquire(context, {box, "statement"});
  std::vector<Tag> children;
  for (const char* name : {"rows 1", "rows 2"}) children.push_back(parent.child({slot, name}));
  Tag in_time = parent.child({slot, "rows 0"});
  in_time.close();
  parent.close();
  const unsigned line = __LINE__ - 1;
  for (Tag& child : children) child.close();
  const Report report = tracker.close();
  const Group& group = only_group(report);
  CHECK(group.rule == Rule::outlived_parent);
  CHECK(group.count == 2);
  CHECK(group.closed.site.line() == line);
  CHECK(group.instances[0].name == "rows 1");
  CHECK(group.instances[1].parent == "statement");
}

TEST_CASE("children that are closed first are no finding, and neither is a parent that is used again") {
  auto [tracker, context] = with_tracker(Context::background());
  for (int round = 0; round < 3; ++round) {
    Tag parent = acquire(context, {box, "statement"});
    Tag child = parent.child({slot, "rows"});
    Tag grandchild = child.child({slot, "row"});
    grandchild.close();
    child.close();
    parent.touch();
    parent.close();
  }
  CHECK(tracker.close().groups.empty());
}

TEST_CASE("what is opened after the end goes to on_late, and nothing is left open") {
  Late late;
  auto [tracker, context] = with_tracker(Context::background(), late.options());
  CHECK(tracker.close().ok());
  CHECK_FALSE(leash::track::try_acquire(context.with_note("too late"), {slot, "a", 9}));
  const unsigned line = __LINE__ - 1;
  REQUIRE(late.reports.size() == 1);
  const Group& group = only_group(late.reports[0]);
  CHECK(group.rule == Rule::opened_after_end);
  CHECK(group.opened.site.line() == line);
  CHECK(group.instances[0].notes.front().text == "too late");
  CHECK(tracker.open_count() == 0);
}

TEST_CASE("what was reported as leaked and is closed after all goes to on_late") {
  Late late;
  auto [tracker, context] = with_tracker(Context::background(), late.options());
  Tag closed = acquire(context, {slot, "closed"});
  Tag dropped = acquire(context, {slot, "dropped", -1, OnDrop::closed});
  CHECK(tracker.close().groups.size() == 2);
  static_cast<void>(Tag(std::move(dropped)));
  CHECK(late.reports.size() == 1);
  closed.close();
  const unsigned line = __LINE__ - 1;
  closed.close();
  CHECK(late.reports.size() == 2);
  closed = Tag();
  REQUIRE(late.reports.size() == 3);
  CHECK(only_group(late.reports[0]).rule == Rule::closed_late);
  CHECK_FALSE(only_group(late.reports[0]).closed);
  CHECK(only_group(late.reports[1]).rule == Rule::double_close);
  CHECK(only_group(late.reports[2]).rule == Rule::closed_late);
  CHECK(only_group(late.reports[2]).closed.site.line() == line);
  CHECK(late.reports[2].ok());
}

TEST_CASE("what is closed late was open until it was closed, however long its tag is kept after that") {
  Late late;
  const auto clock = std::make_shared<leash::FakeClock>();
  auto [tracker, context] = with_tracker(Context::background(), late.options({.clock = clock}));
  Tag tag = acquire(context, {slot, "closed"});
  tag.touch();
  clock->advance(1s);
  CHECK_FALSE(tracker.close().ok());
  clock->advance(1s);
  tag.close();
  clock->advance(1h);
  tag = Tag();
  REQUIRE(late.reports.size() == 1);
  CHECK(only_group(late.reports[0]).min_age == 2s);
  CHECK_FALSE(only_group(late.reports[0]).instances[0].last_use);
}

TEST_CASE("a child that is open after its parent is found once, whenever it is closed and whenever one looks") {
  enum class Ends : std::uint8_t { open, closed, dropped, gone };
  for (const Ends ends : {Ends::open, Ends::closed, Ends::dropped, Ends::gone}) {
    for (const bool closed_before : {true, false}) {
      CAPTURE(static_cast<int>(ends));
      CAPTURE(closed_before);
      Late late;
      const auto clock = std::make_shared<leash::FakeClock>();
      auto [tracker, context] = with_tracker(Context::background(), late.options({.clock = clock}));
      Tag parent = acquire(context, {box, "statement"});
      Tag child = parent.child({slot, "rows", -1, OnDrop::closed});
      const auto outlived_in = [](const Report& report) {
        return std::ranges::count(report.groups, Rule::outlived_parent, &Group::rule);
      };
      clock->advance(3s);
      if (closed_before) parent.close();
      Tag younger = parent.child({slot, "after the parent"});
      clock->advance(5s);
      if (ends == Ends::closed || ends == Ends::gone) child.close();
      if (ends == Ends::dropped || ends == Ends::gone) child = Tag();
      younger.close();
      for (int look = 0; look < 2; ++look) CHECK(outlived_in(tracker.snapshot()) == (closed_before ? 1 : 0));
      const Report report = tracker.close();
      CHECK(outlived_in(report) == (closed_before ? 1 : 0));
      for (const Group& group : report.groups) {
        if (group.rule == Rule::outlived_parent) CHECK(group.min_age == 3s);
      }
      CHECK(outlived_in(tracker.snapshot()) == 0);
      if (!closed_before) parent.close();
      child.close();
      child = Tag();
      younger = Tag();
      std::ptrdiff_t outlived_late = 0;
      for (const Report& after : late.reports) outlived_late += outlived_in(after);
      CHECK(outlived_late == (!closed_before && ends == Ends::open ? 1 : 0));
    }
  }
}

TEST_CASE("an on_late that throws harms nobody") {
  auto [tracker, context] =
      with_tracker(Context::background(), {.on_late = [](const Report&) { throw std::runtime_error("on_late"); }});
  Tag tag = acquire(context, {slot, "a"});
  CHECK_FALSE(tracker.close().ok());
  tag.close();
  tag.close();
}

TEST_CASE("each rule may be a failure, a note or off") {
  for (const Severity severity : {Severity::failure, Severity::note, Severity::off}) {
    auto [tracker, context] =
        with_tracker(Context::background(), {.rules = {.leaked = severity, .double_close = severity}});
    Tag twice = acquire(context, {box, "twice"});
    twice.close();
    twice.close();
    Tag kept = acquire(context, {slot, "kept"});
    const Report report = tracker.close();
    CHECK(report.ok() == (severity != Severity::failure));
    CHECK(report.groups.size() == (severity == Severity::off ? 0 : 2));
    for (const Group& group : report.groups) CHECK(group.severity == severity);
    CHECK(report.opened - report.closed == 1);
  }
}

TEST_CASE("with require_close all, every drop is a finding") {
  for (const RequireClose require : {RequireClose::by_resource, RequireClose::all}) {
    auto [tracker, context] = with_tracker(Context::background(), {.require_close = require});
    {
      const Tag tag = acquire(context, {slot, "reader", -1, OnDrop::closed});
    }
    CHECK(tracker.close().ok() == (require == RequireClose::by_resource));
  }
}

TEST_CASE("what was open before the baseline is not leaked, and may be closed without a word") {
  Late late;
  auto [tracker, context] = with_tracker(Context::background(), late.options());
  Tag before = acquire(context, {slot, "before"});
  tracker.set_baseline();
  Tag after = acquire(context, {slot, "after"});
  const Report report = tracker.close();
  CHECK(only_group(report).instances[0].name == "after");
  before.close();
  CHECK(late.reports.empty());
}

TEST_CASE("a snapshot leaves out what was open before the baseline, which can be moved on") {
  auto [tracker, context] = with_tracker(Context::background());
  const Tag before = acquire(context, {slot, "before"});
  tracker.set_baseline();
  CHECK(tracker.snapshot().groups.empty());
  const Tag after = acquire(context, {slot, "after"});
  CHECK(only_group(tracker.snapshot()).instances[0].name == "after");
  CHECK(tracker.open_count() == 2);
  tracker.set_baseline();
  CHECK(tracker.snapshot().groups.empty());
  CHECK(tracker.snapshot().opened - tracker.snapshot().closed == 2);
}

TEST_CASE("a drop while an exception unwinds is a note only if the exception began after the open") {
  struct Dropping {
    Context context;
    Tag tag = Tag();
    ~Dropping() {
      // Opened and dropped in the middle of it: the exception is not about this.
      const Tag inner = acquire(context, {box, "opened while it unwound", -1, OnDrop::error_lost});
    }
  };
  auto [tracker, context] = with_tracker(Context::background());
  try {
    const Dropping outer{context, acquire(context, {slot, "opened before", -1, OnDrop::error_lost})};
    throw 1;
  } catch (int) {
    const Tag caught = acquire(context, {slot, "opened when it was caught", -1, OnDrop::error_lost});
  }
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 3);
  for (const Group& group : report.groups) {
    CHECK(group.rule == Rule::dropped);
    CHECK((group.severity == Severity::note) == (group.instances[0].name == "opened before"));
  }
}

TEST_CASE("suppressions look names up while nobody is kept waiting") {
  struct Waiting {
    Tracker tracker;
    std::jthread closer{};
  };
  const auto known = leash::track::Suppressions::parse("leaked slot none_of_this_name").value();
  auto [tracker, context] =
      with_tracker(Context::background(), {.rules = {.untracked = Severity::failure}, .suppressions = known});
  const Tag tag = acquire(context, {slot, "kept"});
  Waiting waiting{tracker};
  // Under the dynamic linker's lock, which a look-up takes: the verdict of the other thread waits in the middle of it.
  const auto under_the_lock = [](dl_phdr_info*, std::size_t, void* data) {
    auto& [shared, closer] = *static_cast<Waiting*>(data);
    closer = std::jthread([&shared] { static_cast<void>(shared.close()); });
    while (!shared.closed()) std::this_thread::yield();
    shared.set_baseline();
    return 1;
  };
  CHECK(::dl_iterate_phdr(under_the_lock, &waiting) == 1);
}

TEST_CASE("close(settle) waits for what is on its way, on the tracker's clock and no longer") {
  SUBCASE("it is closed in time") {
    auto [tracker, context] = with_tracker(Context::background());
    std::optional<Tag> tag = acquire(context, {slot, "in flight"});
    std::jthread closer([&] { tag->close(); });
    CHECK(tracker.close(1h).ok());
  }
  SUBCASE("several, closed and dropped") {
    auto [tracker, context] = with_tracker(Context::background());
    std::vector<Tag> tags;
    for (int index = 0; index < 100; ++index) tags.push_back(acquire(context, {slot, "a", -1, OnDrop::closed}));
    std::jthread closer([&] {
      for (std::size_t index = 0; index < 50; ++index) tags[index].close();
      tags.clear();
    });
    CHECK(tracker.close(1h).ok());
  }
  SUBCASE("but not for what was open before the baseline") {
    auto [tracker, context] = with_tracker(Context::background());
    const Tag before = acquire(context, {slot, "before"});
    tracker.set_baseline();
    std::optional<Tag> tag = acquire(context, {slot, "in flight"});
    std::jthread closer([&] { tag->close(); });
    CHECK(tracker.close(1h).ok());
  }
  SUBCASE("as long as it takes") {
    const auto clock = std::make_shared<leash_test::CountingClock>();
    clock->advance(1s);
    auto [tracker, context] = with_tracker(Context::background().with_clock(clock));
    std::optional<Tag> tag = acquire(context, {slot, "in flight"});
    std::jthread closer([&] {
      clock->wait_for(1);
      clock->advance(24h * 365 * 100);
      tag->close();
    });
    CHECK(tracker.close(Clock::duration::max()).ok());
    CHECK(clock->last_time() == Clock::time_point::max());
  }
  SUBCASE("others need not wait for that to set a baseline") {
    const auto clock = std::make_shared<leash_test::CountingClock>();
    auto [tracker, context] =
        with_tracker(Context::background().with_clock(clock), {.rules = {.untracked = Severity::failure}});
    const Tag tag = acquire(context, {slot, "in flight"});
    std::jthread other([&] {
      clock->wait_for(1);
      tracker.set_baseline();
      clock->advance(1h);
    });
    CHECK(tracker.close(1h).ok());
  }
  SUBCASE("it is not") {
    const auto clock = std::make_shared<leash::FakeClock>();
    auto [tracker, context] = with_tracker(Context::background().with_clock(clock));
    Tag tag = acquire(context, {slot, "kept"});
    std::jthread time([&] {
      // Whenever the other thread begins to wait: some hour of these is its last.
      while (!tracker.closed()) clock->advance(1h);
    });
    CHECK_FALSE(tracker.close(24h).ok());
  }
}

TEST_CASE("a leak shows where others from the same place were closed") {
  auto [tracker, context] = with_tracker(Context::background());
  std::vector<Tag> tags;
  for (int index = 0; index < 3; ++index) tags.push_back(acquire(context, {slot, "sibling"}));
  tags[1].close();
  const unsigned line = __LINE__ - 1;
  const Report report = tracker.close();
  CHECK(only_group(report).others_closed_at.line() == line);
  const leash::track::Explained explained = explain(report);
  CHECK(explained.groups[0].others_closed_at.line == line);
  CHECK(
      text(explained, {.width = 200})
          .contains("  fix: call close() on the slot on every path, or let its owner end; others from here are closed "
                    "at tests/track/findings_test.cpp:" +
                    std::to_string(line) + "\n"));
}

TEST_CASE("descriptors that go past leash are found, and those with a tag or older are not") {
  const int older = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  Late late;
  auto [tracker, context] =
      with_tracker(Context::background(), late.options({.rules = {.untracked = Severity::failure}}));
  const int tagged = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  Tag tag = acquire(context, {slot, "tagged", tagged});
  const int untracked = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  tag.close();
  Tag again = acquire(context, {slot, "tagged", tagged, OnDrop::closed});
  const Report report = tracker.close();
  for (const int descriptor : {older, tagged, untracked}) ::close(descriptor);
  std::vector<int> found;
  for (const Group& group : report.groups) {
    if (group.rule == Rule::untracked) found.push_back(group.instances.front().descriptor);
  }
  CHECK(found == std::vector<int>{untracked});
  const std::string text = to_string(report);
  CHECK(text.contains("error: 1 descriptor opened past leash [untracked]\n  /dev/zero;"));
  CHECK(text.contains("  suppress: untracked descriptor /dev/zero\n"));
}

TEST_CASE("at level count a report tells how many, at level site also where") {
  for (const Level level : {Level::count, Level::site, Level::stack}) {
    auto [tracker, context] = with_tracker(Context::background(), {.level = level});
    std::vector<Tag> tags;
    for (int index = 0; index < 5; ++index) tags.push_back(acquire(context.with_note("why"), {slot, "name", 3}));
    Tag closed = acquire(context, {box, "closed"});
    closed.touch();
    closed.close();
    CHECK(tracker.open_count() == 5);
    const Report report = tracker.close();
    const Group& group = only_group(report);
    CHECK(group.count == 5);
    CHECK(group.kind == slot);
    CHECK((group.opened.site.line() != 0) == (level != Level::count));
    CHECK(group.opened.stack.addresses.empty() == (level != Level::stack));
    CHECK(group.instances[0].name == (level == Level::count ? "" : "name"));
    CHECK(to_string(report).contains("5 slots not closed [leaked]"));
  }
}

TEST_CASE("the level of a tracker may change while it runs") {
  auto [tracker, context] = with_tracker(Context::background(), {.level = Level::count});
  CHECK(tracker.level() == Level::count);
  std::vector<Tag> tags;
  const auto open_at = [&](Level level) {
    tracker.set_level(level);
    for (int index = 0; index <= static_cast<int>(level); ++index) tags.push_back(acquire(context, {slot, "name"}));
  };
  open_at(Level::count);
  open_at(Level::stack);
  open_at(Level::site);
  tracker.set_level(Level::count);
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 3);
  const Group& with_stack = report.groups[0];
  CHECK(with_stack.count == 3);
  CHECK(!with_stack.opened.stack.addresses.empty());
  CHECK(with_stack.instances[0].name == "name");
  const Group& with_site = report.groups[1];
  CHECK(with_site.count == 2);
  CHECK(with_site.opened.stack.addresses.empty());
  CHECK(with_site.opened.site == with_stack.opened.site);
  const Group& counted = report.groups[2];
  CHECK(counted.count == 1);
  CHECK(!counted.opened);
  CHECK(to_string(report).contains("error: 1 slot not closed [leaked]\n  fix: "));
  CHECK(to_string(report).contains("not known at level count"));
}

TEST_CASE("a tag may be closed in a signal handler") {
  static Tag* in_handler = nullptr;
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "a"});
  in_handler = &tag;
  struct sigaction action{};
  action.sa_handler = [](int) { in_handler->close(); };
  struct sigaction old{};
  ::sigaction(SIGUSR1, &action, &old);
  ::raise(SIGUSR1);
  ::sigaction(SIGUSR1, &old, nullptr);
  CHECK(tracker.open_count() == 0);
  CHECK(tracker.close().ok());
}

TEST_CASE("signal handlers that close tags in the middle of everything lose none") {
  static std::vector<Tag>* to_close = nullptr;
  static std::atomic<std::size_t> next = 0;
  auto [tracker, context] = with_tracker(Context::background(), {.depth = 2});
  std::vector<Tag> tags;
  for (int index = 0; index < 2000; ++index) tags.push_back(acquire(context, {slot, "a"}));
  to_close = &tags;
  next = 0;
  struct sigaction action{};
  action.sa_handler = [](int) {
    const std::size_t index = next.fetch_add(1);
    if (index < to_close->size()) (*to_close)[index].close();
  };
  struct sigaction old{};
  ::sigaction(SIGUSR1, &action, &old);
  {
    std::atomic<bool> over = false;
    const pthread_t self = ::pthread_self();
    std::jthread sender([&] {
      while (next.load() < tags.size()) ::pthread_kill(self, SIGUSR1);
      over = true;
    });
    while (!over) acquire(context, {box, "short"}).close();
  }
  ::sigaction(SIGUSR1, &old, nullptr);
  CHECK(tracker.open_count() == 0);
  CHECK(tracker.close().ok());
}

TEST_CASE("a name of any kind is kept whole, and printed without harm") {
  auto [tracker, context] = with_tracker(Context::background());
  const std::string huge(std::size_t{1} << 20U, 'x');
  Tag long_one = acquire(context, {slot, huge});
  Tag wild = acquire(context, {slot, "a\x1b[31m\n\xff\xfe"});
  Tag empty = acquire(context, {slot, ""});
  for (const std::size_t size : {0U, 1U, 3U, 4U, 7U, 8U, 15U, 16U, 17U, 200U}) {
    const std::string name(size, static_cast<char>('a' + size % 26));
    auto [other, other_context] = with_tracker(Context::background());
    Tag tag = acquire(other_context, {slot, name});
    CHECK(other.close().groups.front().instances.front().name == name);
  }
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 3);
  CHECK(report.groups[0].instances[0].name == huge);
  const std::string text = to_string(report);
  CHECK(text.contains("a\\x1b[31m\\n\\xff\\xfe"));
  CHECK_FALSE(text.contains('\x1b'));
}

TEST_CASE("a depth of any size is taken as far as there are frames") {
  for (const std::size_t depth : {std::size_t{0}, std::size_t{1}, std::size_t{1000000}, SIZE_MAX}) {
    auto [tracker, context] = with_tracker(Context::background(), {.depth = depth});
    Tag tag = acquire(context, {slot, "a"});
    const std::size_t kept = tracker.close().groups.front().opened.stack.addresses.size();
    CHECK(kept <= std::min(depth, leash::track::max_depth));
    CHECK((kept > 0) == (depth > 0));
  }
}

TEST_CASE("the tracker of the process is one for all") {
  Tracker& tracker = leash::track::process_tracker();
  CHECK(&tracker == &leash::track::process_tracker());
  const std::size_t before = tracker.open_count();
  Tag tag = tracker.create({slot, "without a Context"});
  CHECK(tracker.open_count() == before + 1);
  CHECK_FALSE(tracker.closed());
  tag.close();
}

#endif
