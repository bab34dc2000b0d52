#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <leash/fs/errc.hpp>
#include <leash/fs/path.hpp>
#include <leash/fs/walk.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Clock;
using leash::Context;
using std::chrono::nanoseconds;

namespace {

using Time = Clock::system_time_point;

Time at(std::int64_t since_1970) { return Time(nanoseconds(since_1970)); }

/// Makes a file, and the directories above it.
void put_deep(fs::FileSystem& files, std::string_view path, std::string_view content = "") {
  REQUIRE(files.mkdir_all(Context(), fs::parent_path(path)));
  put(files, path, content);
}

fs::OpenOptions without_name() { return {.read = true, .write = true, .unnamed = true}; }

/// What every operation on one path says of it.
std::vector<std::error_code> answers(fs::FileSystem& files, std::string_view path) {
  const Context ctx;
  return {code_of(files.chmod(ctx, path, 0700)),
          code_of(files.set_times(ctx, path, at(1), at(2))),
          code_of(files.space(ctx, path)),
          code_of(files.read_dir_info(ctx, path)),
          code_of(files.remove_file(ctx, path)),
          code_of(files.remove_dir(ctx, path)),
          code_of(files.open(ctx, path, without_name()))};
}

}  // namespace

LEASH_FS_TEST("chmod sets the mode of what a path leads to") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  REQUIRE(files.mkdir(ctx, "dir"));
  REQUIRE(files.symlink(ctx, "file", "link"));
  for (const std::uint32_t mode : {0U, 0400U, 0644U, 0777U, 01000U, 04755U, 07777U}) {
    CAPTURE(mode);
    REQUIRE(files.chmod(ctx, "link", mode));
    CHECK(files.lstat(ctx, "file").value().mode == mode);
    CHECK(files.lstat(ctx, "link").value().mode == 0777);
    REQUIRE(files.chmod(ctx, "dir", mode));
    CHECK(files.stat(ctx, "dir").value().mode == mode);
  }
  CHECK(files.chmod(ctx, ".", 0700));
  CHECK(files.stat(ctx, ".").value().mode == 0700);
  CHECK(text_of(files.chmod(ctx, "file", 010000)) ==
        "chmod file: Invalid argument (mode has bits other than permissions)");
  CHECK(text_of(files.chmod(ctx, "missing", 0700)) == "chmod missing: No such file or directory");
  const auto file = files.open(ctx, "file").value();
  CHECK(file->chmod(0640));
  CHECK(file->stat().value().mode == 0640);
  CHECK(text_of(file->chmod(UINT32_MAX)) == "chmod file: Invalid argument (mode has bits other than permissions)");
  CHECK(file->close());
  CHECK(text_of(file->chmod(0640)) == "chmod file: Bad file descriptor");
}

LEASH_FS_TEST("a directory hands its set-group-ID bit down to those that are made in it, and to nothing else") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  REQUIRE(files.mkdir(Context(), "shared"));
  REQUIRE(files.chmod(Context(), "shared", 03775));
  REQUIRE(files.mkdir(Context(), "shared/a", 0700));
  REQUIRE(files.mkdir_all(Context(), "shared/b/c"));
  put(files, "shared/file");
  const auto mode_of = [&](std::string_view path) { return files.stat(Context(), path).value().mode; };
  CHECK(mode_of("shared/a") == 02700);
  CHECK(mode_of("shared/b") == 02755);
  CHECK(mode_of("shared/b/c") == 02755);
  CHECK(mode_of("shared/file") == 0644);
}

