#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>
#include <leash/track/report/excerpt.hpp>
#include <string>

#include "temp_dir.hpp"

using leash::track::detail::excerpt;

namespace {

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
  CHECK(excerpt(file, 1, "") == "> 1 | one\n");
  CHECK(excerpt(file, 2, "  ") == "    1 | one\n  > 2 | two\n");
  CHECK(excerpt(file, 4, "") == "  3 |     three\n> 4 | four\n");
  std::string lines;
  for (int line = 0; line < 10; ++line) lines += "x\n";
  CHECK(excerpt(folder.file(lines), 10, "") == "   9 | x\n> 10 | x\n");
}

TEST_CASE("there is no excerpt of what is not there or not a file") {
  const Folder folder;
  const std::string file = folder.file("one\n");
  CHECK(excerpt(file, 0, "").empty());
  CHECK(excerpt(file, 2, "").empty());
  CHECK(excerpt(file, 4000000000U, "").empty());
  CHECK(excerpt(folder.path(), 1, "").empty());
  CHECK(excerpt(folder / "missing", 1, "").empty());
  CHECK(excerpt("", 1, "").empty());
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(excerpt(folder / "fifo", 1, "").empty());
}

TEST_CASE("an excerpt is short and harmless, whatever the file holds") {
  const Folder folder;
  const std::string text = excerpt(folder.file(std::string(10000000, 'x') + "\n\x1b[31m\n"), 2, "");
  CHECK(text.size() < 1000);
  const std::string shown = excerpt(folder.file("a\n\x1b[31m\n"), 2, "");
  CHECK(shown == "  1 | a\n> 2 | \\x1b[31m\n");
}
