#include <doctest/doctest.h>

#include <leash/fs/errc.hpp>
#include <leash/fs/path.hpp>
#include <ostream>

using namespace std::string_view_literals;
namespace fs = leash::fs;

TEST_CASE("valid paths are those of Go's fs.ValidPath, and any bytes may stand in a name") {
  for (const std::string_view path : {".", "x", "x/y", "x/y/z", "...", ".x", "x.", "a..b", "a b", "100%", "a\\b", "c:d",
                                      "\xff\xfe", "a\nb", "*", "~"}) {
    CAPTURE(path);
    CHECK(fs::valid_path(path));
    CHECK(fs::path_defect(path).empty());
  }
}

TEST_CASE("an invalid path is told what is wrong with it") {
  CHECK(fs::path_defect("") == "empty path");
  CHECK(fs::path_defect("/") == "path starts with a slash");
  CHECK(fs::path_defect("/x") == "path starts with a slash");
  CHECK(fs::path_defect("x/") == "path ends with a slash");
  CHECK(fs::path_defect("a//b") == "empty element in path");
  CHECK(fs::path_defect("./x") == "element . in path");
  CHECK(fs::path_defect("x/.") == "element . in path");
  CHECK(fs::path_defect("a/./b") == "element . in path");
  CHECK(fs::path_defect("..") == "element .. in path");
  CHECK(fs::path_defect("a/../b") == "element .. in path");
  CHECK(fs::path_defect("a/..") == "element .. in path");
  CHECK(fs::path_defect("a\0b"sv) == "NUL in path");
  CHECK_FALSE(fs::valid_path("a\0b"sv));
}

TEST_CASE("paths are taken apart and joined") {
  CHECK(fs::base_name("a/b/c") == "c");
  CHECK(fs::base_name("a") == "a");
  CHECK(fs::base_name(".") == ".");
  CHECK(fs::parent_path("a/b/c") == "a/b");
  CHECK(fs::parent_path("a") == ".");
  CHECK(fs::parent_path(".") == ".");
  CHECK(fs::join(".", "a") == "a");
  CHECK(fs::join("a/b", "c") == "a/b/c");
}

TEST_CASE("escapes_root is an error code of its own") {
  const std::error_code code = fs::errc::escapes_root;
  CHECK(code.category() == fs::error_category());
  CHECK(code.message() == "Path escapes the root");
  CHECK(code != std::errc::cross_device_link);
}
