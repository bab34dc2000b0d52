#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <leash/fs/disk_fs.hpp>
#include <leash/os/descriptor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using leash::Context;
using leash::os::Descriptor;

namespace {

/// A directory with something of each kind, and links to it.
struct Zoo {
  Zoo() {
    ::close(::open((top / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ::mkdir((top / "folder").c_str(), 0700);
    ::mkdir((top / "full").c_str(), 0700);
    ::mkdir((top / "full/folder").c_str(), 0700);
    ::mkfifo((top / "fifo").c_str(), 0600);
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(top / "socket", address.sun_path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    for (const std::string name : {"file", "folder", "socket", "missing", "loop"}) {
      const std::string link = name == "loop" ? name : "to_" + name;
      REQUIRE(::symlink(name.c_str(), (top / link).c_str()) == 0);
    }
  }

  TempDir top;
};

const std::vector<std::string>& paths() {
  static const std::vector<std::string> all{"file",
                                            "folder",
                                            "full",
                                            "fifo",
                                            "socket",
                                            "missing",
                                            "to_file",
                                            "to_folder",
                                            "to_socket",
                                            "loop",
                                            "to_missing",
                                            "file/x",
                                            "folder/x",
                                            "to_folder/x",
                                            "socket/x",
                                            "missing/x",
                                            "to_file/x",
                                            "to_missing/x",
                                            "loop/x",
                                            std::string(256, 'n'),
                                            std::string(5000, 'n')};
  return all;
}

using OnePath = std::function<int(const char*)>;
using OnePathOf = std::function<leash::Result<void>(fs::FileSystem&, const std::string&)>;
using TwoPaths = std::function<int(const char*, const char*)>;
using TwoPathsOf = std::function<leash::Result<void>(fs::FileSystem&, const std::string&, const std::string&)>;

template <class T>
leash::Result<void> without_value(const leash::Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

std::error_code code_of_call(int result) {
  return result < 0 ? std::error_code(errno, std::generic_category()) : std::error_code();
}

std::string shown(const std::string& path) { return path.substr(0, 20); }

/// Three that are alike: one for the system, and one for each way of DiskFS.
struct Zoos {
  Zoo real;
  Zoo by_kernel;
  Zoo by_walk;
  fs::DiskFS kernel = fs::DiskFS::open_root(Context(), by_kernel.top.path()).value();
  fs::DiskFS walk = fs::DiskFS::open_root(Context(), by_walk.top.path(), {.use_openat2 = false}).value();
};

/// What fails changes nothing, so that new ones are made only after a success.
class Comparison {
 public:
  template <class System, class Ours>
  void step(System system, Ours ours) {
    if (!zoos_) zoos_ = std::make_unique<Zoos>();
    const std::error_code wanted = code_of_call(system(zoos_->real.top));
    CHECK(code_of(ours(zoos_->kernel)) == wanted);
    CHECK(code_of(ours(zoos_->walk)) == wanted);
    if (!wanted) zoos_.reset();
  }

 private:
  std::unique_ptr<Zoos> zoos_;
};

void compare(const OnePath& system, const OnePathOf& ours) {
  Comparison comparison;
  for (const std::string& path : paths()) {
    CAPTURE(shown(path));
    comparison.step([&](const TempDir& top) { return system((top / path).c_str()); },
                    [&](fs::FileSystem& files) { return ours(files, path); });
  }
}

void compare(const TwoPaths& system, const TwoPathsOf& ours) {
  Comparison comparison;
  for (const std::string& from : paths()) {
    for (const std::string& to : paths()) {
      CAPTURE(shown(from));
      CAPTURE(shown(to));
      comparison.step([&](const TempDir& top) { return system((top / from).c_str(), (top / to).c_str()); },
                      [&](fs::FileSystem& files) { return ours(files, from, to); });
    }
  }
}

int closed(int descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  return descriptor;
}

}  // namespace

// All but opening for reading, since `open` refuses a directory.
TEST_CASE("DiskFS fails with the error of the system call, whatever stands at the path") {
  const Context ctx;
  struct stat status{};
  SUBCASE("stat") {
    compare([&](const char* path) { return ::stat(path, &status); },
            [&](auto& files, const auto& path) { return without_value(files.stat(ctx, path)); });
  }
  SUBCASE("lstat") {
    compare([&](const char* path) { return ::lstat(path, &status); },
            [&](auto& files, const auto& path) { return without_value(files.lstat(ctx, path)); });
  }
  SUBCASE("open for writing") {
    compare([](const char* path) { return closed(::open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)); },
            [&](auto& files, const auto& path) { return without_value(files.open(ctx, path, {.write = true})); });
  }
  SUBCASE("create") {
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC;
    compare([](const char* path) { return closed(::open(path, flags, 0600)); },
            [&](auto& files, const auto& path) { return without_value(files.create(ctx, path)); });
  }
  SUBCASE("create what must not exist") {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC;
    compare([](const char* path) { return closed(::open(path, flags, 0600)); },
            [&](auto& files, const auto& path) {
              return without_value(files.open(ctx, path, {.write = true, .create = true, .exclusive = true}));
            });
  }
  SUBCASE("open a directory") {
    compare([](const char* path) { return closed(::open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)); },
            [&](auto& files, const auto& path) { return without_value(files.open_dir(ctx, path)); });
  }
  SUBCASE("open without following") {
    compare([](const char* path) { return closed(::open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)); },
            [&](auto& files, const auto& path) {
              return without_value(files.open(ctx, path, {.write = true, .no_follow = true}));
            });
  }
  SUBCASE("truncate") {
    compare([](const char* path) { return ::truncate(path, 3); },
            [&](auto& files, const auto& path) { return files.truncate(ctx, path, 3); });
  }
  SUBCASE("mkdir") {
    compare([](const char* path) { return ::mkdir(path, 0700); },
            [&](auto& files, const auto& path) { return files.mkdir(ctx, path); });
  }
  SUBCASE("symlink") {
    compare([](const char* path) { return ::symlink("target", path); },
            [&](auto& files, const auto& path) { return files.symlink(ctx, "target", path); });
  }
  SUBCASE("read_link") {
    std::string buffer(4096, ' ');
    compare([&](const char* path) { return static_cast<int>(::readlink(path, buffer.data(), buffer.size())); },
            [&](auto& files, const auto& path) { return without_value(files.read_link(ctx, path)); });
  }
  SUBCASE("remove") {
    compare(
        [](const char* path) {
          const int result = ::unlink(path);
          return result < 0 && errno == EISDIR ? ::rmdir(path) : result;
        },
        [&](auto& files, const auto& path) { return files.remove(ctx, path); });
  }
  SUBCASE("rename") {
    compare([](const char* from, const char* to) { return ::rename(from, to); },
            [&](auto& files, const auto& from, const auto& to) { return files.rename(ctx, from, to); });
  }
  SUBCASE("link") {
    compare([](const char* from, const char* to) { return ::link(from, to); },
            [&](auto& files, const auto& from, const auto& to) { return files.link(ctx, from, to); });
  }
}
