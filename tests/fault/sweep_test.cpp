#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <leash/fault/plan.hpp>
#include <leash/fault/sweep.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/sleep.hpp>
#include <leash/try.hpp>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using leash::Context;
using leash::Result;
using leash::fault::check;
using leash::fault::sweep;
using leash::fault::SweepGroup;
using leash::fault::SweepOptions;
using leash::fault::SweepResult;
using leash::fault::Trouble;
using leash::fs::File;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;
using leash::track::Severity;

namespace {

/// What a body builds.
struct Files {
  MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::FaultFS faulty{memory};
  leash::fs::TrackedFS files{faulty};
};

/// Copies, and leaves the first file open if the second cannot be created, as a program does whose table of open files
/// lives on.
Result<void> copy_leaky(const Context& context, FileSystem& files, bool leaky) {
  auto from = files.open(context, "data.csv");
  if (!from) return std::unexpected(from.error());
  auto to = files.create(context, "copy.csv");
  if (!to) {
    if (leaky) leash::fault::keep_until_verdict(context, std::shared_ptr<File>(std::move(*from)));
    return std::unexpected(to.error());
  }
  std::array<std::byte, 64> buffer{};
  for (;;) {
    const Result<std::size_t> count = (*from)->read(buffer);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    if (auto written = (*to)->write(std::span(buffer).first(*count)); !written) return written;
  }
  return (*to)->close();
}

SweepResult sweep_copy(bool leaky, const SweepOptions& options = {}) {
  return sweep(
      [leaky](const Context& context) {
        auto built = std::make_shared<Files>();
        leash::fault::keep_until_verdict(context, built);
        return copy_leaky(context, built->files, leaky);
      },
      options);
}

const SweepGroup* first_of(const SweepResult& result, Trouble trouble) {
  const auto found = std::ranges::find(result.groups, trouble, &SweepGroup::trouble);
  return found == result.groups.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("a body without bugs comes out clean") {
  const SweepResult result = sweep_copy(false);
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.problems.empty());
  CHECK(result.points >= 6);
  CHECK(result.points_after_faults > 0);
  CHECK(result.runs > 2 * result.points);
  CHECK(result.left_out == 0);
}

#if LEASH_TRACKING
TEST_CASE("a leak on an error path is found, with the place, the operation that failed, and a token") {
  const SweepResult result = sweep_copy(true);
  CAPTURE(result);
  CHECK_FALSE(result.ok());
  REQUIRE(result.groups.size() >= 1);
  const SweepGroup& leak = result.groups.front();
  CHECK(leak.trouble == Trouble::finding);
  REQUIRE(leak.finding);
  CHECK(leak.finding->rule == leash::track::Rule::leaked);
  CHECK(leak.operations == 1);
  REQUIRE_FALSE(leak.examples.empty());
  CHECK(leak.examples[0].faults.starts_with("`open copy.csv` at tests/fault/sweep_test.cpp:"));
  CHECK(leak.examples[0].faults.ends_with(" fails with EMFILE"));
  CHECK(leak.examples[0].token.starts_with("open/copy_leaky/"));
  CHECK(leak.examples[0].token.ends_with("/1/EMFILE"));
  const std::string text = to_string(result);
  CHECK(text.contains("error: 1 of "));
  CHECK(text.contains(" leaks this file [leaked]"));
  CHECK(text.contains("LEASH_REPLAY=" + leak.examples[0].token));
}
#endif

TEST_CASE("an exception that a fault leads to is a finding, unless it may be thrown") {
  const auto body = [](const Context& context) {
    MemoryFS memory{};
    leash::fs::FaultFS files(memory);
    if (!files.mkdir(context, "a")) throw std::runtime_error("no folder");
  };
  const SweepResult result = sweep(body);
  const SweepGroup* const threw = first_of(result, Trouble::threw);
  REQUIRE(threw != nullptr);
  CHECK(threw->what == "no folder");
  CHECK_FALSE(result.ok());
  CHECK(to_string(result).contains("error: 1 of 1 failing operation makes the body throw: no folder\n"));
  CHECK(sweep(body, {.may_throw = [](const std::exception& e) { return std::string_view(e.what()) == "no folder"; }})
            .ok());
}

TEST_CASE("a run that does not end before its deadline is a finding") {
  const auto body = [](const Context& context) -> Result<void> {
    MemoryFS memory{};
    leash::fs::FaultFS files(memory);
    if (files.mkdir(context, "a")) return {};
    return leash::sleep_for(context, std::chrono::hours(1));
  };
  const SweepResult result = sweep(body, {.deadline = std::chrono::milliseconds(20)});
  CHECK(first_of(result, Trouble::hung) != nullptr);
  CHECK(to_string(result).contains("makes the body last longer than its deadline"));
}

TEST_CASE("each run that does not end before its deadline is a finding, not only the first one") {
  SweepOptions options{.in_a_row = 1, .faults_per_run = 1, .deadline = std::chrono::milliseconds(300)};
  for (const char* const each : {"a", "b"}) options.faults.set(each, {{}});
  const auto body = [](const Context& context) -> Result<void> {
    const bool a = check(context, "a", "x").has_value();
    const bool b = check(context, "b", "x").has_value();
    if (a && b) return {};
    // No longer than ten seconds, should nobody say that it lasts too long.
    return leash::sleep_for(context, std::chrono::seconds(10));
  };
  for (int time = 0; time < 2; ++time) {
    const SweepResult result = sweep(body, options);
    CAPTURE(result);
    REQUIRE_FALSE(result.groups.empty());
    CHECK(result.groups[0].trouble == Trouble::hung);
    CHECK(result.groups[0].operations == 1);
    CHECK(std::ranges::count(result.groups, Trouble::hung, &SweepGroup::trouble) == 2);
  }
}

TEST_CASE("with a clock of its own a run has the deadline on that alone") {
  const auto clock = std::make_shared<leash::FakeClock>();
  SweepOptions options{.context = Context().with_clock(clock), .deadline = std::chrono::milliseconds(1)};
  options.faults.set("a", {{}});
  const SweepResult result = sweep(
      [](const Context& context) {
        static_cast<void>(check(context, "a", "x"));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      },
      options);
  CAPTURE(result);
  CHECK(result.ok());
}

TEST_CASE("a broken invariant is a finding") {
  const SweepResult result = sweep([](const Context& context) -> Result<void> {
    MemoryFS memory{};
    leash::fs::FaultFS files(memory);
    LEASH_TRY(files.mkdir(context, "a"));
    const Result<void> made = files.mkdir(context, "b");
    leash::fault::expect(context, made.has_value() || !memory.stat(context, "a"), "no a without b");
    return made;
  });
  const SweepGroup* const broken = first_of(result, Trouble::broken);
  REQUIRE(broken != nullptr);
  CHECK(broken->what == "no a without b");
  CHECK(broken->operations == 1);
  CHECK(leash::fault::expect(Context(), true, "x"));
  CHECK_FALSE(leash::fault::expect(Context(), false, "x"));
}

TEST_CASE("a swallowed error is a note, or a failure where that is wanted") {
  const auto body = [](const Context& context) -> Result<void> {
    MemoryFS memory{};
    leash::fs::FaultFS files(memory);
    static_cast<void>(files.mkdir(context, "a"));
    return {};
  };
  const SweepResult noted = sweep(body);
  CHECK(noted.ok());
  REQUIRE(first_of(noted, Trouble::swallowed) != nullptr);
  CHECK(to_string(noted).contains(": note: 1 of 1 failing operation is swallowed, or made good"));
  CHECK_FALSE(sweep(body, {.swallowed = Severity::failure}).ok());
  CHECK(sweep(body, {.swallowed = Severity::off}).groups.empty());
}

TEST_CASE("a write that is cut short has failed, and to return success after it swallows that") {
  SweepOptions options{.in_a_row = 1, .faults_per_run = 1};
  options.faults = leash::fault::FittingFaults();
  options.faults.set("File::write",
                     {{.effect = leash::fault::Effect::shorten, .code = std::errc::no_space_on_device, .bytes = 1}});
  const SweepResult result = sweep(
      [](const Context& context) -> Result<void> {
        Files built;
        auto file = built.files.create(context, "log");
        if (!file) return std::unexpected(file.error());
        static_cast<void>((*file)->write("a line"));
        return (*file)->close();
      },
      options);
  const SweepGroup* const swallowed = first_of(result, Trouble::swallowed);
  REQUIRE(swallowed != nullptr);
  CHECK(swallowed->examples[0].faults.ends_with(" is cut to 1 byte and fails with ENOSPC"));
}

TEST_CASE("up to four failures in a row strike an operation that is tried again") {
  const auto body = [](unsigned attempts) {
    return [attempts](const Context& context) -> Result<void> {
      Result<void> queried;
      for (unsigned attempt = 0; attempt < attempts; ++attempt) {
        queried = leash::fault::check(context, "query", "select");
        if (queried) return {};
      }
      throw std::runtime_error("given up");
    };
  };
  SweepOptions options{.swallowed = Severity::off};
  options.faults.set("query", {{.code = std::errc::timed_out}});
  const SweepResult result = sweep(body(4), options);
  const SweepGroup* const threw = first_of(result, Trouble::threw);
  REQUIRE(threw != nullptr);
  CHECK(threw->examples[0].faults.ends_with(" fails with ETIMEDOUT, 4 times"));
  CHECK(threw->examples[0].token.ends_with("/1x4/ETIMEDOUT"));
  options.in_a_row = 3;
  options.faults_per_run = 1;
  CHECK(first_of(sweep(body(5), options), Trouble::threw) == nullptr);
}

TEST_CASE("what only a failing run comes to fails too, and so does a second operation behind the first") {
  const auto followed = [](const Context& context) -> Result<void> {
    if (leash::fault::check(context, "query", "a")) return {};
    if (leash::fault::check(context, "undo", "a")) return {};
    throw std::runtime_error("not undone");
  };
  SweepOptions options{.faults_per_run = 1, .swallowed = Severity::off};
  options.faults.set("query", {{}});
  options.faults.set("undo", {{}});
  const SweepResult result = sweep(followed, options);
  CHECK(first_of(result, Trouble::threw) != nullptr);
  CHECK(result.points == 2);
  CHECK(result.points_after_faults == 1);

  const auto pair = [](const Context& context) -> Result<void> {
    const bool first = leash::fault::check(context, "query", "a").has_value();
    const bool second = leash::fault::check(context, "undo", "a").has_value();
    if (!first && !second) throw std::runtime_error("both");
    return {};
  };
  CHECK(first_of(sweep(pair, options), Trouble::threw) == nullptr);
  options.faults_per_run = 2;
  const SweepResult pairs = sweep(pair, options);
  const SweepGroup* const threw = first_of(pairs, Trouble::threw);
  REQUIRE(threw != nullptr);
  CHECK(threw->examples[0].faults.contains(" fails with EIO, then `undo a` at "));
}

namespace {

/// By which a whole program removes files: one place.
Result<void> remove_file(const Context& context, std::string_view path) { return check(context, "remove", path); }

}  // namespace

TEST_CASE("what only a failing run does through a helper that others call too is told from that by its path") {
  const auto body = [](const Context& context) -> Result<void> {
    if (check(context, "query", "a")) return remove_file(context, "a.tmp");
    if (remove_file(context, "a.undo")) return {};
    throw std::runtime_error("not undone");
  };
  SweepOptions options{.faults_per_run = 1, .swallowed = Severity::off};
  options.faults.set("query", {{}});
  options.faults.set("remove", {{}});
  const SweepResult result = sweep(body, options);
  CAPTURE(result);
  CHECK(first_of(result, Trouble::threw) != nullptr);
  CHECK(result.points == 3);
  CHECK(result.points_after_faults == 1);
}

TEST_CASE("paths that are others in each run make no points of their own, and not without end") {
  int run = 0;
  const auto body = [&](const Context& context) -> Result<void> {
    const std::string path = "tmp." + std::to_string(++run);
    const bool asked = check(context, "query", "a").has_value();
    const Result<void> opened = check(context, "open", path);
    if (!asked) static_cast<void>(check(context, "undo", path));
    return opened;
  };
  SweepOptions options{.faults_per_run = 1, .swallowed = Severity::off};
  for (const char* const each : {"query", "open", "undo"}) options.faults.set(each, {{}});
  const SweepResult result = sweep(body, options);
  CAPTURE(result);
  CHECK(result.points >= 3);
  CHECK(result.points <= 3 + 8);
  CHECK(std::ranges::count(result.coverage, "open", &leash::fault::SweepPoint::operation) == 1);
}

TEST_CASE("a token replays exactly its run") {
  SweepOptions options{.swallowed = Severity::off};
  options.faults.set("query", {{}});
  std::vector<std::string> struck;
  const auto body = [&](const Context& context) -> Result<void> {
    for (const char* const each : {"a", "b", "c"}) {
      if (!leash::fault::check(context, "query", each)) {
        struck.emplace_back(each);
        if (struck.size() == 2) throw std::runtime_error("twice");
      }
    }
    struck.clear();
    return {};
  };
  const SweepResult result = sweep(
      [&](const Context& context) {
        struck.clear();
        return body(context);
      },
      options);
  const SweepGroup* const threw = first_of(result, Trouble::threw);
  REQUIRE(threw != nullptr);
  struck.clear();
  const auto again = leash::fault::replay(threw->examples[0].token, body, options);
  REQUIRE(again);
  CHECK(struck == std::vector<std::string>{"a", "b"});
  REQUIRE(first_of(*again, Trouble::threw) != nullptr);
  CHECK(first_of(*again, Trouble::threw)->examples[0].token == threw->examples[0].token);
  CHECK(again->runs == 1);

  const std::string changed = "query/body/00000000/1/EIO";
  struck.clear();
  const auto gone = leash::fault::replay(changed, body, options);
  REQUIRE_FALSE(gone);
  const bool has_sources = std::filesystem::exists("tests/fault/sweep_test.cpp");
  CHECK(to_string(gone.error()) == "replay " + changed +
                                       ": Invalid argument (the run does not come to query number 1 in body: " +
                                       (has_sources ? "that line is gone, or was changed)"
                                                    : "the sources cannot be read from this folder, and a line is "
                                                      "then known by its number alone)"));
  struck.clear();
  std::string later = threw->examples[0].token;
  later.replace(later.rfind("1x2"), 3, "7");
  const auto never = leash::fault::replay(later, body, options);
  REQUIRE_FALSE(never);
  CHECK(never.error().detail().ends_with("it takes another way"));

  ::setenv("LEASH_REPLAY", threw->examples[0].token.c_str(), 1);
  struck.clear();
  CHECK(sweep(body, options).runs == 1);
  ::setenv("LEASH_REPLAY", changed.c_str(), 1);
  const SweepResult refused = sweep(body, options);
  ::unsetenv("LEASH_REPLAY");
  CHECK_FALSE(refused.ok());
  REQUIRE(refused.problems.size() == 1);
  CHECK(refused.problems[0].starts_with("LEASH_REPLAY: replay query/body/"));
}

TEST_CASE("a malformed token is refused") {
  for (const std::string_view token :
       {"", "x", "+", "open/f/12345678/1/EIO+", "open/f/1234567/1/EIO", "open/f/12345678/0/EIO",
        "open/f/12345678/1/EWHAT", "open/f/12345678/1x0/EIO", "open/f/12345678/1/EIO/x", "/f/12345678/1/EIO",
        "open/f/1234567g/1/EIO", "open/f/12345678/99999999999/EIO", "open/f/12345678/1/short.x.EIO",
        "open/f/12345678/1/end.1"}) {
    CAPTURE(token);
    const auto refused = leash::fault::replay(token, [](const Context&) {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::invalid_argument);
  }
}

TEST_CASE("a body that cannot be swept is told why") {
  const SweepResult nothing = sweep([](const Context&) {});
  CHECK_FALSE(nothing.ok());
  REQUIRE(nothing.problems.size() == 1);
  CHECK(nothing.problems[0].starts_with("the body does nothing under its Context that could fail"));

  const SweepResult fails = sweep([](const Context& context) -> Result<void> {
    static_cast<void>(leash::fault::check(context, "open", "a"));
    return leash::fail("import", "a", std::errc::bad_message);
  });
  REQUIRE(fails.problems.size() == 1);
  CHECK(fails.problems[0] == "the body fails without any fault: import a: Bad message");
  CHECK(fails.runs == 1);

  const SweepResult throws = sweep([](const Context&) { throw std::runtime_error("always"); });
  REQUIRE(first_of(throws, Trouble::threw) != nullptr);
  CHECK(to_string(throws).contains("without any fault, the body throws: always"));

  int run = 0;
  const SweepResult unrepeatable = sweep(
      [&](const Context& context) {
        for (int count = ++run; count > 0; --count) static_cast<void>(leash::fault::check(context, "open", "a"));
      },
      {.max_runs = 50});
  REQUIRE_FALSE(unrepeatable.remarks.empty());
  CHECK(unrepeatable.remarks[0].starts_with("the body is not repeatable: two runs without faults"));
}

TEST_CASE("a Context that is done, before a sweep or in it, is told and no finding") {
  auto [context, source] = Context().with_cancel();
  SweepOptions options{.context = context};
  options.faults.set("open", {{}, {}, {}});
  int run = 0;
  const auto body = [&](const Context& own) {
    if (++run == 3) source.cancel();
    return check(own, "open", "a");
  };
  const SweepResult in_it = sweep(body, options);
  CAPTURE(in_it);
  CHECK(in_it.groups.empty());
  CHECK(in_it.runs == 3);
  CHECK(in_it.left_out == 2);
  REQUIRE(in_it.remarks.size() >= 1);
  CHECK(in_it.remarks[0] == "SweepOptions::context was done before the sweep was");

  const SweepResult before = sweep(body, options);
  CHECK(run == 3);
  CHECK_FALSE(before.ok());
  REQUIRE(before.problems.size() == 1);
  CHECK(before.problems[0] == "sweep SweepOptions::context: Operation canceled");
}

TEST_CASE("a may_throw that throws says nothing of the run, which is judged without it") {
  SweepOptions options{.may_throw = [](const std::exception&) -> bool { throw std::logic_error("of mine"); }};
  options.faults.set("open", {{}});
  const SweepResult result = sweep(
      [](const Context& context) {
        if (!check(context, "open", "a")) throw std::runtime_error("of the body");
      },
      options);
  const SweepGroup* const threw = first_of(result, Trouble::threw);
  REQUIRE(threw != nullptr);
  CHECK(threw->what == "of the body (and SweepOptions::may_throw throws)");
}

TEST_CASE("a second place that leads to the same again and again does not hide what else it leads to") {
  const auto body = [](const Context& context) {
    int failed = 0;
    for (const char* const each : {"a", "b", "c", "d"}) {
      if (!check(context, each, "x")) failed = each[0];
    }
    if (check(context, "commit", "x") || failed == 0) return;
    if (failed == 'd') throw std::runtime_error("the cache is lost");
    throw std::runtime_error("the log is lost");
  };
  SweepOptions options;
  for (const char* const each : {"a", "b", "c", "d", "commit"}) options.faults.set(each, {{}});
  const SweepResult result = sweep(body, options);
  CAPTURE(result);
  CHECK(std::ranges::count(result.groups, "the log is lost", &SweepGroup::what) == 1);
  CHECK(std::ranges::count(result.groups, "the cache is lost", &SweepGroup::what) == 1);
}

TEST_CASE("a body that no fault fits is told so") {
  SweepOptions options;
  options.faults = leash::fault::FittingFaults();
  const SweepResult result = sweep_copy(false, options);
  CHECK_FALSE(result.ok());
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0] == "no fault fits what the body does");
}

