#include <doctest/doctest.h>

#include <leash/fs/logging_fs.hpp>
#include <leash/fs/read_only_fs.hpp>
#include <leash/fs/sub_fs.hpp>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// The lines of a LoggingFS, of which each that is taken must begin with a line of this source.
class Log {
 public:
  explicit Log(fs::FileSystem& inner) : files(inner, [this](std::string_view line) { lines_.emplace_back(line); }) {}

  /// The only line since the last call, without its place, which must be `line` of this source.
  std::string take(unsigned line) {
    REQUIRE(lines_.size() == 1);
    std::string text = std::move(lines_.front());
    lines_.clear();
    const std::string place = "tests/fs/logging_fs_test.cpp:" + std::to_string(line) + ": ";
    CAPTURE(text);
    CHECK(text.starts_with(place));
    return text.substr(std::min(place.size(), text.size()));
  }

  std::size_t size() const { return lines_.size(); }

 private:
  std::vector<std::string> lines_;

 public:
  fs::LoggingFS files;
};

}  // namespace

LEASH_FS_TEST("LoggingFS tells each operation in a line, with its place and how it ended") {
  Subject subject(on);
  Log log(subject.files());
  fs::FileSystem& files = log.files;
  const Context ctx;
  std::array<std::byte, 9> room{};
  // clang-format off
  CHECK(files.mkdir(ctx, "dir")); CHECK(log.take(__LINE__) == "mkdir dir");
  const auto file = files.open(ctx, "data.csv", {.read = true, .write = true, .create = true}).value(); CHECK(log.take(__LINE__) == "open data.csv (read, write, create)");
  CHECK(file->write("12345")); CHECK(log.take(__LINE__) == "File::write data.csv: 5 bytes at 0");
  CHECK(file->seek(-4, fs::Whence::current)); CHECK(log.take(__LINE__) == "File::seek data.csv: by -4");
  CHECK(file->read(std::span(room).first(2))); CHECK(log.take(__LINE__) == "File::read data.csv: 2 bytes at 1");
  CHECK(file->read(room)); CHECK(log.take(__LINE__) == "File::read data.csv: 2 of 9 bytes at 3");
  CHECK(file->read_at(room, 9)); CHECK(log.take(__LINE__) == "File::read_at data.csv: 0 of 9 bytes at 9");
  CHECK(file->truncate(4)); CHECK(log.take(__LINE__) == "File::truncate data.csv: to 4 bytes");
  CHECK(file->allocate(1, 3)); CHECK(log.take(__LINE__) == "File::allocate data.csv: 3 bytes at 1");
  CHECK(file->try_lock(fs::LockMode::shared)); CHECK(log.take(__LINE__) == "File::try_lock data.csv: from 0");
  CHECK(file->unlock({2, 3})); CHECK(log.take(__LINE__) == "File::unlock data.csv: 3 bytes at 2");
  const auto mapping = file->map(1, 2).value(); CHECK(log.take(__LINE__) == "File::map data.csv: 2 bytes at 1");
  CHECK(mapping->close()); CHECK(log.take(__LINE__) == "Mapping::close data.csv");
  CHECK(file->close()); CHECK(log.take(__LINE__) == "File::close data.csv");
  CHECK_FALSE(file->write("123")); CHECK(log.take(__LINE__) == "File::write data.csv: 3 bytes at 5: Bad file descriptor");
  const auto dir = files.open_dir(ctx, "dir").value(); CHECK(log.take(__LINE__) == "open_dir dir");
  CHECK(dir->read(7)); CHECK(log.take(__LINE__) == "Dir::read dir: at most 7 entries");
  CHECK(files.truncate(ctx, "data.csv", 1)); CHECK(log.take(__LINE__) == "truncate data.csv: to 1 bytes");
  CHECK(files.rename(ctx, "data.csv", "a")); CHECK(log.take(__LINE__) == "rename data.csv -> a");
  CHECK(files.symlink(ctx, "a", "symlink")); CHECK(log.take(__LINE__) == "symlink symlink -> a");
  CHECK_FALSE(files.rename(ctx, "data.csv", "a")); CHECK(log.take(__LINE__) == "rename data.csv -> a: No such file or directory");
  CHECK_FALSE(files.open(ctx, "missing")); CHECK(log.take(__LINE__) == "open missing (read): No such file or directory");
  // clang-format on
}

TEST_CASE("LoggingFS tells nothing of what is refused before, and all of what is refused within") {
  fs::MemoryFS memory{{"dir/file", ""}};
  fs::ReadOnlyFS inner(memory);
  fs::SubFS sub(inner, "dir");
  Log log(sub);
  CHECK_FALSE(log.files.open(Context(), "../x"));
  CHECK(log.size() == 0);
  CHECK_FALSE(log.files.remove(Context(), "file"));
  // The error names another path than the operation.
  CHECK(log.take(__LINE__ - 2) == "remove file: remove dir/file: Read-only file system");
}

TEST_CASE("LoggingFS writes one line for each operation, whatever the paths contain") {
  fs::MemoryFS memory;
  Log log(memory);
  CHECK(log.files.mkdir(Context(), "a\nb\x1b[31m\xff"));
  CHECK(log.take(__LINE__ - 1) == "mkdir a\\nb\\x1b[31m\\xff");
  CHECK(log.files.symlink(Context(), "t\r\n", "s\t"));
  CHECK(log.take(__LINE__ - 1) == "symlink s\\t -> t\\r\\n");
  CHECK_FALSE(log.files.rename(Context(), "x\n", "y\n"));
  CHECK(log.take(__LINE__ - 1) == "rename x\\n -> y\\n: No such file or directory");
}

TEST_CASE("LoggingFS has a function to log with") {
  fs::MemoryFS memory;
  CHECK_THROWS_AS(fs::LoggingFS(memory, nullptr), std::logic_error);
}

TEST_CASE("LoggingFS logs what many threads do") {
  fs::MemoryFS memory{{"file", "12345"}};
  std::mutex mutex;
  std::set<std::string> lines;
  int count = 0;
  fs::LoggingFS files(memory, [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace(line);
    ++count;
  });
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread != 4; ++thread) {
      workers.emplace_back([&] {
        for (int round = 0; round != 50; ++round) static_cast<void>(files.stat(Context(), "file"));
      });
    }
  }
  CHECK(count == 200);
  CHECK(lines.size() == 1);
}
