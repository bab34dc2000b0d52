#include <doctest/doctest.h>

#include <filesystem>
#include <leash/fs/errc.hpp>
#include <leash/fs/path.hpp>
#include <ostream>
#include <string>
#include <utility>

#include "subjects.hpp"

using namespace std::string_view_literals;
namespace fs = leash::fs;

TEST_CASE("clean_path makes a valid path of what means one") {
  // Those of Go's path.Clean that stay in the root.
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "."},
      {"abc", "abc"},
      {"abc/def", "abc/def"},
      {"a/b/c", "a/b/c"},
      {".", "."},
      {"abc/", "abc"},
      {"abc/def/", "abc/def"},
      {"a/b/c/", "a/b/c"},
      {"./", "."},
      {"abc//def//ghi", "abc/def/ghi"},
      {"abc//", "abc"},
      {"abc/./def", "abc/def"},
      {"abc/./../def", "def"},
      {"abc//./../def", "def"},
      {"abc/def/ghi/../jkl", "abc/def/jkl"},
      {"abc/def/../ghi/../jkl", "abc/jkl"},
      {"abc/def/..", "abc"},
      {"abc/def/../..", "."},
      {"...", "..."},
      {"..a/b..", "..a/b.."},
      {"./a//b/../c/", "a/c"},
      {"a/.", "a"},
  };
  for (const auto& [text, clean] : cases) {
    CAPTURE(text);
    CHECK(fs::clean_path(text).value() == clean);
    CHECK(fs::valid_path(clean));
  }
  CHECK(fs::clean_path(std::filesystem::path("a") / "..").value() == ".");
}

TEST_CASE("clean_path refuses what leaves the root, and what begins at another one") {
  for (const std::string_view text : {"..", "../", "../a", "a/../..", "a/../../a", "./..", "abc/def/../../.."}) {
    CAPTURE(text);
    CHECK(code_of(fs::clean_path(text)) == fs::errc::escapes_root);
  }
  for (const std::string_view text : {"/"sv, "/a"sv, "//a/.."sv, "a\0b"sv, "\0"sv}) {
    CAPTURE(text);
    CHECK(code_of(fs::clean_path(text)) == std::errc::invalid_argument);
  }
  CHECK(text_of(fs::clean_path("a/../..")).starts_with("clean_path a/../..: "));
}

TEST_CASE("whatever text clean_path accepts, its result is valid and stays as it is") {
  // All texts of up to seven characters of these.
  constexpr std::string_view characters = "a./";
  std::string text;
  std::size_t accepted = 0;
  for (std::size_t number = 0; number < 3 * 2187; ++number) {
    text.clear();
    for (std::size_t rest = number; rest != 0; rest /= 3) text += characters[rest % 3];
    const auto clean = fs::clean_path(text);
    if (!clean) continue;
    ++accepted;
    CAPTURE(text);
    CHECK(fs::valid_path(*clean));
    CHECK(fs::clean_path(*clean).value() == *clean);
    // The standard library leaves a slash behind, and has no `.` for nothing.
    std::string normal = std::filesystem::path(text).lexically_normal().string();
    if (normal.ends_with('/')) normal.pop_back();
    CHECK(*clean == (normal.empty() ? "." : normal));
  }
  CHECK(accepted > 1000);
}
