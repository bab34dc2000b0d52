#include <doctest/doctest.h>

#include <filesystem>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/os_path.hpp>
#include <string>

#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// Another working directory, for as long as this lives.
class WorkingIn {
 public:
  explicit WorkingIn(const std::string& path) { std::filesystem::current_path(path); }
  WorkingIn(const WorkingIn&) = delete;
  WorkingIn& operator=(const WorkingIn&) = delete;
  ~WorkingIn() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

std::string of(std::string_view path) {
  const auto result = fs::os_path(Context(), path);
  return result ? *result : to_string(result.error());
}

}  // namespace

TEST_CASE("a path of the operating system becomes one below /") {
  CHECK(of("/") == ".");
  CHECK(of("//") == ".");
  CHECK(of("/.") == ".");
  CHECK(of("/..") == ".");
  CHECK(of("/etc/localtime") == "etc/localtime");
  CHECK(of("//etc//./localtime/") == "etc/localtime");
  CHECK(of("/missing/and/more") == "missing/and/more");
  CHECK(of("/a..b/...") == "a..b/...");
  CHECK(of("/missing/../etc") == "os_path /missing/../etc: No such file or directory");
  CHECK(of("/dev/null/../etc") == "os_path /dev/null/../etc: Not a directory");
  CHECK(of("") == "os_path: No such file or directory (empty path)");
  CHECK(code_of(fs::os_path(Context(), std::string("a\0b", 3))) == std::errc::invalid_argument);
  const auto [ctx, source] = Context().with_cancel();
  source.cancel();
  CHECK(code_of(fs::os_path(ctx, "/etc")) == std::errc::operation_canceled);
}

TEST_CASE(
    "a relative path begins in the working directory, and what stands before `..` is resolved as the system does") {
  const TempDir top;
  std::filesystem::create_directories(top / "work");
  std::filesystem::create_directories(top / "far/away");
  std::filesystem::create_symlink(top / "far/away", top / "work/link");
  const std::string real = std::filesystem::canonical(top.path()).string().substr(1);
  {
    const WorkingIn work(top / "work");
    CHECK(of(".") == real + "/work");
    CHECK(of("file") == real + "/work/file");
    CHECK(of("./link/file") == real + "/work/link/file");
    CHECK(of("..") == real);
    CHECK(of("../file") == real + "/file");
    CHECK(of("link/..") == real + "/far");
    CHECK(of("link/../file/") == real + "/far/file");
    CHECK(of(top.path() + "/work/link/../file") == real + "/far/file");
  }
  std::filesystem::create_directory(top / "gone");
  const WorkingIn gone(top / "gone");
  std::filesystem::remove(top / "gone");
  CHECK(of("file") == "os_path file: No such file or directory");
}

TEST_CASE("any file of the machine is opened by the name that the system has for it") {
  const TempDir top;
  std::filesystem::create_directories(top / "work/sub");
  std::filesystem::create_symlink(top / "work/data", top / "work/absolute");
  const WorkingIn work(top / "work/sub");
  const Context ctx;
  for (const bool use_openat2 : {true, false}) {
    auto disk = leash::take(fs::DiskFS::open_root(ctx, "/", {.use_openat2 = use_openat2, .links = fs::Links::in_root}));
    put(disk, leash::take(fs::os_path(ctx, "../data")), "content");
    for (const std::string& path :
         {std::string("../data"), std::string("../absolute"), top / "work/absolute", std::string("./../sub/../data")}) {
      CAPTURE(path);
      CHECK(get(disk, leash::take(fs::os_path(ctx, path))) == "content");
    }
  }
}
