#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

constexpr fs::OpenOptions read_write{.read = true, .write = true, .create = true};

std::string read(fs::File& file, std::size_t size) {
  std::string text(size, '?');
  const auto count = file.read(std::as_writable_bytes(std::span(text)));
  if (!count) return to_string(count.error());
  return text.substr(0, *count);
}

std::string read_at(fs::File& file, std::size_t size, std::uint64_t offset) {
  std::string text(size, '?');
  const auto count = file.read_at(std::as_writable_bytes(std::span(text)), offset);
  if (!count) return to_string(count.error());
  return text.substr(0, *count);
}

}  // namespace

LEASH_FS_TEST("a file is read in any steps, and its end is told by 0") {
  Subject subject(on);
  put(subject.files(), "file", "0123456789");
  for (std::size_t step = 1; step != 12; ++step) {
    CAPTURE(step);
    const auto file = subject.files().open(Context(), "file").value();
    CHECK(read(*file, 0).empty());
    std::string all;
    for (std::string part; !(part = read(*file, step)).empty();) all += part;
    CHECK(all == "0123456789");
    CHECK(read(*file, step).empty());
    CHECK(file->close());
  }
}

LEASH_FS_TEST("read_at is short only at the end, and leaves the position") {
  Subject subject(on);
  put(subject.files(), "file", "0123456789");
  const auto file = subject.files().open(Context(), "file").value();
  CHECK(read(*file, 3) == "012");
  CHECK(read_at(*file, 10, 0) == "0123456789");
  CHECK(read_at(*file, 4, 8) == "89");
  CHECK(read_at(*file, 4, 10).empty());
  CHECK(read_at(*file, 4, 1000).empty());
  CHECK(read_at(*file, 4, INT64_MAX).empty());
  CHECK(read_at(*file, 4, UINT64_MAX).empty());
  CHECK(read_at(*file, 0, 0).empty());
  for (std::size_t i = 0; i != 10; ++i) CHECK(read_at(*file, 1, i) == std::string(1, static_cast<char>('0' + i)));
  CHECK(read(*file, 3) == "345");
}

LEASH_FS_TEST("seek knows three origins, and refuses what is negative") {
  Subject subject(on);
  put(subject.files(), "file", "0123456789");
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->seek(4).value() == 4);
  CHECK(read(*file, 2) == "45");
  CHECK(file->seek(-3, fs::Whence::current).value() == 3);
  CHECK(read(*file, 2) == "34");
  CHECK(file->seek(-2, fs::Whence::end).value() == 8);
  CHECK(read(*file, 9) == "89");
  CHECK(file->seek(0, fs::Whence::current).value() == 10);
  CHECK(code_of(file->seek(-1)) == std::errc::invalid_argument);
  CHECK(code_of(file->seek(-11, fs::Whence::end)) == std::errc::invalid_argument);
  CHECK(code_of(file->seek(INT64_MIN, fs::Whence::current)) == std::errc::invalid_argument);
  CHECK(code_of(file->seek(INT64_MAX, fs::Whence::end)) == std::errc::invalid_argument);
  CHECK(file->seek(0, fs::Whence::current).value() == 10);
  CHECK(file->seek(12).value() == 12);
  CHECK(read(*file, 1).empty());
  CHECK(file->stat().value().size == 10);
  CHECK(file->write("x"));
  CHECK(get(subject.files(), "file") == std::string("0123456789\0\0x", 13));
}

LEASH_FS_TEST("writing goes on at the position, and writing nothing does nothing") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->write("hello "));
  CHECK(file->write("world"));
  CHECK(file->seek(6).value() == 6);
  CHECK(file->write("W"));
  CHECK(read(*file, 9) == "orld");
  CHECK(file->seek(100).value() == 100);
  CHECK(file->write(""));
  CHECK(file->write_at("", 200));
  CHECK(get(subject.files(), "file") == "hello World");
}

