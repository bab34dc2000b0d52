#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <leash/track/suppressions.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinds.hpp"
#include "temp_dir.hpp"

using leash::Call;
using leash::Context;
using leash::Result;
using leash::track::acquire;
using leash::track::Group;
using leash::track::Kind;
using leash::track::Options;
using leash::track::Report;
using leash::track::Rule;
using leash::track::Rules;
using leash::track::Severity;
using leash::track::Suppressions;
using leash::track::SuppressionUse;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::with_tracker;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

Suppressions parsed(std::string_view text) {
  const Result<Suppressions> result = Suppressions::parse(text);
  if (!result) FAIL_CHECK(to_string(result.error()));
  return result.value_or(Suppressions());
}

std::string error_of(std::string_view text) {
  const Result<Suppressions> result = Suppressions::parse(text, "leash.supp");
  if (result) return "none";
  CHECK(result.error() == std::errc::invalid_argument);
  return to_string(result.error());
}

}  // namespace

TEST_CASE("a line of suppressions has a rule, a kind, a pattern, a maximum and a reason") {
  const Suppressions suppressions = parsed(
      "# rule  kind        pattern               what for\n"
      "leaked  connection  legacy::Pool::*       max=4   # kept on purpose until the pool is rewritten\n"
      "*       \"pool slot\" third_party/*.cpp\n"
      "\n"
      " \t \n"
      "   # another comment\n"
      "\tdouble-close\t*\toperator new\tmax=18446744073709551615\t#  two  words \t\n"
      "dropped a#b c#d #\n"
      "untracked * * #max=3 # and more");
  const auto lines = suppressions.lines();
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].rule == Rule::leaked);
  CHECK(lines[0].kind == "connection");
  CHECK(lines[0].pattern == "legacy::Pool::*");
  CHECK(lines[0].max == 4);
  CHECK(lines[0].reason == "kept on purpose until the pool is rewritten");
  CHECK(lines[0].where == "suppressions:2");
  CHECK_FALSE(lines[1].rule);
  CHECK(lines[1].kind == "pool slot");
  CHECK(lines[1].pattern == "third_party/*.cpp");
  CHECK_FALSE(lines[1].max);
  CHECK(lines[1].reason.empty());
  CHECK(lines[2].rule == Rule::double_close);
  CHECK(lines[2].kind.empty());
  CHECK(lines[2].pattern == "operator new");
  CHECK(lines[2].max == 18446744073709551615U);
  CHECK(lines[2].reason == "two  words");
  CHECK(lines[2].where == "suppressions:7");
  CHECK(lines[3].kind == "a#b");
  CHECK(lines[3].pattern == "c#d");
  CHECK(lines[3].reason.empty());
  CHECK(lines[4].reason == "max=3 # and more");
  CHECK_FALSE(lines[4].max);
}

TEST_CASE("suppressions may end their lines as on Windows, and the last one not at all") {
  for (const std::string_view text : {"leaked slot a\r\n\r\n# comment\r\ndropped box b # why\r\n"sv,
                                      "leaked slot a\n\n# comment\ndropped box b # why"sv,
                                      "leaked slot a\r\n\r\n# comment\r\ndropped box b # why\r"sv}) {
    const Suppressions suppressions = parsed(text);
    const auto lines = suppressions.lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].pattern == "a");
    CHECK(lines[1].pattern == "b");
    CHECK(lines[1].reason == "why");
    CHECK(lines[1].where == "suppressions:4");
  }
  for (const std::string_view text : {""sv, "\n"sv, "\r\n"sv, "#"sv, " "sv, "\n\n# nothing"sv}) {
    CHECK(parsed(text).lines().empty());
  }
}

