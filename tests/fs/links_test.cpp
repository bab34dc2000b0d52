#include <doctest/doctest.h>

#include <filesystem>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/errc.hpp>
#include <leash/fs/walk.hpp>
#include <string>

#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using fs::DiskFS;
using leash::Context;

namespace {

/// A root whose links stay inside, and beside it what must not be reached from there.
struct Linked {
  explicit Linked(bool use_openat2) {
    std::filesystem::create_directories(top / "root/dir/sub");
    std::filesystem::create_directories(top / "outside");
    DiskFS above = DiskFS::open_root(Context(), top.path()).value();
    put(above, "outside/file", "outside");
    put(above, "root/dir/file", "inside");
    files.emplace(DiskFS::open_root(Context(), top / "root", options(use_openat2)).value());
  }

  static DiskFS::Options options(bool use_openat2) { return {.use_openat2 = use_openat2, .links = fs::Links::in_root}; }

  TempDir top;
  std::optional<DiskFS> files;
};

}  // namespace

TEST_CASE("with links in the root, the root is / to all of them, and nothing outside is reached") {
  for (const bool use_openat2 : {true, false}) {
    CAPTURE(use_openat2);
    Linked walled(use_openat2);
    DiskFS& files = *walled.files;
    const Context ctx;
    for (const char* target :
         {"/dir", "//dir//", "../dir", "/../../dir", "../../../dir/sub/..", "/dir/sub/../../../dir"}) {
      CAPTURE(target);
      REQUIRE(files.symlink(ctx, target, "link"));
      CHECK(get(files, "link/file") == "inside");
      CHECK(files.stat(ctx, "link").value().is_directory());
      CHECK(files.stat(ctx, "link/file").value().type == fs::FileType::regular);
      CHECK(files.lstat(ctx, "link").value().type == fs::FileType::symlink);
      CHECK(files.read_link(ctx, "link").value() == target);
      CHECK(files.read_dir(ctx, "link").value().size() == 2);
      CHECK(files.open_dir(ctx, "link"));
      CHECK(files.mkdir_all(ctx, "link/new/deeper"));
      CHECK(files.rename(ctx, "link/new", "link/renamed"));
      CHECK(files.link(ctx, "link/file", "link/renamed/hard"));
      CHECK(files.truncate(ctx, "link/renamed/hard", 6));
      CHECK(files.sync_dir(ctx, "link"));
      CHECK(std::filesystem::exists(walled.top / "root/dir/renamed/hard"));
      CHECK(files.remove_all(ctx, "link/renamed"));
      std::string walked;
      CHECK(fs::walk(ctx, files, "link/sub", [&](std::string_view path, const auto&, const auto&) {
        walked += path;
        return fs::WalkNext::go_on;
      }));
      CHECK(walked == "link/sub");
      REQUIRE(files.remove(ctx, "link"));
    }
    for (const std::string& target : {std::string("../outside"), walled.top / "outside", std::string("/outside"),
                                      std::string("dir/../../../outside")}) {
      CAPTURE(target);
      REQUIRE(files.symlink(ctx, target, "link"));
      CHECK(code_of(files.open(ctx, "link/file")) == std::errc::no_such_file_or_directory);
      CHECK(code_of(files.stat(ctx, "link")) == std::errc::no_such_file_or_directory);
      CHECK(code_of(files.create(ctx, "link/file")) == std::errc::no_such_file_or_directory);
      CHECK(code_of(files.mkdir_all(ctx, "link/x")) == std::errc::file_exists);
      CHECK(files.remove_all(ctx, "link/file"));
      REQUIRE(files.remove(ctx, "link"));
    }
    REQUIRE(files.symlink(ctx, "/", "top"));
    CHECK(get(files, "top/top/dir/file") == "inside");
    REQUIRE(files.symlink(ctx, "/new", "dangling"));
    put(files, "dangling", "made");
    CHECK(get(files, "new") == "made");
    CHECK(code_of(files.create(ctx, "top")) == std::errc::is_a_directory);
    REQUIRE(files.symlink(ctx, "/loop", "loop"));
    CHECK(code_of(files.stat(ctx, "loop")) == std::errc::too_many_symbolic_link_levels);
    CHECK(std::filesystem::exists(walled.top / "outside/file"));
  }
}

TEST_CASE("a DiskFS at / follows links as the system does, but not those that stand for open files") {
  const TempDir top;
  std::filesystem::create_directory(top / "dir");
  std::filesystem::create_symlink(top / "dir/file", top / "absolute");
  std::filesystem::create_symlink("../../../../../../../../" + top.path() + "/dir/file", top / "above");
  const Context ctx;
  for (const bool use_openat2 : {true, false}) {
    CAPTURE(use_openat2);
    DiskFS files = DiskFS::open_root(ctx, "/", Linked::options(use_openat2)).value();
    const std::string here = top.path().substr(1);
    put(files, here + "/dir/file", "content");
    CHECK(get(files, here + "/absolute") == "content");
    CHECK(get(files, here + "/above") == "content");
    CHECK(files.stat(ctx, "proc/self").value().is_directory());
    CHECK(files.open(ctx, "proc/mounts"));
    CHECK(code_of(files.stat(ctx, "proc/self/cwd")) == std::errc::too_many_symbolic_link_levels);
    CHECK(code_of(files.open_dir(ctx, "proc/self/root/etc")) == std::errc::too_many_symbolic_link_levels);
    DiskFS beneath = DiskFS::open_root(ctx, "/", {.use_openat2 = use_openat2}).value();
    CHECK(code_of(beneath.open(ctx, here + "/absolute")) == fs::errc::escapes_root);
  }
}
