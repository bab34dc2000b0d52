#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <leash/fault/sweep.hpp>
#include <leash/fs/copy_file.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/exists.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/read_full.hpp>
#include <leash/fs/reader.hpp>
#include <leash/fs/temp_dir.hpp>
#include <leash/fs/temp_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <leash/fs/writer.hpp>
#include <leash/try.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "temp_dir.hpp"

using leash::Context;
using leash::Result;
using leash::fault::expect;
using leash::fault::SweepGroup;
using leash::fault::SweepOptions;
using leash::fault::SweepResult;
using leash::fault::Trouble;
using leash::fs::FileSystem;

namespace {

/// A helper at work on a file system in which all may fail, and what is below that.
using HelperBody = std::function<Result<void>(const Context&, FileSystem& files, FileSystem& sound)>;

struct Helper {
  std::string_view name;
  HelperBody body;
  bool drops = false;  ///< The body above leaves what it has opened to destructors, which reports note.
};

bool holds(FileSystem& sound, std::string_view path, std::string_view content) {
  return leash::fs::read_file(Context(), sound, path) == std::string(content);
}

Result<void> copy_lines(const Context& context, FileSystem& files) {
  auto from = files.open(context, "a/long");
  if (!from) return std::unexpected(from.error());
  auto to = files.create(context, "lines");
  if (!to) return std::unexpected(to.error());
  leash::fs::Reader reader(context, **from, {.buffer_size = 16});
  leash::fs::Writer writer(context, **to, 16);
  Result<void> read;
  for (const std::string_view line : reader.lines(read)) {
    LEASH_TRY(writer.write(line));
    LEASH_TRY(writer.write(std::string_view("\n")));
  }
  LEASH_TRY(writer.close());
  return read;
}

Result<void> use_temporaries(const Context& context, FileSystem& files) {
  auto dir = leash::fs::temp_dir(context, files);
  if (!dir) return std::unexpected(dir.error());
  auto file = leash::fs::temp_file(context, files, dir->path());
  if (!file) return std::unexpected(file.error());
  LEASH_TRY(file->file().write(std::as_bytes(std::span(std::string_view("x")))));
  LEASH_TRY(file->remove());
  return dir->remove();
}

std::vector<Helper> helpers() {
  return {
      {"exists",
       [](const Context& context, FileSystem& files, FileSystem&) -> Result<void> {
         auto there = leash::fs::exists(context, files, "a/long");
         if (!there) return std::unexpected(there.error());
         expect(context, *there, "what exists is said to exist");
         return {};
       }},
      {"read_file",
       [](const Context& context, FileSystem& files, FileSystem& sound) -> Result<void> {
         auto content = leash::fs::read_file(context, files, "a/long");
         if (!content) return std::unexpected(content.error());
         expect(context, holds(sound, "a/long", *content), "all is read");
         return {};
       }},
      {"write_file",
       [](const Context& context, FileSystem& files, FileSystem& sound) -> Result<void> {
         Result<void> written = leash::fs::write_file(context, files, "new", "content");
         expect(context, !written || holds(sound, "new", "content"), "all is written");
         return written;
       }},
      {"write_file_atomic",
       [](const Context& context, FileSystem& files, FileSystem& sound) -> Result<void> {
         Result<void> written = leash::fs::write_file_atomic(context, files, "a/old", "new");
         const bool is_new = holds(sound, "a/old", "new");
         expect(context, is_new || holds(sound, "a/old", "old"), "it is the old content or the new one");
         expect(context, !written || is_new, "all is written");
         return written;
       }},
      {"copy_file",
       [](const Context& context, FileSystem& files, FileSystem& sound) -> Result<void> {
         Result<void> copied = leash::fs::copy_file(context, files, "a/long", files, "copy");
         expect(context, !copied || holds(sound, "copy", leash::fs::read_file(Context(), sound, "a/long").value()),
                "all is copied");
         return copied;
       }},
      {"Reader and Writer",
       [](const Context& context, FileSystem& files, FileSystem& sound) -> Result<void> {
         Result<void> copied = copy_lines(context, files);
         expect(context, !copied || holds(sound, "lines", leash::fs::read_file(Context(), sound, "a/long").value()),
                "all is copied");
         return copied;
       },
       true},
      {"temp_dir and temp_file",
       [](const Context& context, FileSystem& files, FileSystem&) { return use_temporaries(context, files); }, true},
      {"walk",
       [](const Context& context, FileSystem& files, FileSystem&) -> Result<void> {
         Result<void> error;
         LEASH_TRY(leash::fs::walk(context, files, ".",
                                   [&](std::string_view, const leash::fs::DirEntry&, const auto& failed) {
                                     if (failed) error = std::unexpected(*failed);
                                     return leash::fs::WalkNext::go_on;
                                   }));
         return error;
       }},
      {"walk_info",
       [](const Context& context, FileSystem& files, FileSystem&) -> Result<void> {
         Result<void> error;
         LEASH_TRY(leash::fs::walk_info(context, files, ".",
                                        [&](std::string_view, const leash::fs::FileInfo&, const auto& failed) {
                                          if (failed) error = std::unexpected(*failed);
                                          return leash::fs::WalkNext::go_on;
                                        }));
         return error;
       }},
  };
}

void fill(FileSystem& sound) {
  const Context context;
  REQUIRE(sound.mkdir_all(context, "a/b"));
  REQUIRE(leash::fs::write_file(context, sound, "a/old", "old"));
  REQUIRE(leash::fs::write_file(context, sound, "a/long", "one\ntwo\nthree hundred and thirty three\nfour\n"));
}

void check_clean(const Helper& helper, const SweepResult& result) {
  CAPTURE(helper.name);
  CAPTURE(result);
  CHECK(result.ok());
  CHECK(result.points > 0);
  // A helper closes all that it has opened, whatever fails: not even a note.
  if (!helper.drops) CHECK(std::ranges::count(result.groups, Trouble::finding, &SweepGroup::trouble) == 0);
}

}  // namespace

TEST_CASE("each helper of fs comes out clean in memory, with one fault and with two") {
  for (const Helper& helper : helpers()) {
    check_clean(helper, leash::fault::sweep([&](const Context& context) {
                  leash::fs::MemoryFS memory{};
                  fill(memory);
                  leash::fs::FaultFS faulty(memory);
                  leash::fs::TrackedFS files(faulty);
                  return helper.body(context, files, memory);
                }));
  }
}

TEST_CASE("each helper of fs comes out clean on the disk") {
  for (const Helper& helper : helpers()) {
    check_clean(helper,
                leash::fault::sweep(
                    [&](const Context& context) -> Result<void> {
                      const TempDir dir;
                      auto disk = leash::fs::DiskFS::open_root(Context(), dir.path());
                      if (!disk) return std::unexpected(disk.error());
                      fill(*disk);
                      leash::fs::FaultFS faulty(*disk);
                      leash::fs::TrackedFS files(faulty);
                      return helper.body(context, files, *disk);
                    },
                    {.tracker = {.rules = {.untracked = leash::track::Severity::failure}}, .faults_per_run = 1}));
  }
}