TEST_CASE("what is no suppression is refused, with its line and column and what is wrong there") {
  const std::string_view no_kind = "a kind is missing: the singular, or *";
  const std::string_view no_pattern = "a pattern is missing: a function or a file, with * for any text";
  const std::vector<std::pair<std::string_view, std::string>> table{
      {"leak slot f"sv, "1:1|there is no rule 'leak'"},
      {"\n\n  Leaked slot f"sv, "3:3|there is no rule 'Leaked'"},
      {"leaked slot f\r\n\tleaked: slot f\r\n"sv, "2:2|there is no rule 'leaked:'"},
      {"** slot f"sv, "1:1|there is no rule '**'"},
      {"\xef\xbb\xbfleaked slot f"sv, "1:1|there is no rule '\\xef\\xbb\\xbfleaked'"},
      {"leaked\0 slot f"sv, "1:1|there is no rule 'leaked\\x00'"},
      {"\xff\xfe slot f"sv, "1:1|there is no rule '\\xff\\xfe'"},
      {"leaked"sv, "1:7|" + std::string(no_kind)},
      {"leaked   \r\n"sv, "1:11|" + std::string(no_kind)},
      {"leaked # slot"sv, "1:8|" + std::string(no_kind)},
      {"leaked \"pool slot f"sv, "1:8|the quotation mark is never closed"},
      {"leaked  \"\" f"sv, "1:9|the kind is empty"},
      {"leaked \"pool\"slot f"sv, "1:14|a blank is missing after the quotation mark"},
      {"leaked slot"sv, "1:12|" + std::string(no_pattern)},
      {"leaked \"pool slot\""sv, "1:19|" + std::string(no_pattern)},
      {"leaked slot # f"sv, "1:13|" + std::string(no_pattern)},
      {"leaked slot max=3"sv, "1:13|" + std::string(no_pattern)},
      {"leaked slot f max="sv, "1:15|max= needs a number, not ''"},
      {"leaked slot f max=-1"sv, "1:15|max= needs a number, not '-1'"},
      {"leaked slot f max=+1"sv, "1:15|max= needs a number, not '+1'"},
      {"leaked slot f max=4x"sv, "1:15|max= needs a number, not '4x'"},
      {"leaked slot f max=4#why"sv, "1:15|max= needs a number, not '4#why'"},
      {"leaked slot f max= 4"sv, "1:15|max= needs a number, not ''"},
      {"leaked slot f max=18446744073709551616"sv, "1:15|max= needs a number, not '18446744073709551616'"},
      {"leaked slot f max=1 max=2"sv, "1:21|a second max="},
      {"leaked slot f max=1 why"sv, "1:21|expected max=N or # and a reason, not 'why'"},
      {"leaked slot f max=1 w\0y"sv, "1:21|expected max=N or # and a reason, not 'w\\x00y'"},
      {"leaked slot f\n\nleaked slot g\nnothing"sv, "4:1|there is no rule 'nothing'"},
  };
  for (const auto& [text, expected] : table) {
    const std::size_t bar = expected.find('|');
    CAPTURE(expected);
    CHECK(error_of(text) ==
          "parse leash.supp:" + expected.substr(0, bar) + ": Invalid argument (" + expected.substr(bar + 1) + ")");
  }
}

TEST_CASE("suppressions of any bytes and of any length do no harm") {
  constexpr std::size_t huge = std::size_t{1} << 20U;
  CHECK(parsed("leaked slot " + std::string(huge, 'f')).lines()[0].pattern.size() == huge);
  CHECK(parsed("leaked slot f #" + std::string(huge, 'r')).lines()[0].reason.size() == huge);
  CHECK(parsed("leaked " + std::string(huge, 'k') + " f").lines()[0].kind.size() == huge);
  CHECK(parsed("#" + std::string(huge, ' ') + "\nleaked slot f").lines().size() == 1);
  CHECK(parsed(std::string(huge, '\n') + "leaked slot f").lines()[0].where == "suppressions:1048577");
  CHECK(parsed("leaked slot" + std::string(huge, ' ') + "f").lines()[0].pattern == "f");
  // What is wrong is told in a text that can be read.
  CHECK(error_of(std::string(huge, 'x')).size() < 200);
  CHECK(error_of("leaked slot f max=" + std::string(huge, '9')).size() < 200);
  CHECK(parsed("leaked slot a\0b\xff"sv).lines()[0].pattern == "a\0b\xff"sv);

  // A pattern that looks costly, on a text that fits nearly.
  const Suppressions costly = parsed("leaked slot " + std::string("*a").append(2000, 'a') + "*b");
  CHECK_FALSE(costly.lines()[0].matches(Rule::leaked, slot, std::string(20000, 'a'), ""));
}

