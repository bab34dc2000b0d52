#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <filesystem>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/errc.hpp>
#include <limits>
#include <memory>
#include <string>

#include "counting_clock.hpp"
#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using fs::DiskFS;
using leash::Context;

namespace {

DiskFS open_root(const std::string& path, bool use_openat2, fs::Links links = fs::Links::beneath) {
  return DiskFS::open_root(Context(), path, {.use_openat2 = use_openat2, .links = links}).value();
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i != times; ++i) all += text;
  return all;
}

/// `d/d/…/d`.
std::string deep(int depth) { return repeated("d/", depth - 1) + "d"; }

/// How many steps the walk took, as far as the Context was asked.
int steps_of_stat(DiskFS& files, const std::string& path) {
  const auto clock = std::make_shared<CountingClock>();
  const auto info = files.stat(CountingClock::expiring_after(std::numeric_limits<int>::max(), clock), path);
  CHECK_MESSAGE(info, text_of(info));
  return clock->asked();
}

}  // namespace

TEST_CASE("what a walk costs grows with the length of a link's target, however often it goes up") {
  const TempDir top;
  DiskFS files = open_root(top.path(), false);
  const std::string path = deep(700);
  REQUIRE(files.mkdir_all(Context(), path));
  REQUIRE(files.symlink(Context(), path + repeated("/../d", 25), "few"));
  REQUIRE(files.symlink(Context(), path + repeated("/../d", 400), "many"));
  REQUIRE(files.symlink(Context(), path + repeated("/..", 600), "up"));
  REQUIRE(files.symlink(Context(), path + repeated("/../../../../../../../../d/d/d/d/d/d/d/d", 60), "to_and_fro"));
  CHECK(steps_of_stat(files, "few") < 800);
  CHECK(steps_of_stat(files, "many") < 1600);
  CHECK(steps_of_stat(files, "up") < 1600);
  CHECK(steps_of_stat(files, "to_and_fro") < 2000);
}

TEST_CASE("a walk ends when its Context does, also in the middle, and leaves nothing open") {
  const TempDir top;
  DiskFS files = open_root(top.path(), false);
  REQUIRE(files.mkdir_all(Context(), deep(50)));
  REQUIRE(files.symlink(Context(), deep(50) + repeated("/../d", 50), "link"));
  const std::size_t before = count_of_open_descriptors();
  for (const int times : {1, 2, 30, 60, 100}) {
    CAPTURE(times);
    const Context ctx = CountingClock::expiring_after(times, std::make_shared<CountingClock>());
    CHECK(text_of(files.stat(ctx, "link")) == "stat link: Connection timed out");
    const Context again = CountingClock::expiring_after(times, std::make_shared<CountingClock>());
    CHECK(text_of(files.rename(again, "link/x", "y")) == "rename link/x -> y: Connection timed out");
    CHECK(count_of_open_descriptors() == before);
  }
}

TEST_CASE("links that lead up and down for ever so long are refused") {
  const TempDir top;
  DiskFS files = open_root(top.path(), false);
  const std::string path = deep(700);
  REQUIRE(files.mkdir_all(Context(), path));
  // Each goes further up than directories are held, so that it is walked from the root again.
  const std::string to_and_fro = repeated(repeated("../", 17) + repeated("d/", 17), 47);
  for (int i = 0; i != 6; ++i) {
    REQUIRE(files.symlink(Context(), to_and_fro + 'l' + std::to_string(i + 1), path + "/l" + std::to_string(i)));
  }
  REQUIRE(files.mkdir(Context(), path + "/l6"));
  CHECK(files.stat(Context(), path + "/l5"));
  CHECK(code_of(files.stat(Context(), path + "/l0")) == std::errc::too_many_symbolic_link_levels);
}

TEST_CASE("a target that is `../` as often as there is room is an escape, or the root") {
  const TempDir top;
  for (const bool use_openat2 : {true, false}) {
    CAPTURE(use_openat2);
    DiskFS files = open_root(top.path(), use_openat2);
    static_cast<void>(files.remove_all(Context(), "d"));
    REQUIRE(files.mkdir_all(Context(), deep(30)));
    const std::string target = repeated("../", 1365);
    REQUIRE(target.size() == fs::detail::max_path_size);
    REQUIRE(files.symlink(Context(), target, deep(30) + "/link"));
    CHECK(code_of(files.stat(Context(), deep(30) + "/link")) == fs::errc::escapes_root);
    DiskFS in_root = open_root(top.path(), use_openat2, fs::Links::in_root);
    const auto info = in_root.stat(Context(), deep(30) + "/link");
    REQUIRE_MESSAGE(info, text_of(info));
    CHECK(fs::same_file(*info, files.stat(Context(), ".").value()));
  }
}

TEST_CASE("a walk that goes up needs two descriptors, if there are no more") {
  const TempDir top;
  DiskFS files = open_root(top.path(), false);
  REQUIRE(files.mkdir_all(Context(), deep(40)));
  REQUIRE(files.symlink(Context(), deep(40) + repeated("/../../../d/d/d", 5), "link"));
  REQUIRE(files.symlink(Context(), deep(40) + "/..", "up"));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  few.rlim_cur = static_cast<rlim_t>(next) + 2;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto link = files.stat(Context(), "link");
  const auto up = files.stat(Context(), "up");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK_MESSAGE(link, text_of(link));
  CHECK_MESSAGE(up, text_of(up));
}
