#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <leash/track/symbol/scoped_names.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "all_tests.hpp"
#include "run_program.hpp"
#include "sections.hpp"

using leash::track::detail::InfoSections;
using leash::track::detail::ScopedNames;
using leash_test::section_of;
using leash_test::some_addresses;

namespace {

/// Sections of a library, each in a block of just its size, so that a sanitizer sees what is read past it.
struct InfoCopies {
  explicit InfoCopies(const std::string& library)
      : info(section_of(library, ".debug_info")),
        abbreviations(section_of(library, ".debug_abbrev")),
        strings(section_of(library, ".debug_str")),
        line_strings(section_of(library, ".debug_line_str")),
        ranges(section_of(library, ".debug_ranges")),
        range_lists(section_of(library, ".debug_rnglists")) {}

  [[nodiscard]] InfoSections sections() const {
    return {.info = info,
            .abbreviations = abbreviations,
            .strings = strings,
            .line_strings = line_strings,
            .ranges = ranges,
            .range_lists = range_lists};
  }

  std::vector<std::byte> info, abbreviations, strings, line_strings, ranges, range_lists;
};

/// For each address how many functions addr2line gives, 0 where it knows none.
std::vector<std::size_t> counts_by_addr2line(const std::string& library, const std::vector<std::uint64_t>& addresses) {
  std::ostringstream text;
  text << ADDR2LINE << " -a -f -i -e " << library << std::hex;
  for (const std::uint64_t address : addresses) text << ' ' << address;
  std::istringstream lines(run_program(text.str()).output);
  std::vector<std::size_t> counts;
  bool known = true;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0x")) {
      counts.push_back(0);
      continue;
    }
    std::string place;
    std::getline(lines, place);
    known = line != "??" && !place.starts_with("??");
    counts.back() += known ? 1 : 0;
  }
  return counts;
}

}  // namespace

TEST_CASE("every address has the functions that addr2line gives it, in each version of DWARF") {
  for (const std::string library : {LINES_DWARF_4, LINES_DWARF_5, LINES_DWARF_64}) {
    CAPTURE(library);
    const InfoCopies copies(library);
    const ScopedNames names(copies.sections());
    const std::vector<std::uint64_t> addresses = some_addresses();
    // Not every addr2line reads 64-bit DWARF, but the code is the same.
    const std::vector<std::size_t> expected =
        counts_by_addr2line(library == LINES_DWARF_64 ? LINES_DWARF_5 : library, addresses);
    REQUIRE(expected.size() == addresses.size());
    std::size_t known = 0;
    std::size_t scoped = 0;
    for (std::size_t index = 0; index < addresses.size(); index += 3) {
      const std::vector<std::string> found = names.find(addresses[index]);
      CAPTURE(addresses[index]);
      CHECK((found.empty() || found.size() == expected[index]));
      known += found.empty() ? 0 : 1;
      for (const std::string& name : found) scoped += name.starts_with("std::") ? 1U : 0U;
    }
#ifdef __clang__
    // What Clang writes since DWARF 5 refers to tables that are not read: its inlined functions have their whole names.
    if (library != LINES_DWARF_4) continue;
#endif
    CHECK(known > 30);
    CHECK(scoped > 10);
  }
}

TEST_CASE("damaged names of functions are read without harm" * doctest::skip(!leash_test::all_tests)) {
  const std::vector<std::uint64_t> addresses = some_addresses();
  std::mt19937 random(13);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage each time
  std::size_t known = 0;
  for (const std::string library : {LINES_DWARF_4, LINES_DWARF_5, LINES_DWARF_64}) {
    const InfoCopies sound(library);
    for (int round = 0; round < 40; ++round) {
      InfoCopies damaged = sound;
      std::vector<std::byte>* const sections[] = {&damaged.info,         &damaged.abbreviations, &damaged.strings,
                                                  &damaged.line_strings, &damaged.ranges,        &damaged.range_lists};
      for (std::vector<std::byte>* const section : sections) {
        if (section->empty() || random() % 2 == 0) continue;
        if (random() % 4 == 0) {
          section->resize(random() % section->size());
          section->shrink_to_fit();
        }
        for (std::size_t at = random() % 5000; at < section->size(); at += 1 + random() % 5000) {
          (*section)[at] = static_cast<std::byte>(random());
        }
      }
      const ScopedNames names(damaged.sections());
      for (std::size_t index = 0; index < addresses.size(); index += 401) known += names.find(addresses[index]).size();
    }
  }
  CHECK(known > 0);
}
