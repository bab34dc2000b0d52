#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <leash/fs/counting_fs.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/errc.hpp>
#include <leash/fs/walk.hpp>
#include <leash/os/descriptor.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "counting_clock.hpp"
#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using fs::DiskFS;
using leash::Context;

namespace {

template <bool use_openat2, fs::Links links = fs::Links::beneath>
struct By {
  static constexpr DiskFS::Options options{.use_openat2 = use_openat2, .links = links};
};

using ByKernel = By<true>;
using ByWalk = By<false>;
using ByKernelInRoot = By<true, fs::Links::in_root>;
using ByWalkInRoot = By<false, fs::Links::in_root>;

DiskFS open_root(const std::string& path, const DiskFS::Options& options = {}) {
  return DiskFS::open_root(Context(), path, options).value();
}

/// A root, and beside it what must not be reached from there.
struct Walled {
  explicit Walled(const DiskFS::Options& options) {
    std::filesystem::create_directories(top / "root/dir");
    std::filesystem::create_directories(top / "outside");
    DiskFS above = open_root(top.path());
    put(above, "outside/file", "outside");
    put(above, "root/dir/file", "inside");
    files = open_root(top / "root", options);
  }

  TempDir top;
  DiskFS files = open_root(top.path());
};

}  // namespace

TYPE_TO_STRING(ByKernel);
TYPE_TO_STRING(ByWalk);
TYPE_TO_STRING(ByKernelInRoot);
TYPE_TO_STRING(ByWalkInRoot);

TEST_CASE("a root that cannot be opened is an error") {
  const TempDir directory;
  {
    put(*std::make_unique<DiskFS>(open_root(directory.path())), "file");
  }
  const auto message_of = [](const std::string& path) { return text_of(DiskFS::open_root(Context(), path)); };
  CHECK(message_of(directory / "missing").ends_with("missing: No such file or directory"));
  CHECK(message_of(directory / "file").ends_with("file: Not a directory"));
  CHECK(message_of("") == "open_root: No such file or directory");
  CHECK(code_of(DiskFS::open_root(Context(), std::string("a\0b", 3))) == std::errc::invalid_argument);
  const auto [ctx, source] = Context().with_cancel();
  source.cancel();
  CHECK(code_of(DiskFS::open_root(ctx, directory.path())) == std::errc::operation_canceled);
}

TEST_CASE("the root may be a link, and stays the same directory when it is renamed") {
  const TempDir top;
  std::filesystem::create_directory(top / "real");
  std::filesystem::create_symlink("real", top / "link");
  DiskFS files = open_root(top / "link");
  put(files, "file", "content");
  std::filesystem::rename(top / "real", top / "moved");
  CHECK(get(files, "file") == "content");
  CHECK(std::filesystem::exists(top / "moved/file"));
}

TEST_CASE("a DiskFS moves, and what is left fails") {
  const TempDir top;
  DiskFS one = open_root(top.path());
  put(one, "file", "content");
  const auto handle = one.open(Context(), "file").value();
  DiskFS two = std::move(one);
  CHECK(get(two, "file") == "content");
  std::array<std::byte, 7> content{};
  CHECK(handle->read(content).value() == content.size());
  const Context ctx;
  // NOLINTBEGIN(bugprone-use-after-move): what it does then is documented
  for (const char* const path : {"file", "directory/file"}) {
    CAPTURE(path);
    const std::array codes{code_of(one.open(ctx, path)),
                           code_of(one.create(ctx, path)),
                           code_of(one.open_dir(ctx, path)),
                           code_of(one.stat(ctx, path)),
                           code_of(one.lstat(ctx, path)),
                           code_of(one.read_dir(ctx, path)),
                           code_of(one.mkdir(ctx, path)),
                           code_of(one.mkdir_all(ctx, path)),
                           code_of(one.remove(ctx, path)),
                           code_of(one.remove_all(ctx, path)),
                           code_of(one.rename(ctx, path, "new")),
                           code_of(one.link(ctx, path, "new")),
                           code_of(one.symlink(ctx, "file", path)),
                           code_of(one.read_link(ctx, path)),
                           code_of(one.truncate(ctx, path, 0)),
                           code_of(one.sync_dir(ctx, path))};
    for (const std::error_code code : codes) CHECK(code == std::errc::bad_file_descriptor);
  }
  // NOLINTEND(bugprone-use-after-move)
  one = std::move(two);
  CHECK(get(one, "file") == "content");
}

