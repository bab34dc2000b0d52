#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>
#include <leash/track/report/excerpt.hpp>
#include <string>
#include <vector>

#include "temp_dir.hpp"

using leash::track::detail::SourceFiles;

using Lines = std::vector<std::string>;

namespace {

Lines excerpt(const std::string& file, unsigned line) { return SourceFiles().excerpt(file, line); }

struct Folder : TempDir {
  std::string file(const std::string& content) const {
    std::ofstream(*this / "source.cpp") << content;
    return *this / "source.cpp";
  }
};

}  // namespace

TEST_CASE("an excerpt is the line and the one before it") {
  const Folder folder;
  const std::string file = folder.file("one\ntwo\n\tthree\r\nfour");
  CHECK(excerpt(file, 1) == Lines{"one"});
  CHECK(excerpt(file, 2) == Lines{"one", "two"});
  CHECK(excerpt(file, 4) == Lines{"    three", "four"});
}

TEST_CASE("there is no excerpt of what is not there or not a file") {
  const Folder folder;
  const std::string file = folder.file("one\n");
  CHECK(excerpt(file, 0).empty());
  CHECK(excerpt(file, 2).empty());
  CHECK(excerpt(file, 4000000000U).empty());
  CHECK(excerpt(folder.path(), 1).empty());
  CHECK(excerpt(folder / "missing", 1).empty());
  CHECK(excerpt("", 1).empty());
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(excerpt(folder / "fifo", 1).empty());
}

TEST_CASE("an excerpt is short and harmless, whatever the file holds") {
  const Folder folder;
  const Lines lines = excerpt(folder.file(std::string(1000000, 'x') + "\n\x1b[31m\n"), 2);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() < 500);
  CHECK(lines[1] == "\\x1b[31m");
  const std::string cut(159, 'x');
  CHECK(excerpt(folder.file(cut + "xy"), 1) == Lines{cut + "x…"});
  CHECK(excerpt(folder.file(cut + "é"), 1) == Lines{cut + "…"});
  CHECK(excerpt(folder.file("é\tx"), 1) == Lines{"é   x"});
}