LEASH_FS_TEST("set_times sets the times of what a path leads to, each by itself") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  REQUIRE(files.mkdir(ctx, "dir"));
  REQUIRE(files.symlink(ctx, "file", "link"));
  const auto times = [&](std::string_view path) {
    const fs::FileInfo info = files.lstat(ctx, path).value();
    return std::pair(info.accessed, info.modified);
  };
  // To follow a link is to read it.
  const Time of_link = times("link").second;
  REQUIRE(files.set_times(ctx, "link", at(1'000'000'001), at(2'000'000'000'000'000'002)));
  CHECK(times("file") == std::pair(at(1'000'000'001), at(2'000'000'000'000'000'002)));
  REQUIRE(files.set_times(ctx, "file", std::nullopt, at(3)));
  CHECK(times("file") == std::pair(at(1'000'000'001), at(3)));
  REQUIRE(files.set_times(ctx, "file", at(4), std::nullopt));
  CHECK(times("file") == std::pair(at(4), at(3)));
  const Time changed = files.stat(ctx, "file").value().changed;
  REQUIRE(files.set_times(ctx, "file", std::nullopt, std::nullopt));
  CHECK(times("file") == std::pair(at(4), at(3)));
  CHECK(files.stat(ctx, "file").value().changed == changed);
  CHECK(times("link").second == of_link);
  // Before 1970 the fraction of a second counts upwards, too.
  REQUIRE(files.set_times(ctx, "dir", at(-1), at(-1'500'000'000)));
  CHECK(times("dir") == std::pair(at(-1), at(-1'500'000'000)));
  CHECK(text_of(files.set_times(ctx, "missing", std::nullopt, std::nullopt)) ==
        "set_times missing: No such file or directory");
  const auto file = files.open(ctx, "file").value();
  CHECK(file->set_times(at(5), at(6)));
  CHECK(file->set_times(std::nullopt, at(7)));
  CHECK(times("file") == std::pair(at(5), at(7)));
  // The most that the type holds is more than some file systems do, which take the nearest.
  CHECK(file->set_times(Time::min(), Time::max()));
  CHECK(times("file").first < at(0));
  CHECK(times("file").second > at(4'000'000'000'000'000'000));
  CHECK(file->close());
  CHECK(text_of(file->set_times(at(5), at(6))) == "set_times file: Bad file descriptor");
}

LEASH_FS_TEST("a link that dangles or leads out gives nothing that could be changed") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.symlink(ctx, "missing", "dangling"));
  REQUIRE(files.symlink(ctx, "../outside", "up"));
  REQUIRE(files.symlink(ctx, "/etc", "absolute"));
  REQUIRE(files.symlink(ctx, "self", "self"));
  const std::error_code code_of_dangling = make_error_code(std::errc::no_such_file_or_directory);
  const std::error_code code_of_loop = make_error_code(std::errc::too_many_symbolic_link_levels);
  for (const auto& [path, code] : {std::pair("dangling", code_of_dangling), std::pair("self", code_of_loop),
                                   std::pair("up", make_error_code(fs::errc::escapes_root)),
                                   std::pair("absolute", make_error_code(fs::errc::escapes_root))}) {
    CAPTURE(path);
    CHECK(code_of(files.chmod(ctx, path, 0700)) == code);
    CHECK(code_of(files.set_times(ctx, path, at(1), at(2))) == code);
    CHECK(code_of(files.space(ctx, path)) == code);
    CHECK(code_of(files.read_dir_info(ctx, path)) == code);
    CHECK(code_of(files.open(ctx, path, without_name())) == code);
  }
}

LEASH_FS_TEST("remove_file removes all but directories, remove_dir only an empty directory") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  put_deep(files, "full/file");
  REQUIRE(files.mkdir(ctx, "empty"));
  REQUIRE(files.symlink(ctx, "empty", "link"));
  CHECK(text_of(files.remove_file(ctx, "empty")) == "remove_file empty: Is a directory");
  CHECK(text_of(files.remove_file(ctx, ".")) == "remove_file .: Is a directory");
  CHECK(text_of(files.remove_file(ctx, "missing")) == "remove_file missing: No such file or directory");
  CHECK(text_of(files.remove_dir(ctx, "file")) == "remove_dir file: Not a directory");
  CHECK(text_of(files.remove_dir(ctx, "link")) == "remove_dir link: Not a directory");
  CHECK(text_of(files.remove_dir(ctx, "full")) == "remove_dir full: Directory not empty");
  CHECK(text_of(files.remove_dir(ctx, "missing")) == "remove_dir missing: No such file or directory");
  CHECK(text_of(files.remove_dir(ctx, ".")) == "remove_dir .: Invalid argument (the root cannot be removed)");
  CHECK(files.remove_file(ctx, "file"));
  CHECK(files.remove_file(ctx, "link"));
  CHECK(files.remove_file(ctx, "full/file"));
  CHECK(files.remove_dir(ctx, "full"));
  CHECK(files.remove_dir(ctx, "empty"));
  CHECK(files.read_dir(ctx, ".").value().empty());
}

LEASH_FS_TEST("read_dir_info tells of each name in a directory what lstat tells") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  CHECK(files.read_dir_info(ctx, ".").value().empty());
  put_deep(files, "dir/b", "content");
  put_deep(files, "dir/a name of more than fifteen bytes");
  put_deep(files, "dir/\xff");
  REQUIRE(files.mkdir(ctx, "dir/c"));
  REQUIRE(files.symlink(ctx, "missing", "dir/link"));
  const auto infos = files.read_dir_info(ctx, "dir").value();
  const auto entries = files.read_dir(ctx, "dir").value();
  REQUIRE(infos.size() == 5);
  REQUIRE(entries.size() == 5);
  for (std::size_t i = 0; i != infos.size(); ++i) {
    CAPTURE(infos[i].name);
    CHECK(infos[i].name == entries[i].name);
    CHECK(infos[i].type == entries[i].type);
    const fs::FileInfo info = files.lstat(ctx, "dir/" + infos[i].name).value();
    CHECK(fs::same_file(infos[i], info));
    CHECK(infos[i].type == info.type);
    CHECK(infos[i].mode == info.mode);
    CHECK(infos[i].size == info.size);
    CHECK(infos[i].links == info.links);
    CHECK(infos[i].modified == info.modified);
    CHECK(infos[i].changed == info.changed);
  }
  CHECK(text_of(files.read_dir_info(ctx, "dir/b")) == "read_dir_info dir/b: Not a directory");
  CHECK(text_of(files.read_dir_info(ctx, "missing")) == "read_dir_info missing: No such file or directory");
}

LEASH_FS_TEST("a large directory is listed as a whole and in order") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  std::vector<std::string> names;
  for (int i = 0; i != 1000; ++i)
    names.push_back(std::string(static_cast<std::size_t>(i % 200), 'n') + std::to_string(i));
  for (const std::string& name : names) put(files, name);
  std::ranges::sort(names);
  std::vector<std::string> listed;
  std::vector<std::string> told;
  for (const fs::DirEntry& entry : leash::take(files.read_dir(ctx, "."))) listed.push_back(entry.name);
  for (const fs::FileInfo& info : leash::take(files.read_dir_info(ctx, "."))) told.push_back(info.name);
  CHECK(listed == names);
  CHECK(told == names);
  std::vector<std::string> in_pieces;
  const auto dir = files.open_dir(ctx, ".").value();
  for (std::size_t max = 1;; max = max % 7 + 1) {
    const auto piece = dir->read(max).value();
    CHECK(piece.size() <= max);
    if (piece.empty()) break;
    for (const fs::DirEntry& entry : piece) in_pieces.push_back(entry.name);
  }
  std::ranges::sort(in_pieces);
  CHECK(in_pieces == names);
}

LEASH_FS_TEST("what vanishes while a directory is listed is left out") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir(ctx, "dir"));
  put_deep(files, "dir/stays");
  std::jthread other([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      for (const char* const name : {"dir/a", "dir/b", "dir/z"}) put(files, name);
      for (const char* const name : {"dir/a", "dir/b", "dir/z"}) static_cast<void>(files.remove_file(Context(), name));
    }
  });
  for (int i = 0; i != 2000; ++i) {
    const auto infos = files.read_dir_info(ctx, "dir");
    REQUIRE_MESSAGE(infos, text_of(infos));
    REQUIRE(std::ranges::count(*infos, "stays", &fs::FileInfo::name) == 1);
  }
}

LEASH_FS_TEST("walk_info visits what walk visits, with the information of lstat") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put_deep(files, "dir/a", "content");
  put_deep(files, "dir/inner/b");
  put_deep(files, "other/c");
  REQUIRE(files.symlink(ctx, "dir", "link"));
  const auto visited = [&](std::string_view root, fs::WalkNext at_inner = fs::WalkNext::go_on) {
    std::string text;
    const auto walked =
        fs::walk_info(ctx, files, root, [&](std::string_view path, const fs::FileInfo& info, const auto&) {
          const fs::FileInfo again = files.lstat(ctx, path).value();
          CHECK(fs::same_file(info, again));
          CHECK(info.size == again.size);
          CHECK(info.name == again.name);
          text.append(path).append(1, ' ');
          return path == "dir/inner" ? at_inner : fs::WalkNext::go_on;
        });
    return walked ? text : text + to_string(walked.error());
  };
  CHECK(visited(".") == ". dir dir/a dir/inner dir/inner/b link other other/c ");
  CHECK(visited(".", fs::WalkNext::skip_directory) == ". dir dir/a dir/inner link other other/c ");
  CHECK(visited(".", fs::WalkNext::stop) == ". dir dir/a dir/inner ");
  CHECK(visited("dir/inner") == "dir/inner dir/inner/b ");
  CHECK(visited("dir/a") == "dir/a ");
  CHECK(visited("link") == "link ");
  CHECK(visited("missing") == "lstat missing: No such file or directory");
  auto [cancelled, source] = ctx.with_cancel();
  const auto walked = fs::walk_info(cancelled, files, ".", [&, &cancel = source](auto, const auto&, const auto&) {
    cancel.cancel();
    return fs::WalkNext::go_on;
  });
  CHECK(text_of(walked) == "walk_info .: Operation canceled");
}

LEASH_FS_TEST("a directory that cannot be listed is visited again with the error") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  put_deep(files, "dir/a");
  std::vector<std::string> seen;
  const auto visit = [&](std::string_view path, const auto&, const std::optional<leash::Error>& error) {
    if (path == "dir" && !error) REQUIRE(files.remove_all(Context(), "dir"));
    seen.push_back(error ? to_string(*error) : std::string(path));
    return fs::WalkNext::go_on;
  };
  CHECK(fs::walk_info(Context(), files, ".", visit));
  CHECK(seen == std::vector<std::string>{".", "dir", "read_dir_info dir: No such file or directory"});
}

LEASH_FS_TEST("allocate extends a file and leaves what is in it") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file", "content");
  const auto file = files.open(ctx, "file", {.read = true, .write = true}).value();
  CHECK(file->allocate(0, 3));
  CHECK(get(files, "file") == "content");
  CHECK(file->allocate(5, 4));
  CHECK(get(files, "file") == std::string("content\0\0", 9));
  CHECK(file->allocate(10000, 1));
  CHECK(file->stat().value().size == 10001);
  CHECK(text_of(file->allocate(0, 0)) == "allocate file: Invalid argument");
  for (const auto& [offset, size] : {std::pair<std::uint64_t, std::uint64_t>{INT64_MAX, 1},
                                     {std::uint64_t{INT64_MAX} + 1, 1},
                                     {UINT64_MAX, 1},
                                     {1, UINT64_MAX},
                                     {UINT64_MAX, UINT64_MAX},
                                     {1, INT64_MAX}}) {
    CAPTURE(offset);
    CHECK(text_of(file->allocate(offset, size)) == "allocate file: File too large");
  }
  CHECK(file->stat().value().size == 10001);
  CHECK(text_of(files.open(ctx, "file").value()->allocate(0, 1)) ==
        "allocate file: Permission denied (not opened for writing)");
  CHECK(file->close());
  CHECK(text_of(file->allocate(0, 1)) == "allocate file: Bad file descriptor");
}

LEASH_FS_TEST("sync_data writes as sync does") {
  Subject subject(on);
  const auto file = subject.files().create(Context(), "file").value();
  CHECK(file->write("content"));
  CHECK(file->sync_data());
  CHECK(file->close());
  CHECK(text_of(file->sync_data()) == "sync_data file: Bad file descriptor");
}

LEASH_FS_TEST("space tells how much room there is") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  put(files, "file");
  for (const char* const path : {".", "file"}) {
    const auto space = files.space(Context(), path);
    REQUIRE_MESSAGE(space, text_of(space));
    CHECK(space->capacity >= space->free);
    CHECK(space->free >= space->available);
    CHECK(space->available > 0);
  }
  CHECK(text_of(files.space(Context(), "missing")) == "space missing: No such file or directory");
}

LEASH_FS_TEST("a file without a name can be used as any other, and is gone when it is closed") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  REQUIRE(files.mkdir(ctx, "dir"));
  REQUIRE(files.symlink(ctx, "dir", "link"));
  put(files, "file");
  for (const char* const path : {"dir", ".", "link"}) {
    CAPTURE(path);
    const auto file = files.open(ctx, path, without_name());
    REQUIRE_MESSAGE(file, text_of(file));
    CHECK((*file)->write("content"));
    std::string text(7, ' ');
    CHECK((*file)->read_at(std::as_writable_bytes(std::span(text)), 0).value() == 7);
    CHECK(text == "content");
    const fs::FileInfo info = (*file)->stat().value();
    CHECK(info.type == fs::FileType::regular);
    CHECK(info.links == 0);
    CHECK(info.mode == 0644);
    CHECK((*file)->path() == path);
    CHECK(files.read_dir(ctx, "dir").value().empty());
    CHECK(files.read_dir(ctx, ".").value().size() == 3);
    CHECK((*file)->close());
  }
  const auto private_one = files.open(ctx, "dir", {.write = true, .unnamed = true, .mode = 0600}).value();
  CHECK(private_one->stat().value().mode == 0600);
  CHECK(text_of(files.open(ctx, "file", without_name())) == "open file: Not a directory");
  CHECK(text_of(files.open(ctx, "missing", without_name())) == "open missing: No such file or directory");
}

LEASH_FS_TEST("names and paths that are too long are refused by every operation") {
  Subject subject(on);
  std::string path = "d";
  while (path.size() < 5000) path += "/d";
  for (const std::string& too_long : {std::string(256, 'x'), path}) {
    for (const std::error_code code : answers(subject.files(), too_long)) CHECK(code == std::errc::filename_too_long);
  }
  put(subject.files(), std::string(255, 'x'));
  CHECK(subject.files().chmod(Context(), std::string(255, 'x'), 0700));
}

LEASH_FS_TEST("a file is no directory for any operation") {
  Subject subject(on);
  put(subject.files(), "file");
  for (const std::error_code code : answers(subject.files(), "file/below")) CHECK(code == std::errc::not_a_directory);
  CHECK(subject.files().stat(Context(), "file"));
}

// For what only a disk has.
TEST_CASE("chmod and set_times act on a FIFO without opening it, and on a file that nobody may open") {
  const TempDir top;
  for (const bool use_openat2 : {true, false}) {
    CAPTURE(use_openat2);
    fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path(), {.use_openat2 = use_openat2}).value();
    ::unlink((top / "fifo").c_str());
    REQUIRE(::mkfifo((top / "fifo").c_str(), 0) == 0);
    const std::size_t before = count_of_open_descriptors();
    CHECK(files.chmod(Context(), "fifo", 0620));
    CHECK(files.set_times(Context(), "fifo", at(1), at(2)));
    const fs::FileInfo info = files.stat(Context(), "fifo").value();
    CHECK(info.mode == 0620);
    CHECK(info.modified == at(2));
    CHECK(files.space(Context(), "fifo"));
    CHECK(count_of_open_descriptors() == before);
  }
}

