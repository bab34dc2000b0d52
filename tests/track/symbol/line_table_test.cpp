#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <leash/track/symbol/line_table.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "all_tests.hpp"
#include "run_program.hpp"
#include "sections.hpp"

using leash::track::detail::LineSections;
using leash::track::detail::LineTable;
using leash::track::detail::SourceLine;
using leash_test::section_of;
using leash_test::some_addresses;

namespace {

/// Sections of a library, each in a block of just its size, so that a sanitizer sees what is read past it.
struct Copies {
  std::vector<std::byte> lines;
  std::vector<std::byte> line_strings;
  std::vector<std::byte> strings;

  [[nodiscard]] LineSections sections() const {
    return {.lines = lines, .line_strings = line_strings, .strings = strings};
  }
};

Copies copies_of(const std::string& library) {
  return {.lines = section_of(library, ".debug_line"),
          .line_strings = section_of(library, ".debug_line_str"),
          .strings = section_of(library, ".debug_str")};
}

/// `name:line` for each address, `name` being that of the file without its folders; `?:0` where nothing is known.
std::vector<std::string> by_addr2line(const std::string& library, const std::vector<std::uint64_t>& addresses) {
  const TempDir folder;
  const std::string list = folder / "addresses";
  std::ofstream to(list);
  for (const std::uint64_t address : addresses) to << std::hex << address << "\n";
  to.close();
  std::istringstream output(run_program(std::string(ADDR2LINE) + " -s -e " + library + " < " + list).output);
  std::vector<std::string> places;
  for (std::string line; std::getline(output, line);) {
    line = line.substr(0, line.find(' '));
    places.push_back(line.starts_with('?') || line.ends_with('?') || line.ends_with(":0") ? "?:0" : line);
  }
  return places;
}

std::string place(const SourceLine& found) {
  if (found.line == 0) return "?:0";
  return std::filesystem::path(found.file).filename().string() + ":" + std::to_string(found.line);
}

}  // namespace

TEST_CASE("every address has the line that addr2line gives it, in each version of DWARF") {
  for (const std::string library : {LINES_DWARF_4, LINES_DWARF_5, LINES_DWARF_64}) {
    CAPTURE(library);
    const Copies copies = copies_of(library);
    REQUIRE(!copies.lines.empty());
    const LineTable table(copies.sections(), 1);
    const std::vector<std::uint64_t> addresses = some_addresses();
    // Not every addr2line reads 64-bit DWARF, but the code is the same.
    const std::vector<std::string> expected =
        by_addr2line(library == LINES_DWARF_64 ? LINES_DWARF_5 : library, addresses);
    REQUIRE(expected.size() == addresses.size());
    std::size_t known = 0;
    for (std::size_t index = 0; index < addresses.size(); ++index) {
      CAPTURE(addresses[index]);
      CHECK(place(table.find(addresses[index])) == expected[index]);
      known += expected[index] == "?:0" ? 0 : 1;
    }
    CHECK(known > 100);
  }
}

TEST_CASE("a file of a line table has its folder, also where it is not the unit's") {
  const Copies copies = copies_of(LINES_DWARF_5);
  const LineTable table(copies.sections(), 1);
  std::vector<std::string> seen;
  for (const std::uint64_t address : some_addresses()) {
    if (const SourceLine found = table.find(address); found.line != 0) {
      seen.push_back(std::filesystem::path(found.file).lexically_normal().string());
    }
  }
  CHECK(std::ranges::count(seen, "tests/track/stack/frames.cpp") > 0);
  CHECK(std::ranges::count_if(seen, [](const std::string& file) { return file.starts_with("/usr/"); }) > 0);
}

TEST_CASE("code that the linker left out is no code") {
  const Copies copies = copies_of(LINES_DWARF_5);
  const LineTable none(copies.sections(), 0x100'0000);
  for (const std::uint64_t address : some_addresses()) CHECK(none.find(address).line == 0);
}

TEST_CASE("damaged line tables are read without harm" * doctest::skip(!leash_test::all_tests)) {
  const std::vector<std::uint64_t> addresses = some_addresses();
  for (const std::string library : {LINES_DWARF_4, LINES_DWARF_5, LINES_DWARF_64}) {
    const Copies sound = copies_of(library);
    std::mt19937 random(11);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage each time
    std::size_t changed = 0;
    const auto read_all = [&](const Copies& copies) {
      const LineTable table(copies.sections(), 1);
      const LineTable right(sound.sections(), 1);
      for (std::size_t index = 0; index < addresses.size(); index += 7) {
        changed += place(table.find(addresses[index])) == place(right.find(addresses[index])) ? 0 : 1;
      }
    };
    for (int round = 0; round < 30; ++round) {
      Copies cut = sound;
      cut.lines.resize(random() % cut.lines.size());
      cut.lines.shrink_to_fit();
      cut.line_strings.resize(random() % (cut.line_strings.size() + 1));
      cut.line_strings.shrink_to_fit();
      read_all(cut);
      Copies other = sound;
      for (std::size_t at = 0; at < other.lines.size(); at += 1 + random() % 40) {
        other.lines[at] = static_cast<std::byte>(random());
      }
      read_all(other);
      Copies header = sound;
      for (int times = 0; times < 4; ++times) header.lines[random() % 64] = static_cast<std::byte>(random());
      read_all(header);
    }
    for (const int byte : {0x00, 0x01, 0x02, 0x05, 0x7f, 0x80, 0xff}) {
      Copies same = sound;
      std::fill(same.lines.begin() + 40, same.lines.end(), static_cast<std::byte>(byte));
      read_all(same);
    }
    CHECK(changed > 0);
  }
}
