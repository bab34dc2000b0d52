#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <leash/config.hpp>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "all_tests.hpp"
#include "run_program.hpp"
#include "temp_dir.hpp"

namespace {

namespace files = std::filesystem;

/// What symbols_program printed of the outermost function.
struct Printed {
  std::string right_line;
  std::string function, file, line, inlined, module, offset;
};

Printed run_symbols(const std::string& program, const std::string& library = "") {
  const Outcome outcome = run_program(program + " " + library);
  CAPTURE(outcome.output);
  REQUIRE(outcome.status == 0);
  Printed printed;
  std::istringstream lines(outcome.output);
  std::getline(lines, printed.right_line);
  std::string last;
  for (std::string line; std::getline(lines, line);) last = line;
  std::istringstream fields(last);
  for (std::string* field :
       {&printed.function, &printed.file, &printed.line, &printed.inlined, &printed.module, &printed.offset}) {
    std::getline(fields, *field, '|');
  }
  return printed;
}

void command(const std::string& text) {
  const Outcome outcome = run_program(text);
  CAPTURE(text);
  CAPTURE(outcome.output);
  REQUIRE(outcome.status == 0);
}

/// `function` and `file:line` of the innermost function, as addr2line prints them.
std::string addr2line(const std::string& file, const std::string& offset) {
  return run_program(std::string(ADDR2LINE) + " -C -f -i -e " + file + " " + offset).output;
}

/// A copy of `file` in `folder`.
std::string copy_of(const std::string& file, const TempDir& folder) {
  std::string copy = folder / files::path(file).filename().string();
  files::copy_file(file, copy);
  return copy;
}

}  // namespace

TEST_CASE("a program has names, wherever it lies in memory") {
  for (const std::string program : {SYMBOLS_PROGRAM, SYMBOLS_PROGRAM_FIXED}) {
    const Printed printed = run_symbols(program);
    CHECK(printed.module == program);
#ifdef LEASH_HAVE_LIBBACKTRACE
    CHECK(printed.function == "symbols_program::outer(int)");
    CHECK(printed.file == "tests/track/symbol/symbols_program.cpp");
#endif
    const std::string said = addr2line(program, printed.offset);
    CAPTURE(said);
    CHECK(said.contains("symbols_program.cpp:" + printed.right_line));
    CHECK(said.contains("symbols_program.cpp:" + printed.line));
  }
}

TEST_CASE("addr2line takes the offset of a stripped program, with the program as it was") {
  for (const std::string program : {SYMBOLS_PROGRAM, SYMBOLS_PROGRAM_FIXED}) {
    const TempDir folder;
    const std::string stripped = copy_of(program, folder);
    command(std::string(STRIP) + " --strip-all " + stripped);
    const Printed printed = run_symbols(stripped);
    CHECK(printed.function.empty());
    CHECK(printed.module == stripped);
    CHECK(addr2line(program, printed.offset).contains("symbols_program.cpp:" + printed.right_line));
  }
}

TEST_CASE("addr2line takes the offset of a stripped library, which keeps the names that it exports") {
  const TempDir folder;
  const std::string stripped = copy_of(SYMBOLS_PLUGIN_FIRST, folder);
  command(std::string(STRIP) + " --strip-all " + stripped);
  const Printed printed = run_symbols(SYMBOLS_PROGRAM, stripped);
  CHECK(printed.function == "symbols_plugin::first(void (*)())");
  CHECK(printed.line == "0");
  CHECK(printed.module == stripped);
  CHECK(addr2line(SYMBOLS_PLUGIN_FIRST, printed.offset).contains("symbols_plugin.cpp:" + printed.right_line));
}

#if LEASH_TRACKING && defined(__x86_64__)

TEST_CASE("a report of a stripped program has no frames of leash's own") {
  for (const std::string program : {SYMBOLS_PROGRAM, SYMBOLS_PROGRAM_FIXED}) {
    const TempDir folder;
    const std::string stripped = copy_of(program, folder);
    command(std::string(STRIP) + " --strip-all " + stripped);
    const std::string report = run_program(stripped + " --report").output;
    CAPTURE(report);
    const std::string frame = files::path(stripped).filename().string() + "+";
    std::string functions;
    for (std::size_t at = report.find(frame); at != std::string::npos; at = report.find(frame, at + 1)) {
      functions += addr2line(program, report.substr(at + frame.size(), report.find('\n', at) - at - frame.size()));
    }
    CAPTURE(functions);
    CHECK(functions.starts_with("symbols_program::open("));
    CHECK(functions.contains("\nmain\n"));
  }
}