LEASH_FS_TEST("write_at leaves the position, and zeros between the end and what it writes") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->write_at("b", 3));
  CHECK(file->write("a"));
  CHECK(get(subject.files(), "file") == std::string("a\0\0b", 4));
  CHECK(code_of(file->write_at("b", INT64_MAX)) == std::errc::file_too_large);
  CHECK(code_of(file->write_at("b", UINT64_MAX)) == std::errc::file_too_large);
  CHECK(code_of(file->truncate(UINT64_MAX)) == std::errc::file_too_large);
  CHECK(file->stat().value().size == 4);
}

LEASH_FS_TEST("a write at 1 TiB is one like any other") {
  constexpr std::uint64_t far = std::uint64_t{1} << 40;
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->write_at("far", far));
  CHECK(file->stat().value().size == far + 3);
  CHECK(read_at(*file, 9, far - 2) == std::string("\0\0far", 5));
  CHECK(read_at(*file, 2, 12345) == std::string("\0\0", 2));
  CHECK(file->truncate(far + 10));
  CHECK(read_at(*file, 20, far + 1) == std::string("ar\0\0\0\0\0\0\0", 9));
}

LEASH_FS_TEST("at the last offset that there is, nothing overflows") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->write("x"));
  // The kernel's files may end earlier.
  const auto at_end = file->seek(INT64_MAX);
  if (!at_end) {
    CHECK(at_end.error() == std::errc::invalid_argument);
  } else {
    CHECK(*at_end == INT64_MAX);
    CHECK(read(*file, 3).empty());
    CHECK(code_of(file->write("x")) == std::errc::file_too_large);
    CHECK(file->seek(-1, fs::Whence::current).value() == INT64_MAX - 1);
    CHECK(read(*file, 3).empty());
    CHECK(code_of(file->write("xy")) == std::errc::file_too_large);
    CHECK(file->seek(1, fs::Whence::current).value() == INT64_MAX);
    CHECK(code_of(file->seek(1, fs::Whence::current)) == std::errc::invalid_argument);
    CHECK(file->seek(0, fs::Whence::current).value() == INT64_MAX);
  }
  CHECK(code_of(file->write_at("xy", INT64_MAX - 1)) == std::errc::file_too_large);
  CHECK(read_at(*file, 3, INT64_MAX - 1).empty());
  CHECK(code_of(file->allocate(INT64_MAX, 1)) == std::errc::file_too_large);
  const auto longest = file->truncate(INT64_MAX);
  if (!longest) {
    CHECK(longest.error() == std::errc::file_too_large);
    return;
  }
  CHECK(file->stat().value().size == INT64_MAX);
  CHECK(read_at(*file, 3, INT64_MAX - 2) == std::string("\0\0", 2));
  CHECK(file->seek(-1, fs::Whence::end).value() == INT64_MAX - 1);
  CHECK(code_of(file->seek(1, fs::Whence::end)) == std::errc::invalid_argument);
  const auto appending = subject.files().append(Context(), "file").value();
  CHECK(code_of(appending->write("x")) == std::errc::file_too_large);
  CHECK(file->truncate(1));
  CHECK(get(subject.files(), "file") == "x");
}

LEASH_FS_TEST("truncate cuts and extends, and leaves the position") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->write("0123456789"));
  CHECK(file->truncate(4));
  CHECK(file->seek(0, fs::Whence::current).value() == 10);
  CHECK(file->truncate(6));
  CHECK(get(subject.files(), "file") == std::string("0123\0\0", 6));
  CHECK(file->write("x"));
  CHECK(get(subject.files(), "file") == std::string("0123\0\0\0\0\0\0x", 11));
}

LEASH_FS_TEST("appending goes to the end that there is then, wherever the position was") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const auto one = files.append(Context(), "log").value();
  const auto two = files.append(Context(), "log").value();
  CHECK(one->write("1"));
  CHECK(two->write("2"));
  CHECK(one->seek(0).value() == 0);
  CHECK(one->write("3"));
  CHECK(one->seek(0, fs::Whence::current).value() == 3);
  CHECK(code_of(one->write_at("x", 0)) == std::errc::invalid_argument);
  CHECK(get(files, "log") == "123");
  CHECK(one->truncate(1));
  CHECK(two->write("4"));
  CHECK(get(files, "log") == "14");
}