TEST_CASE("suppressions are read from a file, and what is wrong names the file") {
  const TempDir directory;
  const std::string path = directory / "leash.supp";
  std::ofstream(path, std::ios::binary) << "leaked slot first\r\n" << std::string(10000, '#') << "\ndropped box second";
  const Result<Suppressions> good = Suppressions::load(path);
  REQUIRE(good);
  REQUIRE(good->lines().size() == 2);
  CHECK(good->lines()[1].pattern == "second");
  CHECK(good->lines()[1].where == path + ":3");

  std::ofstream(path, std::ios::binary) << "leaked slot first\n\0\0\n"s;
  const Result<Suppressions> bad = Suppressions::load(path);
  REQUIRE_FALSE(bad);
  CHECK(to_string(bad.error()) == "parse " + path + ":2:1: Invalid argument (there is no rule '\\x00\\x00')");

  const Result<Suppressions> missing = Suppressions::load(directory / "missing");
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == std::errc::no_such_file_or_directory);
  CHECK(missing.error().subject() == directory / "missing");
  const Result<Suppressions> folder = Suppressions::load(directory.path());
  REQUIRE_FALSE(folder);
  CHECK(folder.error() == std::errc::is_a_directory);
}

TEST_CASE("a pattern is a function, with or without its parameters, or a file from any folder on") {
  struct Case {
    std::string_view line;
    std::string_view function;
    std::string_view file;
    bool matches;
  };
  constexpr std::string_view file = "/src/app/third_party/pool/pool.cpp";
  const std::vector<Case> cases{
      {"leaked slot app::open", "app::open(int)", "", true},
      {"leaked slot app::open(int)", "app::open(int)", "", true},
      {"leaked slot app::open(long)", "app::open(int)", "", false},
      {"leaked slot app::op", "app::open(int)", "", false},
      {"leaked slot open", "app::open(int)", "", false},
      {"leaked slot app::*", "app::open(int)", "", true},
      {"leaked slot *::open", "app::open(int)", "", true},
      {"leaked slot a*p*n", "app::open(int)", "", true},
      {"leaked slot a*p*n*x", "app::open(int)", "", false},
      {"leaked slot App::open", "app::open(int)", "", false},
      {"leaked slot app::open", "", "", false},
      {"leaked slot *", "", "", true},
      {"leaked slot ***", "", "", true},
      {"leaked slot *a", "", "", false},
      {"leaked slot Vec::operator new", "Vec::operator new(unsigned long)", "", true},
      {"leaked slot pool.cpp", "f()", file, true},
      {"leaked slot pool/pool.cpp", "f()", file, true},
      {"leaked slot third_party/*", "f()", file, true},
      {"leaked slot third_party/*.cpp", "f()", file, true},
      {"leaked slot /src/app/*", "f()", file, true},
      {"leaked slot src/*", "f()", file, true},
      {"leaked slot ool.cpp", "f()", file, false},
      {"leaked slot party/pool/pool.cpp", "f()", file, false},
      {"leaked slot pool", "f()", file, false},
      {"leaked slot *.hpp", "f()", file, false},
      {"leaked box *", "f()", file, false},
      {"dropped slot *", "f()", file, false},
      {"* box *", "f()", file, false},
      {"* slot f", "f()", file, true},
      {"leaked * f", "f()", file, true},
      {"leaked slots f", "f()", file, false},
      {"leaked \"slot\" f", "f()", file, true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    CHECK(parsed(one.line).lines()[0].matches(Rule::leaked, slot, one.function, one.file) == one.matches);
  }
}

#if LEASH_TRACKING

namespace {

[[gnu::noinline]] Tag kept_by_pool(const Context& context, const Kind& kind = slot) {
  return acquire(context, {kind, "pooled"});
}

[[gnu::noinline]] Tag kept_by_cache(const Context& context, const Kind& kind = slot) {
  return acquire(context, {kind, "cached"});
}

Options suppressing(std::string_view text) { return {.suppressions = parsed(text)}; }

}  // namespace

TEST_CASE("a suppressed finding is none, and every other one is reported") {
  struct Case {
    std::string_view line;
    bool pool;
    bool cache;
    bool box;
  };
  // What of a slot by kept_by_pool, one by kept_by_cache and a box by kept_by_pool is reported.
  const std::vector<Case> cases{
      {"leaked slot *kept_by_pool", false, true, true},
      {"leaked * *kept_by_pool", false, true, false},
      {"leaked slot *kept_by_*", false, false, true},
      {"* * *", false, false, false},
      {"leaked box *", true, true, false},
      {"leaked * suppressions_test.cpp", false, false, false},
      {"leaked slot track/suppressions_test.cpp", false, false, true},
      {"leaked slot *.hpp.in", true, true, true},
      {"dropped * *", true, true, true},
      {"leaked slot nobody\nleaked * *kept_by_pool\nleaked * *kept_by_cache", false, false, false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    auto [tracker, context] = with_tracker(Context::background(), suppressing(one.line));
    const Tag pool = kept_by_pool(context);
    const Tag cache = kept_by_cache(context);
    const Tag other = kept_by_pool(context, box);
    const Report report = tracker.close();
    const auto reported = [&](std::string_view name, const Kind& kind) {
      return std::ranges::any_of(
          report.groups, [&](const Group& group) { return group.instances[0].name == name && group.kind == kind; });
    };
    CHECK(reported("pooled", slot) == one.pool);
    CHECK(reported("cached", slot) == one.cache);
    CHECK(reported("pooled", box) == one.box);
    CHECK(report.ok() == !(one.pool || one.cache || one.box));
    CHECK(report.opened - report.closed == 3);
  }
}

TEST_CASE("a suppression matches any frame of the stack, and at level site the site") {
  const auto outer = [](const Context& context) { return kept_by_pool(context); };
  {
    auto [tracker, context] = with_tracker(Context::background(), suppressing("leaked slot main"));
    const Tag tag = outer(context);
    // Where the stack is as deep as `main`.
    const Report report = tracker.close();
    auto [deep, deep_context] =
        with_tracker(Context::background(), {.depth = 200, .suppressions = parsed("leaked slot main")});
    const Tag other = outer(deep_context);
    CHECK(deep.close().ok());
    CHECK(report.suppressions.size() == 1);
  }
  for (const bool by_function : {true, false}) {
    auto [tracker, context] =
        with_tracker(Context::background(),
                     {.level = leash::track::Level::site,
                      .suppressions = parsed(by_function ? "leaked slot *kept_by_pool" : "leaked slot tests/track/*")});
    const Tag tag = outer(context);
    CHECK(tracker.close().ok());
  }
}

TEST_CASE("a maximum allows as many resources, and one more is a finding with all of them") {
  for (const auto& [count, allowed] : {std::pair{2, true}, std::pair{3, true}, std::pair{4, false}}) {
    auto [tracker, context] = with_tracker(Context::background(), suppressing("leaked slot *kept_by_pool max=3"));
    std::vector<Tag> tags;
    for (int index = 0; index < count; ++index) tags.push_back(kept_by_pool(context));
    const Report report = tracker.close();
    CHECK(report.ok() == allowed);
    REQUIRE(report.suppressions.size() == 1);
    CHECK(report.suppressions[0].resources == static_cast<std::size_t>(allowed ? count : 0));
    if (!allowed) CHECK(report.groups[0].count == 4);
  }
  SUBCASE("over several findings together") {
    auto [tracker, context] = with_tracker(Context::background(), suppressing("leaked slot *kept_by_* max=3"));
    std::vector<Tag> tags;
    for (int index = 0; index < 2; ++index) tags.push_back(kept_by_pool(context));
    for (int index = 0; index < 2; ++index) tags.push_back(kept_by_cache(context));
    const Report report = tracker.close();
    // How many findings they are depends on whether the loops were unrolled.
    REQUIRE(report.groups.size() == 1);
    CHECK(report.suppressions[0].resources <= 3);
    CHECK(report.suppressions[0].resources + report.groups[0].count == 4);
  }
  SUBCASE("a later line may allow what an earlier one does not") {
    auto [tracker, context] =
        with_tracker(Context::background(), suppressing("leaked slot * max=0\nleaked slot *kept_by_pool max=1"));
    const Tag tag = kept_by_pool(context);
    const Report report = tracker.close();
    CHECK(report.ok());
    CHECK(report.suppressions[0].findings == 0);
    CHECK(report.suppressions[1].findings == 1);
  }
}

TEST_CASE("a report tells how often each suppression was used") {
  auto [tracker, context] = with_tracker(Context::background(), suppressing("# known\n"
                                                                            "leaked slot *kept_by_pool max=9 # pool\n"
                                                                            "dropped box nowhere\n"
                                                                            "* \"a box\" *kept_by_cache # never\n"));
  std::vector<Tag> tags;
  for (int index = 0; index < 3; ++index) tags.push_back(kept_by_pool(context));
  tags.push_back([](const Context& other) { return kept_by_pool(other); }(context));
  tags.push_back(kept_by_cache(context));
  const Report report = tracker.close();
  REQUIRE(report.suppressions.size() == 3);
  CHECK(report.suppressions[0].findings == 2);
  CHECK(report.suppressions[0].resources == 4);
  CHECK(report.suppressions[1].findings == 0);
  CHECK(report.suppressions[2].findings == 0);
  CHECK(report.groups.size() == 1);
  const std::string text = to_string(report);
  CAPTURE(text);
  CHECK(
      text.contains("Suppressions:\n"
                    "  suppressions:2: leaked slot *kept_by_pool max=9: 2 findings, 4 resources  # pool\n"
                    "  suppressions:3: dropped box nowhere: not used\n"
                    "  suppressions:4: * \"a box\" *kept_by_cache: not used  # never\n"));
}

TEST_CASE("what is found after the verdict may be suppressed too") {
  std::vector<Report> late;
  auto [tracker, context] =
      with_tracker(Context::background(), {.suppressions = parsed("double-close slot *kept_by_pool"),
                                           .on_late = [&](const Report& report) { late.push_back(report); }});
  Tag pool = kept_by_pool(context);
  Tag cache = kept_by_cache(context);
  for (Tag* const tag : {&pool, &cache}) tag->close();
  CHECK(tracker.close().ok());
  for (Tag* const tag : {&pool, &cache}) tag->close();
  REQUIRE(late.size() == 1);
  CHECK(late[0].groups[0].instances[0].name == "cached");
}

namespace {

constexpr Rules all_failures{.untracked = Severity::failure, .closed_late = Severity::failure};

/// The reports of a tracker: the verdict, then what came late.
struct Reports {
  std::vector<Report> all;

  std::vector<std::string> lines() const {
    static constexpr std::string_view word = "  suppress: ";
    std::vector<std::string> found;
    for (const Report& report : all) {
      const std::string text = to_string(report);
      for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
        at += word.size();
        found.push_back(text.substr(at, text.find('\n', at) - at));
      }
    }
    return found;
  }

  std::size_t failures() const {
    std::size_t count = 0;
    for (const Report& report : all) {
      for (const Group& group : report.groups) count += group.severity == Severity::failure ? 1U : 0U;
    }
    return count;
  }
};

template <class Function>
Reports run(std::string_view suppressions, Function function, Rules rules = all_failures) {
  Reports reports;
  std::vector<Report> late;
  auto [tracker, context] =
      with_tracker(Context::background(), {.rules = rules,
                                           .suppressions = parsed(suppressions),
                                           .on_late = [&](const Report& report) { late.push_back(report); }});
  function(tracker, context);
  reports.all.push_back(tracker.close());
  for (const Report& report : late) reports.all.push_back(report);
  return reports;
}

// One finding of each rule, in a function of its own.

[[gnu::noinline]] void leaks(const Context& context) { static_cast<void>(Tag(acquire(context, {slot, "leaked"}))); }

[[gnu::noinline]] void drops(const Context& context) {
  static_cast<void>(Tag(acquire(context, {slot, "dropped", -1, leash::track::OnDrop::error_lost})));
}

[[gnu::noinline]] void closes_twice(const Context& context) {
  Tag tag = acquire(context, {slot, "closed twice"});
  tag.close();
  tag.close();
}

[[gnu::noinline]] void uses_closed(const Context& context) {
  Tag tag = acquire(context, {slot, "used"});
  tag.close();
  tag.touch();
}

[[gnu::noinline]] void closes_parent_first(const Context& context) {
  Tag parent = acquire(context, {box, "parent"});
  Tag child = parent.child({slot, "child"});
  parent.close();
  child.close();
}

[[gnu::noinline]] Tag closed_late(const Context& context) { return acquire(context, {slot, "late"}); }

[[gnu::noinline]] void opens_late(const Context& context) {
  CHECK_FALSE(leash::track::try_acquire(context, {slot, "refused"}));
}

struct Holder {
  [[gnu::noinline]] explicit Holder(const Call& call) : tag(acquire(call, {slot, "forwarded"})) {}
  Tag tag;
};
[[gnu::noinline]] void forwards(const Context& context) { static_cast<void>(std::make_unique<Holder>(context)); }

/// A function around others: what it opened is one finding, what they opened is not.
[[gnu::noinline]] void opens_around_leaks(const Context& context) {
  static_cast<void>(Tag(acquire(context, {slot, "around"})));
  leaks(context);
}

/// And most of them in one.
[[gnu::noinline]] void everything_wrong(const Context& context) {
  static_cast<void>(Tag(acquire(context, {slot, "leaked"})));
  static_cast<void>(Tag(acquire(context, {slot, "dropped", -1, leash::track::OnDrop::error_lost})));
  Tag tag = acquire(context, {slot, "closed twice"});
  tag.close();
  tag.close();
  Tag other = acquire(context, {slot, "used"});
  other.close();
  other.touch();
  Tag parent = acquire(context, {box, "parent"});
  Tag child = parent.child({slot, "child"});
  parent.close();
  child.close();
}

void everything(Tracker& tracker, const Context& context) {
  opens_around_leaks(context);
  drops(context);
  closes_twice(context);
  uses_closed(context);
  closes_parent_first(context);
  everything_wrong(context);
  Tag tag = closed_late(context);
  static_cast<void>(tracker.close());
  tag.close();
  opens_late(context);
}

}  // namespace

TEST_CASE("the line that a finding offers suppresses this one and no other") {
  const Reports before = run("", everything);
  const std::vector<std::string> lines = before.lines();
  // Of five rules two each and one more leak, one of two, and what is closed late was leaked before.
  REQUIRE(before.failures() == 14);
  REQUIRE(lines.size() == 14);
  for (const std::string& line : lines) {
    CAPTURE(line);
    const Reports after = run(line, everything);
    std::vector<std::string> expected = lines;
    REQUIRE(std::erase(expected, line) == 1);
    CHECK(after.lines() == expected);
  }
  std::string all;
  for (const std::string& line : lines) all += line + "  # known\n";
  CHECK(run(all, everything).failures() == 0);
}

TEST_CASE("what a test itself opened is suppressed by its file, not by the name that the framework gave it") {
  const auto in_test = [](const Tracker&, const Context& context) {
    static_cast<void>(Tag(acquire(context, {slot, "in the test"})));
    leaks(context);
  };
  const std::vector<std::string> lines = run("", in_test).lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("leaked slot top:"));
  CHECK(lines[0].ends_with("tests/track/suppressions_test.cpp"));
  CHECK(run("leaked slot top:suppressions_test.cpp", in_test).lines().empty());
  CHECK(run("leaked slot top:DOCTEST_ANON_*", in_test).lines() == std::vector{lines[1]});
  CHECK(run("leaked slot DOCTEST_ANON_*", in_test).lines().empty());
}