TEST_CASE("a budget leaves runs out, and says so") {
  const SweepResult result = sweep_copy(false, {.max_runs = 5});
  CHECK(result.runs == 5);
  CHECK(result.left_out > 0);
  CHECK(to_string(result).contains("left out: at least "));
}

TEST_CASE("points of one's own that no fault fits are told, and a sweep that has tried nothing is not ok") {
  const SweepResult nothing = sweep([](const Context& context) { return check(context, "query", "x"); });
  CHECK_FALSE(nothing.ok());
  CHECK(nothing.points == 0);
  const std::string told = "nothing fits these operations, so that they never failed: query; see FittingFaults::set";
  CHECK(nothing.problems == std::vector<std::string>{told});
  const SweepResult some = sweep([](const Context& context) -> Result<void> {
    if (auto done = check(context, "query", "x"); !done) return done;
    return check(context, "open", "a");
  });
  CHECK(some.ok());
  CHECK(std::ranges::count(some.remarks, told) == 1);
  SweepOptions options;
  options.faults.set("query", {});
  CHECK(sweep([](const Context& context) { return check(context, "query", "x"); }, options).problems.empty());
}

TEST_CASE("a token of operations in a row is refused where fewer of them come") {
  const auto body = [](const Context& context) -> Result<void> {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (check(context, "open", "a")) return {};
    }
    return leash::fail("open", "a", std::errc::io_error);
  };
  const SweepResult result = sweep(body, {.swallowed = leash::track::Severity::failure});
  REQUIRE(result.groups.size() == 1);
  std::string token = result.groups[0].examples[0].token;
  const std::size_t end = token.rfind("/1/");
  REQUIRE(end != std::string::npos);
  token.replace(end, 3, "/1x2/");
  CHECK(leash::fault::replay(token, body));
  token.replace(end, 5, "/1x3/");
  const auto replayed = leash::fault::replay(token, body);
  REQUIRE_FALSE(replayed);
  CHECK(replayed.error().detail().contains("the run does not come to open number 3 in"));
}

TEST_CASE("also the second run without faults is judged") {
  int runs = 0;
  const SweepResult result = sweep([&](const Context& context) -> Result<void> {
    if (++runs == 2) leash::fault::expect(context, false, "the second time is as the first");
    return check(context, "open", "a");
  });
  REQUIRE_FALSE(result.groups.empty());
  CHECK(result.groups[0].without_fault);
}