LEASH_FS_TEST("a file does only what it was opened for") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  const auto reader = subject.files().open(Context(), "file").value();
  CHECK(text_of(reader->write("x")) == "write file: Permission denied (not opened for writing)");
  CHECK(code_of(reader->write("")) == std::errc::permission_denied);
  CHECK(code_of(reader->write_at("x", 0)) == std::errc::permission_denied);
  CHECK(code_of(reader->truncate(0)) == std::errc::permission_denied);
  CHECK(reader->sync());
  const auto writer = subject.files().open(Context(), "file", {.write = true}).value();
  CHECK(read(*writer, 1) == "read file: Permission denied (not opened for reading)");
  CHECK(read_at(*writer, 1, 0) == "read_at file: Permission denied (not opened for reading)");
  CHECK(get(subject.files(), "file") == "content");
}

LEASH_FS_TEST("a closed file does nothing any more, and says so") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  CHECK(file->write("content"));
  CHECK(file->close());
  CHECK(read(*file, 1) == "read file: Bad file descriptor");
  CHECK(read_at(*file, 1, 0) == "read_at file: Bad file descriptor");
  CHECK(text_of(file->write("x")) == "write file: Bad file descriptor");
  CHECK(text_of(file->write_at("x", 0)) == "write_at file: Bad file descriptor");
  CHECK(text_of(file->seek(0)) == "seek file: Bad file descriptor");
  CHECK(text_of(file->truncate(0)) == "truncate file: Bad file descriptor");
  CHECK(text_of(file->sync()) == "sync file: Bad file descriptor");
  CHECK(text_of(file->stat()) == "stat file: Bad file descriptor");
  CHECK(text_of(file->release()) == "release file: Bad file descriptor");
  CHECK(text_of(file->close()) == "close file: Bad file descriptor");
  CHECK(text_of(file->close()) == "close file: Bad file descriptor");
  CHECK(file->native_handle() == -1);
  CHECK(file->path() == "file");
  CHECK(get(subject.files(), "file") == "content");
}

LEASH_FS_TEST("stat of a file and of its path agree, and writing moves its time on") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  const auto before = file->stat().value();
  CHECK(before.type == fs::FileType::regular);
  CHECK(before.links == 1);
  CHECK(before.size == 0);
  CHECK(file->write("content"));
  auto after = subject.files().stat(Context(), "file").value();
  // The times of files go by the kernel's tick.
  for (std::uint64_t at = 0; after.modified == before.modified; ++at %= 7) {
    CHECK(file->write_at("c", at));
    after = subject.files().stat(Context(), "file").value();
  }
  CHECK(after.size == 7);
  CHECK(after.modified > before.modified);
  CHECK(after.changed > before.changed);
  CHECK(fs::same_file(before, after));
  CHECK(file->stat().value().modified == after.modified);
}

LEASH_FS_TEST("handles outlive their file system and their Context") {
  std::unique_ptr<fs::File> file;
  std::unique_ptr<fs::Dir> dir;
  {
    Subject subject(on);
    const Context ctx = Context().with_note("short-lived");
    file = subject.files().open(ctx, "file", read_write).value();
    dir = subject.files().open_dir(ctx, ".").value();
    REQUIRE(file->write("content"));
  }
  CHECK(read_at(*file, 9, 0) == "content");
  CHECK(file->write_at("C", 0));
  CHECK(file->stat().value().size == 7);
  CHECK(dir->stat().value().is_directory());
  CHECK(dir->read(10));
  CHECK(file->close());
}

namespace {

/// A leak on purpose: a handle of each kind that lives until the statics are destroyed.
std::vector<std::unique_ptr<fs::File>>& forgotten() {
  static std::vector<std::unique_ptr<fs::File>> files;
  return files;
}

}  // namespace

LEASH_FS_TEST("a handle may live until static variables are destroyed") {
  Subject subject(on);
  forgotten().push_back(subject.files().open(Context(), "file", read_write).value());
  CHECK(forgotten().back()->write("written late"));
}