TEST_CASE("what comes through a template of the standard library is suppressed by the user's function in it") {
  const auto line = run("", [](Tracker&, const Context& context) { forwards(context); }).lines();
  CHECK(line == std::vector<std::string>{"leaked slot top:Holder::Holder"});
  CHECK(run(line[0], [](Tracker&, const Context& context) { forwards(context); }).lines().empty());
}

namespace {

namespace hidden {
struct Service {
  [[gnu::noinline]] Tag open(const Context& context) const& { return acquire(context, {slot, "a"}); }
  [[gnu::noinline]] Tag operator()(const Context& context) { return acquire(context, {slot, "a"}); }
  [[gnu::noinline]] Tag operator*(const Context& context) { return acquire(context, {slot, "a"}); }
  [[gnu::noinline]] explicit Service(const Context* context = nullptr) {
    if (context != nullptr) tag = acquire(*context, {slot, "a"});
  }
  Tag tag = {};
};

template <class Type, std::size_t Size>
[[gnu::noinline]] auto generic(const Context& context, Type (*)[Size] = nullptr) {
  return acquire(context, {slot, "a"});
}
namespace a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_one {
namespace a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_two {
namespace a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_three {
namespace a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_four {
namespace a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_five {
namespace a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_six {
[[gnu::noinline]] inline Tag open(const Context& context) { return acquire(context, {slot, "a"}); }
}  // namespace
   // a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_six
}  // namespace
   // a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_five
}  // namespace
   // a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_four
}  // namespace
   // a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_three
}  // namespace
   // a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_two
}  // namespace
   // a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_one
}  // namespace hidden

}  // namespace