#endif

TEST_CASE("a program that the dynamic linker is asked to run has its names") {
  const std::string linker = "/lib64/ld-linux-x86-64.so.2";
  if (!files::exists(linker)) return;
  const Printed printed = run_symbols(linker + " " + SYMBOLS_PROGRAM);
  CHECK(printed.module == SYMBOLS_PROGRAM);
#ifdef LEASH_HAVE_LIBBACKTRACE
  CHECK(printed.function == "symbols_program::outer(int)");
#endif
}

#ifdef LEASH_HAVE_LIBBACKTRACE

TEST_CASE("separate debug information is found by its link") {
  for (const std::string program : {SYMBOLS_PROGRAM, SYMBOLS_PROGRAM_FIXED}) {
    const TempDir folder;
    const std::string stripped = copy_of(program, folder);
    const std::string debug = stripped + ".debug";
    command(std::string(OBJCOPY) + " --only-keep-debug " + stripped + " " + debug);
    command(std::string(OBJCOPY) + " --strip-all --add-gnu-debuglink=" + debug + " " + stripped);
    const Printed printed = run_symbols(stripped);
    CHECK(printed.function == "symbols_program::outer(int)");
    CHECK(printed.file == "tests/track/symbol/symbols_program.cpp");
    CHECK(addr2line(program, printed.offset).contains("symbols_program.cpp:" + printed.line));
    files::remove(debug);
    CHECK(run_symbols(stripped).line == "0");
  }
}

TEST_CASE("compressed debug information is read") {
  const TempDir folder;
  const std::string compressed = folder / "compressed.so";
  command(std::string(OBJCOPY) + " --compress-debug-sections=zlib " + SYMBOLS_PLUGIN_FIRST + " " + compressed);
  CHECK(run_symbols(SYMBOLS_PROGRAM, compressed).file == "tests/track/symbol/symbols_plugin.cpp");
}

#if LEASH_TRACKING

TEST_CASE("a report says that debug information compressed by zstd is not read") {
  const TempDir folder;
  const std::string compressed = folder / "compressed";
  const std::string by_zstd = std::string(OBJCOPY) + " --compress-debug-sections=zstd ";
  // Not by older ones.
  if (run_program(by_zstd + SYMBOLS_PROGRAM + " " + compressed).status != 0) return;
  const std::string report = run_program(compressed + " --report").output;
  CAPTURE(report);
  CHECK(report.contains("symbols_program"));
  const bool is_read = report.contains("  symbols_program::open(leash::Context const&)\n");
  CHECK(report.contains("No lines of " + compressed + ": ") != is_read);
  CHECK_FALSE(run_program(SYMBOLS_PROGRAM + std::string(" --report")).output.contains("zstd"));
}

#endif

#endif

TEST_CASE("damaged debug information does no harm" * doctest::skip(!leash_test::all_tests)) {
  const TempDir folder;
  const std::string damaged = folder / "damaged.so";
  const std::string content = folder / "section";
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage each time
  for (const std::string section : {".debug_info", ".debug_line", ".debug_abbrev", ".debug_str"}) {
    for (int round = 0; round < 4; ++round) {
      CAPTURE(section);
      CAPTURE(round);
      command(std::string(OBJCOPY) + " --dump-section " + section + "=" + content + " " + SYMBOLS_PLUGIN_FIRST + " " +
              damaged);
      std::fstream bytes(content, std::ios::in | std::ios::out | std::ios::binary);
      const auto size = static_cast<unsigned>(files::file_size(content));
      for (int byte = 0; byte < 4; ++byte) {
        bytes.seekp(static_cast<std::streamoff>(random() % size));
        bytes.put(static_cast<char>(random()));
      }
      bytes.close();
      command(std::string(OBJCOPY) + " --update-section " + section + "=" + content + " " + damaged);
      const Printed printed = run_symbols(SYMBOLS_PROGRAM, damaged);
      CHECK(printed.module == damaged);
      CHECK(addr2line(SYMBOLS_PLUGIN_FIRST, printed.offset).contains("symbols_plugin.cpp:" + printed.right_line));
    }
  }
}
