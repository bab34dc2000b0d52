#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <leash/fs/mapping.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "subjects.hpp"

namespace fs = leash::fs;
using fs::MapMode;
using leash::Context;

namespace {

std::string_view text_in(const fs::Mapping& mapping) {
  const auto bytes = mapping.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void fill(const fs::Mapping& mapping, std::string_view text) {
  REQUIRE(text.size() <= mapping.writable_bytes().size());
  std::ranges::copy(std::as_bytes(std::span(text)), mapping.writable_bytes().begin());
}

std::unique_ptr<fs::File> open_to_map(fs::FileSystem& files, std::string_view path) {
  return files.open(Context(), path, {.read = true, .write = true}).value();
}

/// As many bytes as three pages and a bit have, each of which says where it stands.
std::string long_text() {
  std::string text;
  while (text.size() < 3 * 4096 + 100) text += std::to_string(text.size()) + ' ';
  return text;
}

}  // namespace

LEASH_FS_TEST("any range within a file can be mapped, whatever it begins at") {
  Subject subject(on);
  const std::string text = long_text();
  put(subject.files(), "file", text);
  const auto file = subject.files().open(Context(), "file").value();
  for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096},
                                   std::size_t{4097}, std::size_t{8191}, text.size() - 1}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{4096}, std::size_t{4097}, text.size()}) {
      const std::size_t fits = std::min(size, text.size() - offset);
      CAPTURE(offset);
      CAPTURE(fits);
      const auto mapping = file->map(offset, fits);
      REQUIRE_MESSAGE(mapping, text_of(mapping));
      CHECK(text_in(**mapping) == text.substr(offset, fits));
      CHECK((*mapping)->writable_bytes().empty());
      CHECK((*mapping)->path() == "file");
    }
  }
}

LEASH_FS_TEST("what is written to a map is written to the file, and the other way round") {
  Subject subject(on);
  put(subject.files(), "file", long_text());
  const auto file = open_to_map(subject.files(), "file");
  const auto mapping = file->map(5000, 100, MapMode::write).value();
  const auto seen = file->map(4990, 200).value();
  CHECK(mapping->writable_bytes().data() == mapping->bytes().data());
  fill(*mapping, "through the map");
  CHECK(text_in(*seen).substr(10, 15) == "through the map");
  CHECK(get(subject.files(), "file").substr(5000, 15) == "through the map");
  CHECK(file->write_at("by the file", 5050));
  CHECK(text_in(*mapping).substr(50, 11) == "by the file");
  CHECK(mapping->sync());
  CHECK(seen->sync());
}

LEASH_FS_TEST("a map outlives its handle and the name of the file") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  auto file = open_to_map(subject.files(), "file");
  const auto mapping = file->map(0, 7, MapMode::write).value();
  CHECK(file->close());
  file.reset();
  CHECK(subject.files().remove(Context(), "file"));
  CHECK(text_in(*mapping) == "content");
  fill(*mapping, "CONTENT");
  CHECK(text_in(*mapping) == "CONTENT");
  CHECK(mapping->sync());
  CHECK(mapping->path() == "file");
}

LEASH_FS_TEST("a map that is closed has no bytes") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  const auto mapping = open_to_map(subject.files(), "file")->map(0, 7, MapMode::write).value();
  CHECK(mapping->close());
  CHECK(mapping->bytes().empty());
  CHECK(mapping->writable_bytes().empty());
  CHECK(text_of(mapping->sync()) == "sync file: Bad file descriptor");
  CHECK(text_of(mapping->close()) == "close file: Bad file descriptor");
}