TEST_CASE("the line that a finding offers suppresses it, whatever the function is called and the kind") {
  const auto check = [](auto function) {
    const auto once = [&](Tracker&, const Context& context) { static_cast<void>(function(context)); };
    const std::vector<std::string> lines = run("", once).lines();
    REQUIRE(lines.size() == 1);
    CAPTURE(lines[0]);
    CHECK(lines[0].starts_with("leaked "));
    CHECK(run(lines[0], once).failures() == 0);
    CHECK(run(lines[0] + " max=0", once).failures() == 1);
    CHECK(run("\t" + lines[0] + "  # known\r\n", once).failures() == 0);
  };
  check([](const Context& context) { return acquire(context, {slot, "in a lambda"}); });
  check([](const Context& context) { return [&](auto kind) { return acquire(context, {kind, "in two"}); }(slot); });
  check([](const Context& context) { return hidden::Service().open(context); });
  check([](const Context& context) { return hidden::Service()(context); });
  check([](const Context& context) { return hidden::Service() * context; });
  check([](const Context& context) { return std::move(hidden::Service(&context).tag); });
  check([](const Context& context) { return hidden::generic<std::vector<std::string>, 3>(context); });
  namespace outer = hidden::
      a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_one;
  namespace middle = outer::
      a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_two;
  namespace inner = middle::
      a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_three;
  check([](const Context& context) {
    using namespace inner::
        a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_four::
            a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_five;
    return a_part_of_a_name_that_is_longer_in_all_than_what_a_report_prints_of_a_name_that_the_program_has_chosen_number_six::
        open(context);
  });
  static constexpr std::string_view kinds[] = {"pool slot", "a\"b", "\"",   "a#b",           "#", "a\tb", "a\nb",
                                               "a\rb",      "\x01", "\xff", "\u00e9t\u00e9", "*"};
  for (const std::string_view& kind : kinds) {
    CAPTURE(kind);
    check([&](const Context& context) { return acquire(context, {{kind, kind}, "a"}); });
  }
  static const std::string long_kind(2000, 'k');
  check([&](const Context& context) { return acquire(context, {{long_kind, long_kind}, "a"}); });
}

TEST_CASE("the line that a finding offers suppresses it where only counts are kept") {
  auto [first, first_context] = with_tracker(Context::background(), {.level = leash::track::Level::count});
  const Tag tag = acquire(first_context, {slot, "a"});
  CHECK(to_string(first.close()).contains("\n  suppress: leaked slot *\n"));
  auto [second, second_context] = with_tracker(
      Context::background(), {.level = leash::track::Level::count, .suppressions = parsed("leaked slot *")});
  const Tag other = acquire(second_context, {slot, "a"});
  CHECK(second.close().ok());
}

#endif
