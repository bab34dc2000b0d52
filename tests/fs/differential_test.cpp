#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <leash/fs/open_options.hpp>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "answer.hpp"
#include "random_steps.hpp"
#include "step.hpp"
#include "step_answer.hpp"
#include "step_code.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;

namespace {

using differential::Answer;
using differential::Kind;
using differential::Step;

using Answers = std::vector<std::pair<Answer, Answer>>;

/// Whether the contracts allow that two file systems answer so.
bool alike(const Step& step, const std::pair<Answer, Answer>& answers) {
  const auto& [first, second] = answers;
  if (first.text == second.text) return true;
  // Memory may lack a place for a map beside other maps, where the disk always has one.
  return step.kind == Kind::map && first.code == std::errc::device_or_resource_busy && !second.code;
}

/// Takes the steps in two new file systems, up to the first that is not answered alike.
Answers run(On one, On other, const std::vector<Step>& steps) {
  Subject first(one);
  Subject second(other);
  differential::Handles of_first;
  differential::Handles of_second;
  Answers answers;
  for (const Step& step : steps) {
    answers.emplace_back(answer_of(first.files(), of_first, step), answer_of(second.files(), of_second, step));
    if (!alike(step, answers.back())) break;
    // How much of the data was written is not said.
    if (step.kind == Kind::file_write && answers.back().first.code == std::errc::file_too_large) break;
    look_at_ends(of_first);
    look_at_ends(of_second);
    if (step.kind == Kind::map && answers.back().first.code != answers.back().second.code) {
      of_first.maps[step.map] = {};
      of_second.maps[step.map] = {};
    }
  }
  return answers;
}

bool differs(const std::vector<Step>& steps, const Answers& answers) {
  return !answers.empty() && !alike(steps[answers.size() - 1], answers.back());
}

/// Leaves out what can be left out of steps that end with a difference, so that they still do: first many at a time.
void shrink(On one, On other, std::vector<Step>& steps, Answers& answers) {
  steps.resize(answers.size());
  for (std::size_t count = steps.size() / 2; count != 0;) {
    bool shrunk = false;
    for (std::size_t end = steps.size(); end != 0;) {
      const std::size_t begin = end - std::min(end, count);
      std::vector<Step> fewer = steps;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(begin), fewer.begin() + static_cast<std::ptrdiff_t>(end));
      Answers told = run(one, other, fewer);
      if (differs(fewer, told)) {
        fewer.resize(told.size());
        steps = std::move(fewer);
        answers = std::move(told);
        shrunk = true;
      }
      end = std::min(begin, steps.size());
    }
    if (!shrunk || count > steps.size()) count /= 2;
  }
}

/// A test with these steps, to be pasted into a file that includes "step_answer.hpp" and uses its namespace: it expects
/// what the other one has answered. The last step has the two answers as comments.
std::string spell_test(const std::vector<Step>& steps, const Answers& answers) {
  std::string code =
      "LEASH_FS_TEST(\"…\") {\n  const leash::Context ctx;\n  Subject subject(on);\n"
      "  fs::FileSystem& files = subject.files();\n";
  const auto uses = [&](std::string_view text) { return code.contains(text); };
  std::string lines;
  for (std::size_t at = 0; at != answers.size(); ++at) {
    const auto& [first, second] = answers[at];
    if (second.text == differential::nothing_open && first.text == second.text) continue;
    if (first.text != second.text) lines += "  // one: " + first.text + "\n  // the other: " + second.text + '\n';
    lines += "  " + spell(steps[at], second) + '\n';
  }
  code += lines;
  std::string handles;
  if (uses("file[")) handles += "  std::array<std::unique_ptr<fs::File>, 5> file;\n";
  if (uses("map[")) handles += "  std::array<std::unique_ptr<fs::Mapping>, 3> map;\n";
  if (uses("dir[")) handles += "  std::array<std::unique_ptr<fs::Dir>, 2> dir;\n";
  if (uses("buffer")) handles += "  std::string buffer;\n";
  return code.substr(0, code.size() - lines.size()) + handles + lines + "}\n";
}

/// The greatest offset that a file may have on the disk, if that is less than memory allows.
std::uint64_t largest_offset() {
  Subject disk(On::disk);
  const auto file = disk.files().create(leash::Context(), "a").value();
  const auto limit = static_cast<std::uint64_t>(INT64_MAX);
  for (std::uint64_t size = limit; size != 0; size /= 2) {
    if (file->truncate(size)) return size;
  }
  return 0;
}

void compare(On one, On other, unsigned first_seed, unsigned seeds) {
  const std::uint64_t largest = largest_offset();
  for (unsigned seed = first_seed; seed != first_seed + seeds; ++seed) {
    std::vector<Step> steps = differential::RandomSteps(seed, largest).make(500);
    Answers answers = run(one, other, steps);
    if (!differs(steps, answers)) continue;
    shrink(one, other, steps, answers);
    FAIL_CHECK("seed " << seed << ":\n" << spell_test(steps, answers));
  }
}

}  // namespace

TEST_CASE("what two file systems answer differently is shrunk, and told as a test") {
  // These two differ in one thing: where absolute links lead.
  const On one = On::disk;
  const On other = On::disk_in_root;
  std::vector<Step> steps = differential::RandomSteps(1, largest_offset()).make(50);
  steps.push_back({.kind = Kind::open, .file = 1, .path = "z", .options = {.write = true, .create = true}});
  steps.push_back({.kind = Kind::file_write, .file = 1, .size = 20, .fill = 'q'});
  steps.push_back({.kind = Kind::symlink, .path = "l", .other = "/z"});
  steps.push_back({.kind = Kind::stat, .path = "l"});
  Answers answers = run(one, other, steps);
  REQUIRE(differs(steps, answers));
  shrink(one, other, steps, answers);
  CHECK(steps.size() <= 3);
  const std::string code = spell_test(steps, answers);
  CHECK_MESSAGE(code.contains("symlink"), code);
  CHECK_MESSAGE(code.contains("  // one: "), code);
  CHECK_MESSAGE(code.contains("  // the other: "), code);
}

TEST_CASE("memory and disk give the same answer to the same operations") {
  SUBCASE("paths resolved by the kernel") { compare(On::memory, On::disk, 0, 12); }
  SUBCASE("paths walked") { compare(On::memory, On::disk_walked, 1000, 12); }
}

TEST_CASE("a walk follows links that stay in the root as the kernel does") {
  compare(On::disk_in_root, On::disk_in_root_walked, 2000, 12);
}

TEST_CASE("memory and disk give the same answer to very many operations" * doctest::skip(!leash_test::all_tests)) {
  SUBCASE("paths resolved by the kernel") { compare(On::memory, On::disk, 10000, 100); }
  SUBCASE("paths walked") { compare(On::memory, On::disk_walked, 20000, 60); }
  SUBCASE("links that stay in the root") { compare(On::disk_in_root, On::disk_in_root_walked, 30000, 120); }
}
