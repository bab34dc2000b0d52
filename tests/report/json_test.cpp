#include <doctest/doctest.h>

#include <algorithm>
#include <leash/fmt.hpp>
#include <leash/track/report/format.hpp>
#include <leash/track/report/json.hpp>
#include <string>
#include <string_view>

#include "report/samples.hpp"

using leash::track::Explained;
using leash::track::from_json;
using leash::track::json;

namespace {

std::string error_of(std::string_view text) {
  const auto read = from_json(text, "a.json");
  return read ? "it was read" : to_string(read.error());
}

std::string with(std::string_view members) {
  return "{\"schema\":\"leash-report\",\"version\":1," + std::string(members) + "}";
}

}  // namespace

TEST_SUITE_BEGIN("json" * doctest::skip(!leash::track::is_built(leash::track::Format::json)));

TEST_CASE("what is written as JSON is read as an equal report") {
  for (const Explained& report :
       {Explained(), report_samples::real(), report_samples::hostile(), report_samples::large(1000)}) {
    const std::string text = json(report).value();
    CHECK(text.ends_with("}\n"));
    CHECK(std::ranges::count(text, '\n') == 1);
    const auto read = from_json(text);
    REQUIRE(read.has_value());
    CHECK((*read == report));
    CHECK(json(*read).value() == text);
  }
}

TEST_CASE("the JSON of a report has what docs/json.md says") {
  Explained report = report_samples::large(1);
  report.groups[0].instances.push_back({.name = "a\xff"});
  CHECK(
      json(report).value() ==
      R"({"schema":"leash-report","version":1,"verdict":true,"ok":false,"total_groups":1,"total_resources":1,"opened":0,"closed":0,)"
      R"("groups":[{"rule":"leaked","severity":"failure","finding":true,"counted":false,"kind":"file","kinds":"files",)"
      R"("what":"1 file not closed","place":{"file":"src/a.cpp","line":1,"column":0},"count":1,"min_age_ns":0,"max_age_ns":0,"total_age_ns":0,)"
      R"("events":[{"verb":"opened at","place":{"file":"src/a.cpp","line":1,"column":0},"frames":[)"
      R"({"function":"app::open_0","place":{"file":"src/a.cpp","line":1,"column":0},"inlined":false,"offset":0},)"
      R"({"function":"main","place":{"file":"src/main.cpp","line":1,"column":0},"inlined":false,"offset":0}],"has_stack":true}],)"
      R"("instances":[{"name":{"latin1":"aÿ"},"descriptor":-1,"thread":0,"age_ns":0,"bytes_in":0,"bytes_out":0,"perhaps_closed":false}],)"
      R"("fingerprint":"0000000000000000"}]})"
      "\n");
}

TEST_CASE("JSON that is cut off anywhere is refused, with line and column") {
  const std::string text = json(report_samples::real()).value();
  for (std::size_t size = 0; size + 2 < text.size(); ++size) {
    const std::string error = error_of(std::string_view(text).substr(0, size));
    REQUIRE_MESSAGE(error.starts_with("read a.json: Invalid argument (line 1, column "), error);
  }
  CHECK(error_of("{\n  \"schema\": nothing\n}") == "read a.json: Invalid argument (line 2, column 14: no JSON)");
  CHECK(error_of("{\n") == "read a.json: Invalid argument (line 2, column 1: it is cut off)");
}

TEST_CASE("JSON that is no report of leash, or of a newer version, is refused") {
  for (const std::string_view text : {"null", "[]", "{}", "1", R"({"schema":1})", R"({"schema":"other"})"}) {
    CHECK(error_of(text) ==
          "read a.json: Invalid argument (it is no report of leash: \"schema\" is not \"leash-report\")");
  }
  CHECK(error_of(R"({"schema":"leash-report","version":2,"groups":7})") ==
        "read a.json: Invalid argument (it is of version 2, and this leash reads version 1)");
  CHECK(error_of(R"({"schema":"leash-report"})").contains("version: expected a whole number"));
}

TEST_CASE("a member of the wrong type is named") {
  CHECK(error_of(with(R"("groups":[{},{"count":-1}])")) ==
        "read a.json: Invalid argument (groups[1].count: expected a whole number in range)");
  CHECK(error_of(with(R"("groups":[{"threads":[1,4294967296]}])"))
            .contains("groups[0].threads[1]: expected a whole number"));
  CHECK(error_of(with(R"("groups":[{"rule":"lost"}])")).contains("groups[0].rule: expected the name of a rule"));
  CHECK(error_of(with(R"("groups":[{"severity":0}])")).contains("groups[0].severity: expected failure, note or off"));
  CHECK(error_of(with(R"("groups":{})")).contains("groups: expected an array"));
  CHECK(error_of(with(R"("ok":1)")).contains("ok: expected true or false"));
  CHECK(error_of(with(R"("headline":{"latin1":"€"})")).contains("headline: expected characters of Latin-1"));
  CHECK(error_of(with(R"("groups":[{"instances":[{"last_use":null}]}])"))
            .contains("groups[0].instances[0].last_use: expected an object"));
}

TEST_CASE("members that are not known are skipped, and those that are missing are as in a new report") {
  const auto read = from_json(with(R"("of_a_later_leash":{"a":[1,2]},"groups":[{"count":3}])"));
  REQUIRE(read.has_value());
  Explained expected{.ok = false, .total_groups = 1};
  expected.groups.emplace_back().count = 3;
  CHECK((*read == expected));
}

TEST_CASE("nesting without end is no danger") {
  std::string text = with("\"later\":");
  text.pop_back();
  text += std::string(1'000'000, '[');
  CHECK(error_of(text).contains("it is cut off"));
  const std::string nested = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK(from_json(with("\"later\":" + nested)).has_value());
  CHECK(error_of("{\"schema\":" + nested + ",\"version\":1}").contains("it is no report of leash"));
  CHECK(error_of("{\"schema\":\"leash-report\",\"version\":" + nested + "}").contains("version: expected"));
}

TEST_CASE("an object with very many members is read in time, and a number that is none is told") {
  std::string members;
  for (int number = 0; number < 200'000; ++number) members += "\"m" + std::to_string(number) + "\":0,";
  members.pop_back();
  CHECK(from_json(with(members)).has_value());
  CHECK(error_of(with("\"opened\":1e999")).contains("it has a number that is out of range"));
}

TEST_SUITE_END();