LEASH_FS_TEST("positional reads and writes run in many threads at once") {
  Subject subject(on);
  const auto file = subject.files().open(Context(), "file", read_write).value();
  constexpr int count = 4;
  constexpr int rounds = 200;
  REQUIRE(file->truncate(count * rounds));
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i != count; ++i) {
      threads.emplace_back([&, i] {
        const std::string mark(1, static_cast<char>('a' + i));
        for (int round = 0; round != rounds; ++round) {
          const auto offset = static_cast<std::uint64_t>(round * count + i);
          if (!file->write_at(mark, offset)) ++failures;
          if (read_at(*file, 1, offset) != mark) ++failures;
          if (file->stat().value().size != count * rounds) ++failures;
        }
      });
    }
  }
  CHECK(failures == 0);
  std::string expected;
  for (int round = 0; round != rounds; ++round) expected += "abcd";
  CHECK(get(subject.files(), "file") == expected);
}

LEASH_FS_TEST("appending goes to the end even where nothing would fit behind the position") {
  Subject subject(on);
  const auto file = subject.files().append(Context(), "log").value();
  REQUIRE(file->write("one "));
  // Not every disk has files that may be so large.
  static_cast<void>(file->seek(INT64_MAX - 1));
  CHECK(file->write("two"));
  CHECK(file->seek(0, fs::Whence::current).value() == 7);
  CHECK(get(subject.files(), "log") == "one two");
}

LEASH_FS_TEST("open says what is wrong with a path rather than with the options") {
  Subject subject(on);
  CHECK(text_of(subject.files().open(Context(), "a//b", {})) == "open a//b: Invalid argument (empty element in path)");
}

LEASH_FS_TEST("appends of many threads do not tear or overwrite each other") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  constexpr int rounds = 100;
  {
    std::vector<std::jthread> threads;
    for (const char mark : {'a', 'b', 'c'}) {
      threads.emplace_back([&files, mark] {
        const auto file = files.append(Context(), "log").value();
        for (int i = 0; i != rounds; ++i) static_cast<void>(file->write(std::string(9, mark) + '\n'));
      });
    }
  }
  const std::string log = get(files, "log");
  REQUIRE(log.size() == 3 * 10 * rounds);
  for (std::size_t at = 0; at != log.size(); at += 10) {
    CHECK(log.substr(at, 10) == std::string(9, log[at]) + '\n');
  }
}

LEASH_FS_TEST("the tree may be changed, listed and read by many threads at once") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  REQUIRE(files.mkdir(Context(), "shared"));
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (const char* name : {"one", "two", "three"}) {
      threads.emplace_back([&, name] {
        const Context ctx;
        const std::string path = std::string("shared/") + name;
        const std::string moved = path + ".moved";
        for (int i = 0; i != 100; ++i) {
          if (!fs::write_file(ctx, files, path, name)) ++failures;
          if (get(files, path) != name) ++failures;
          if (!files.read_dir(ctx, "shared")) ++failures;
          if (!files.rename(ctx, path, moved)) ++failures;
          if (files.stat(ctx, moved).value().size != std::string_view(name).size()) ++failures;
          if (!files.mkdir_all(ctx, std::string("shared/dir/") + name)) ++failures;
          if (!files.remove(ctx, moved)) ++failures;
        }
      });
    }
  }
  CHECK(failures == 0);
  CHECK(files.read_dir(Context(), "shared").value().size() == 1);
}

LEASH_FS_TEST("remove_all and those who fill the tree meanwhile do not break each other") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  std::atomic<bool> over{false};
  {
    const std::jthread filler([&] {
      const Context ctx;
      while (!over) {
        static_cast<void>(files.mkdir_all(ctx, "tree/a/b/c"));
        static_cast<void>(fs::write_file(ctx, files, "tree/a/b/file", "x"));
        static_cast<void>(fs::write_file(ctx, files, "tree/a/file", "x"));
      }
    });
    for (int i = 0; i != 100; ++i) {
      const auto removed = files.remove_all(Context(), "tree");
      CHECK_MESSAGE(removed, text_of(removed));
    }
    over = true;
  }
  CHECK(files.remove_all(Context(), "tree"));
  CHECK(files.read_dir(Context(), ".").value().empty());
}