LEASH_FS_TEST("a range that does not lie within the file is refused") {
  Subject subject(on);
  const std::string text = long_text();
  put(subject.files(), "file", text);
  put(subject.files(), "empty");
  const auto file = open_to_map(subject.files(), "file");
  const auto empty = open_to_map(subject.files(), "empty");
  const auto refused = [&](std::uint64_t offset, std::size_t size) {
    CAPTURE(offset);
    CAPTURE(size);
    CHECK(text_of(file->map(offset, size)) == "map file: Invalid argument (the range ends behind the file)");
    CHECK(code_of(file->map(offset, size, MapMode::write)) == std::errc::invalid_argument);
    CHECK(code_of(empty->map(offset, size)) == std::errc::invalid_argument);
  };
  refused(0, text.size() + 1);
  refused(1, text.size());
  refused(text.size(), 1);
  refused(text.size() - 1, 2);
  // In the last page, but behind the end.
  refused(text.size() + 1, 1);
  refused(1U << 20U, 1);
  refused(INT64_MAX, 1);
  refused(INT64_MAX - 4096, 4096);
  refused(std::uint64_t{INT64_MAX} + 1, 1);
  refused(UINT64_MAX, 1);
  refused(UINT64_MAX, SIZE_MAX);
  refused(0, SIZE_MAX);
  refused(1, SIZE_MAX);
  CHECK(text_of(file->map(0, 0)) == "map file: Invalid argument (a size of 0)");
  CHECK(code_of(empty->map(0, 1)) == std::errc::invalid_argument);
}

LEASH_FS_TEST("a map asks for what the file was opened for") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  fs::FileSystem& files = subject.files();
  const auto reading = files.open(Context(), "file").value();
  const auto writing = files.open(Context(), "file", {.write = true}).value();
  const auto directory = files.open(Context(), ".", {.read = true, .directory = true}).value();
  CHECK(reading->map(0, 7));
  CHECK(text_of(reading->map(0, 7, MapMode::write)) == "map file: Permission denied (not opened for writing)");
  CHECK(text_of(writing->map(0, 7)) == "map file: Permission denied (not opened for reading)");
  CHECK(text_of(writing->map(0, 7, MapMode::write)) == "map file: Permission denied (not opened for reading)");
  CHECK(text_of(directory->map(0, 1)) == "map .: Is a directory");
  CHECK(reading->close());
  CHECK(text_of(reading->map(0, 7)) == "map file: Bad file descriptor");
}

TEST_CASE("what cannot be mapped says so, and what has no size can be") {
  const TempDir top;
  fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path()).value();
  REQUIRE(::mkfifo((top / "fifo").c_str(), 0600) == 0);
  const auto fifo = files.open(Context(), "fifo").value();
  CHECK(code_of(fifo->map(0, 1)) == std::errc::no_such_device);
  fs::DiskFS devices = fs::DiskFS::open_root(Context(), "/dev").value();
  const auto zero = devices.open(Context(), "zero").value();
  CHECK(text_in(*zero->map(0, 3).value()) == std::string_view("\0\0\0", 3));
}

TEST_CASE("a map of terabytes, most of which is a hole, needs no memory; one too large is refused") {
  Subject subject(On::disk);
  const auto file = subject.files().open(Context(), "file", {.read = true, .write = true, .create = true}).value();
  constexpr std::uint64_t size = std::uint64_t{1} << 40U;
  if (!file->truncate(size)) return;
  const auto mapping = file->map(1, size - 1);
  // A sanitizer or a limit may leave less room than that.
  if (mapping) CHECK((*mapping)->bytes().back() == std::byte{0});
  if (!mapping) CHECK(code_of(mapping) == std::errc::not_enough_memory);
}

TEST_CASE("memory does not map more than 64 GiB at once") {
  fs::MemoryFS memory;
  const auto file = memory.open(Context(), "file", {.read = true, .write = true, .create = true}).value();
  CHECK(file->truncate(std::uint64_t{1} << 40U));
  CHECK(code_of(file->map(0, (std::size_t{1} << 36U) + 1)) == std::errc::not_enough_memory);
}

TEST_CASE("a map is gone when it is closed or destroyed") {
  const TempDir top;
  fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path()).value();
  put(files, "a file for this test", "content");
  const auto file = files.open(Context(), "a file for this test").value();
  const auto is_mapped = [&] {
    std::ifstream maps("/proc/self/maps");
    return std::string(std::istreambuf_iterator<char>(maps), {}).contains(top / "a file for this test");
  };
  {
    const auto mapping = file->map(3, 1).value();
    CHECK(is_mapped());
    CHECK(mapping->close());
    CHECK_FALSE(is_mapped());
    const auto dropped = file->map(3, 1).value();
    CHECK(is_mapped());
  }
  CHECK_FALSE(is_mapped());
}