TEST_CASE("space is what statvfs says, in bytes") {
  const TempDir top;
  fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path()).value();
  struct statvfs status{};
  REQUIRE(::statvfs(top.path().c_str(), &status) == 0);
  CHECK(files.space(Context(), ".").value().capacity == std::uint64_t{status.f_blocks} * status.f_frsize);
}

TEST_CASE("where a file system cannot have files without names, or reserve room, that is not supported") {
  fs::DiskFS proc = fs::DiskFS::open_root(Context(), "/proc").value();
  const auto file = proc.open(Context(), ".", without_name());
  CHECK(text_of(file) == "open .: Operation not supported");
  fs::DiskFS devices = fs::DiskFS::open_root(Context(), "/dev").value();
  const auto null = devices.open(Context(), "null", {.write = true}).value();
  CHECK(code_of(null->allocate(0, 1)) == std::errc::no_such_device);
}

TEST_CASE("no link that is swapped meanwhile makes chmod or set_times act outside of the root") {
  const TempDir top;
  fs::DiskFS outer = fs::DiskFS::open_root(Context(), top.path()).value();
  put(outer, "outside");
  REQUIRE(outer.chmod(Context(), "outside", 0600));
  REQUIRE(outer.set_times(Context(), "outside", at(1), at(1)));
  REQUIRE(outer.mkdir(Context(), "root"));
  put_deep(outer, "root/file");
  REQUIRE(outer.symlink(Context(), "../outside", "root/link"));
  for (const bool use_openat2 : {true, false}) {
    CAPTURE(use_openat2);
    fs::DiskFS files = fs::DiskFS::open_root(Context(), top / "root", {.use_openat2 = use_openat2}).value();
    std::jthread swapper([&](const std::stop_token& over) {
      const int root = ::open((top / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      while (!over.stop_requested()) {
        static_cast<void>(::renameat2(root, "link", root, "file", RENAME_EXCHANGE));
      }
      ::close(root);
    });
    for (int i = 0; i != 3000; ++i) {
      static_cast<void>(files.chmod(Context(), "file", 0777));
      static_cast<void>(files.set_times(Context(), "file", at(2), at(2)));
    }
  }
  const fs::FileInfo info = outer.stat(Context(), "outside").value();
  CHECK(info.mode == 0600);
  CHECK(info.modified == at(1));
}

TEST_CASE("chmod and set_times do without the newest system calls") {
  const TempDir top;
  fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path()).value();
  put(files, "file");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // fchmodat2(2) is not there, as before Linux 6.6, and utimensat(2) knows no AT_EMPTY_PATH, as before 5.8.
    constexpr auto no_chmod = static_cast<unsigned>(SECCOMP_RET_ERRNO) | ENOSYS;
    constexpr auto no_times = static_cast<unsigned>(SECCOMP_RET_ERRNO) | EINVAL;
    std::array<sock_filter, 8> code{
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 452, 3, 0),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_utimensat, 0, 4),
         BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[3])),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AT_EMPTY_PATH, 1, 2), BPF_STMT(BPF_RET | BPF_K, no_chmod),
         BPF_STMT(BPF_RET | BPF_K, no_times), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      ::_exit(3);
    }
    const bool done = files.chmod(Context(), "file", 0604) && files.set_times(Context(), "file", at(7), at(8));
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  // Where no filter is allowed, there is nothing to see.
  if (WEXITSTATUS(status) == 3) return;
  CHECK(WEXITSTATUS(status) == 0);
  const fs::FileInfo info = files.stat(Context(), "file").value();
  CHECK(info.mode == 0604);
  CHECK(info.accessed == at(7));
  CHECK(info.modified == at(8));
}