TEST_CASE_TEMPLATE("descriptors close on exec, and release gives one away", Method, ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  put(files, "file", "content");
  const auto file = files.open(Context(), "file").value();
  const auto dir = files.open_dir(Context(), ".").value();
  CHECK((::fcntl(file->native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(dir->native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  const int descriptor = file->native_handle();
  const leash::os::Descriptor released(file->release().value());
  CHECK(released.get() == descriptor);
  CHECK(file->native_handle() == -1);
  CHECK(code_of(file->close()) == std::errc::bad_file_descriptor);
  char byte = 0;
  CHECK(::read(released.get(), &byte, 1) == 1);
  CHECK(byte == 'c');
}

TEST_CASE("close reports the error that the system has, and counts as closed") {
  const TempDir top;
  DiskFS files = open_root(top.path());
  const auto file = files.create(Context(), "file").value();
  ::close(file->native_handle());
  CHECK(text_of(file->close()) == "close file: Bad file descriptor");
  CHECK(file->native_handle() == -1);
}

TEST_CASE("a full device is reported by write, and not by close") {
  DiskFS devices = open_root("/dev");
  const auto file = devices.open(Context(), "full", {.write = true}).value();
  CHECK(text_of(file->write("x")) == "write full: No space left on device");
  CHECK(text_of(file->write_at("x", 0)) == "write_at full: No space left on device");
  CHECK(file->close());
}

TEST_CASE_TEMPLATE("opening a FIFO or a device does not wait", Method, ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  REQUIRE(::mkfifo((top / "fifo").c_str(), 0600) == 0);
  const auto reader = files.open(Context(), "fifo").value();
  CHECK(files.lstat(Context(), "fifo").value().type == fs::FileType::fifo);
  CHECK(files.read_dir(Context(), ".").value()[0].type == fs::FileType::fifo);
  std::byte byte{};
  CHECK(reader->read({&byte, 1}).value() == 0);
  const auto writer = files.open(Context(), "fifo", {.write = true}).value();
  CHECK(code_of(reader->read({&byte, 1})) == std::errc::resource_unavailable_try_again);
  CHECK(writer->write("x"));
  CHECK(reader->read({&byte, 1}).value() == 1);
  CHECK(reader->close());
  CHECK(code_of(files.open(Context(), "fifo", {.write = true})) == std::errc::no_such_device_or_address);
  CHECK(code_of(files.truncate(Context(), "fifo", 0)) == std::errc::invalid_argument);
  CHECK(files.remove_all(Context(), "fifo"));
}

TEST_CASE_TEMPLATE("no way leads out of the root", Method, ByKernel, ByWalk) {
  Walled walled(Method::options);
  fs::FileSystem& files = walled.files;
  const Context ctx;
  for (const std::string& target : {std::string("../outside"), walled.top / "outside", walled.top / "root/dir",
                                    std::string("dir/../../outside"), std::string("/proc/self/cwd")}) {
    CAPTURE(target);
    REQUIRE(files.symlink(ctx, target, "link"));
    for (const char* path : {"link", "link/file"}) {
      CHECK(code_of(files.open(ctx, path)) == fs::errc::escapes_root);
      CHECK(code_of(files.create(ctx, path)) == fs::errc::escapes_root);
      CHECK(code_of(files.stat(ctx, path)) == fs::errc::escapes_root);
    }
    CHECK(code_of(files.create(ctx, "link/new")) == fs::errc::escapes_root);
    CHECK(code_of(files.remove_all(ctx, "link/file")) == fs::errc::escapes_root);
    CHECK(files.remove_all(ctx, "link"));
  }
  CHECK(std::filesystem::exists(walled.top / "outside/file"));
  CHECK_FALSE(std::filesystem::exists(walled.top / "outside/new"));
  CHECK(get(files, "dir/file") == "inside");
}

TEST_CASE_TEMPLATE("no race between a rename and an open leads out of the root", Method, ByKernel, ByWalk,
                   ByKernelInRoot, ByWalkInRoot) {
  Walled walled(Method::options);
  DiskFS outer = open_root(walled.top.path());
  const Context ctx;
  REQUIRE(outer.symlink(ctx, "../outside", "root/evil"));
  std::jthread swapper([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      // By turns, `dir` is a directory with a file and a link out of the root.
      static_cast<void>(outer.rename(ctx, "root/dir", "root/away"));
      static_cast<void>(outer.rename(ctx, "root/evil", "root/dir"));
      static_cast<void>(outer.rename(ctx, "root/dir", "root/evil"));
      static_cast<void>(outer.rename(ctx, "root/away", "root/dir"));
    }
  });
  int inside = 0;
  int escapes = 0;
  for (int i = 0; i < 3000 || (inside == 0 && i < 100000); ++i) {
    const auto content = fs::read_file(ctx, walled.files, "dir/file");
    if (content) {
      REQUIRE(*content == "inside");
      ++inside;
    } else if (content.error() == fs::errc::escapes_root) {
      ++escapes;
    } else {
      REQUIRE(content.error() == std::errc::no_such_file_or_directory);
    }
    if (const auto made = walled.files.create(ctx, "dir/made")) static_cast<void>((*made)->close());
    static_cast<void>(walled.files.remove(ctx, "dir/file2"));
    static_cast<void>(walled.files.remove_all(ctx, "dir/made"));
  }
  swapper.request_stop();
  swapper.join();
  MESSAGE(inside << " inside, " << escapes << " escapes refused");
  CHECK_FALSE(std::filesystem::exists(walled.top / "outside/made"));
  CHECK(std::filesystem::exists(walled.top / "outside/file"));
}

TEST_CASE_TEMPLATE("renames elsewhere do not make an open fail", Method, ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  const Context ctx;
  REQUIRE(files.mkdir_all(ctx, "a"));
  REQUIRE(files.mkdir_all(ctx, "elsewhere"));
  REQUIRE(fs::write_file(ctx, files, "b", "content"));
  REQUIRE(files.symlink(ctx, "a/../b", "way"));
  // The kernel gives up on `..` when anything on the machine is renamed meanwhile.
  std::vector<std::jthread> movers;
  for (const std::string name : {"1", "2"}) {
    movers.emplace_back([&, name](const std::stop_token& over) {
      REQUIRE(files.mkdir(ctx, "elsewhere/" + name));
      while (!over.stop_requested()) {
        static_cast<void>(files.rename(ctx, "elsewhere/" + name, "elsewhere/moved" + name));
        static_cast<void>(files.rename(ctx, "elsewhere/moved" + name, "elsewhere/" + name));
      }
    });
  }
  for (int i = 0; i != 2000; ++i) {
    const auto content = fs::read_file(ctx, files, "way");
    REQUIRE(content);
    REQUIRE(*content == "content");
  }
}

TEST_CASE_TEMPLATE("remove_all does not leave the root when directories are moved meanwhile", Method, ByKernel,
                   ByWalk) {
  Walled walled(Method::options);
  DiskFS outer = open_root(walled.top.path());
  const Context ctx;
  std::jthread mover([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      static_cast<void>(outer.rename(ctx, "root/tree/a", "outside/a"));
      static_cast<void>(outer.rename(ctx, "outside/a", "root/tree/a"));
    }
  });
  for (int i = 0; i != 300; ++i) {
    static_cast<void>(walled.files.mkdir_all(ctx, "tree/a/b/c"));
    const auto removed = walled.files.remove_all(ctx, "tree");
    CHECK_MESSAGE(removed, text_of(removed));
  }
  mover.request_stop();
  mover.join();
  CHECK(std::filesystem::exists(walled.top / "outside/file"));
}

TEST_CASE_TEMPLATE("remove_all goes on where the tree moves under it", Method, ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  const Context ctx;
  const std::size_t before = count_of_open_descriptors();
  std::jthread mover([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      static_cast<void>(files.rename(ctx, "tree/a/b", "tree/b"));
      static_cast<void>(files.rename(ctx, "tree/b/c/d", "tree/d"));
      static_cast<void>(files.remove_dir(ctx, "tree/a"));
      static_cast<void>(files.symlink(ctx, "b", "tree/a"));
      static_cast<void>(files.remove_file(ctx, "tree/a"));
      static_cast<void>(files.rename(ctx, "tree/b", "tree/d/b"));
      static_cast<void>(files.rename(ctx, "tree/d", "elsewhere"));
      static_cast<void>(files.rename(ctx, "elsewhere", "tree/a"));
    }
  });
  for (int i = 0; i != 500; ++i) {
    static_cast<void>(files.mkdir_all(ctx, "tree/a/b/c/d/e"));
    static_cast<void>(fs::write_file(ctx, files, "tree/a/b/c/file", "content"));
    const auto removed = files.remove_all(ctx, "tree");
    CHECK_MESSAGE(removed, text_of(removed));
  }
  mover.request_stop();
  mover.join();
  CHECK(files.remove_all(ctx, "tree"));
  CHECK_FALSE(std::filesystem::exists(top / "tree"));
  CHECK(count_of_open_descriptors() == before);
}

TEST_CASE_TEMPLATE("a deep tree is removed with few descriptors" * doctest::skip(!leash_test::all_tests), Method,
                   ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  std::string path = "d";
  while (path.size() < 2000) path += "/d";
  REQUIRE(files.mkdir_all(Context(), path));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  few.rlim_cur = count_of_open_descriptors() + 8;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto removed = files.remove_all(Context(), "d");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK_MESSAGE(removed, text_of(removed));
}

TEST_CASE_TEMPLATE("remove_all ends when its Context is cancelled", Method, ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  REQUIRE(files.mkdir_all(Context(), "tree/a"));
  const auto clock = std::make_shared<leash::FakeClock>();
  const auto [ctx, source] = Context().with_cancel();
  std::atomic<bool> over{false};
  std::jthread filler([&] {
    while (!over) static_cast<void>(files.mkdir_all(Context(), "tree/a/b"));
  });
  std::jthread canceller([&] { source.cancel(); });
  leash::Result<void> removed;
  while ((removed = files.remove_all(ctx, "tree"))) {
  }
  over = true;
  CHECK(text_of(removed) == "remove_all tree: Operation canceled");
}

TEST_CASE_TEMPLATE("no operation leaves a descriptor open, whether it succeeds or fails", Method, ByKernel, ByWalk) {
  Walled walled(Method::options);
  fs::FileSystem& files = walled.files;
  const Context ctx;
  REQUIRE(files.symlink(ctx, "..", "up"));
  REQUIRE(files.symlink(ctx, "loop", "loop"));
  REQUIRE(files.symlink(ctx, "dir/../dir/./file", "link"));
  REQUIRE(::mkfifo((walled.top / "root/fifo").c_str(), 0600) == 0);
  const std::string too_long(256, 'n');
  const std::size_t before = count_of_open_descriptors();
  for (const std::string& path :
       {std::string("dir"), std::string("dir/file"), std::string("missing"), std::string("missing/x"),
        std::string("dir/file/x"), std::string("up"), std::string("up/x"), std::string("loop"), std::string("loop/x"),
        std::string("link"), std::string("link/x"), std::string("fifo"), too_long, "dir/" + too_long, std::string("."),
        std::string("dir/new"), std::string("fresh/a/b")}) {
    CAPTURE(path);
    static_cast<void>(files.open(ctx, path));
    static_cast<void>(files.open(ctx, path, {.read = true, .directory = true}));
    static_cast<void>(files.open(ctx, path, {.read = true, .no_follow = true}));
    static_cast<void>(files.open(ctx, path, {.write = true, .create = true, .exclusive = true}));
    static_cast<void>(files.append(ctx, path));
    static_cast<void>(files.open_dir(ctx, path));
    static_cast<void>(files.read_dir(ctx, path));
    static_cast<void>(files.stat(ctx, path));
    static_cast<void>(files.lstat(ctx, path));
    static_cast<void>(files.mkdir(ctx, path));
    static_cast<void>(files.mkdir_all(ctx, path));
    static_cast<void>(files.link(ctx, path, "dir/hard"));
    static_cast<void>(files.symlink(ctx, "x", path));
    static_cast<void>(files.read_link(ctx, path));
    static_cast<void>(files.truncate(ctx, path, 3));
    static_cast<void>(files.sync_dir(ctx, path));
    static_cast<void>(files.rename(ctx, path, "dir/renamed"));
    static_cast<void>(files.rename(ctx, "dir/renamed", path));
    static_cast<void>(files.remove(ctx, path + "x"));
    static_cast<void>(files.remove(ctx, path));
    static_cast<void>(files.remove_all(ctx, "up/" + path));
    static_cast<void>(fs::read_file(ctx, files, path));
    static_cast<void>(fs::walk(ctx, files, path, [](auto, const auto&, const auto&) { return fs::WalkNext::go_on; }));
    static_cast<void>(DiskFS::open_root(ctx, walled.top / path));
    CHECK(count_of_open_descriptors() == before);
  }
  static_cast<void>(files.remove_all(ctx, "dir"));
  CHECK(count_of_open_descriptors() == before);
}

TEST_CASE_TEMPLATE("remove_all asks its Context in one directory too", Method, ByKernel, ByWalk) {
  const TempDir top;
  DiskFS files = open_root(top.path(), Method::options);
  REQUIRE(files.mkdir(Context(), "dir"));
  for (int i = 0; i != 100; ++i) put(files, "dir/" + std::to_string(i));
  const Context ctx = CountingClock::expiring_after(50, std::make_shared<CountingClock>());
  CHECK(text_of(files.remove_all(ctx, "dir")) == "remove_all dir: Connection timed out");
  CHECK(files.read_dir(Context(), "dir").value().size() > 10);
}

TEST_CASE("an operation that its Context ends names the cause") {
  const TempDir top;
  DiskFS files = open_root(top.path(), ByWalk::options);
  REQUIRE(files.mkdir_all(Context(), "a/b"));
  class CancellingClock final : public leash::Clock {
   public:
    std::optional<leash::CancelSource> source;
    mutable int left = 3;

   private:
    time_point do_now() const override { return {}; }
    time_point do_coarse_now() const override {
      if (--left == 0) source->cancel(leash::Error("stop", "work", std::errc::owner_dead));
      return {};
    }
    system_time_point do_system_now() const override { return {}; }
    leash::Registration do_at(time_point, leash::Function<void()>) override { return {}; }
  };
  const auto clock = std::make_shared<CancellingClock>();
  const auto [ctx, source] = Context().with_clock(clock).with_timeout(std::chrono::hours(1)).with_cancel();
  clock->source = source;
  const auto info = files.stat(ctx, "a/b");
  clock->source.reset();  // The Context has the clock.
  CHECK(text_of(info) == "stat a/b: Operation canceled; caused by stop work: Owner died");
}

TEST_CASE("times of files that no clock here can tell are the nearest that it can") {
  using Time = leash::Clock::system_time_point;
  const TempDir top;
  DiskFS files = open_root(top.path());
  put(files, "file");
  for (const auto& [seconds, wanted] :
       {std::pair{std::int64_t{13'000'000'000}, Time::max()}, std::pair{std::int64_t{9'223'372'036}, Time::max()},
        std::pair{std::int64_t{-20'000'000'000}, Time::min()},
        std::pair{std::int64_t{1}, Time(std::chrono::seconds(1))}}) {
    CAPTURE(seconds);
    struct stat status{};
    status.st_mtim.tv_sec = seconds;
    CHECK(fs::detail::to_info(status, "file").modified == wanted);
    const std::array<timespec, 2> times{timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                        timespec{.tv_sec = seconds, .tv_nsec = 0}};
    REQUIRE(::utimensat(AT_FDCWD, (top / "file").c_str(), times.data(), 0) == 0);
    CHECK(files.stat(Context(), "file"));
  }
}

TEST_CASE("a socket is listed as one, and cannot be opened") {
  const TempDir top;
  DiskFS files = open_root(top.path());
  const leash::os::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = top / "socket";
  REQUIRE(path.size() < sizeof address.sun_path);
  std::ranges::copy(path, address.sun_path);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(files.stat(Context(), "socket").value().type == fs::FileType::socket);
  CHECK(code_of(files.open(Context(), "socket")) == std::errc::no_such_device_or_address);
  CHECK(files.remove(Context(), "socket"));
}

namespace {

/// While it lives, no file of this process may grow beyond `size` bytes.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t size) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = size;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

}  // namespace

TEST_CASE("DiskFS: the Error of a write tells how much of it was written, and so do counts of it") {
  const TempDir dir;
  DiskFS disk = open_root(dir.path());
  fs::CountingFS files(disk);
  const auto file = files.create(Context(), "file").value();
  const std::string text(700, 'x');
  leash::Result<void> at_position;
  leash::Result<void> at_offset;
  {
    const SizeLimit limit(1000);
    CHECK(file->write(text));
    at_position = file->write(text);
    at_offset = file->write_at(text, 900);
  }
  REQUIRE_FALSE(at_position);
  CHECK(at_position.error() == std::errc::file_too_large);
  CHECK(at_position.error().transferred() == 300);
  REQUIRE_FALSE(at_offset);
  CHECK(at_offset.error().transferred() == 100);
  CHECK(file->seek(0, fs::Whence::current).value() == 1000);
  CHECK(files.counts()[fs::OperationKind::file_write].bytes == 1000);
  CHECK(files.counts()[fs::OperationKind::file_write_at].bytes == 100);
}
