// What programs do with std::filesystem and fstream, done with leash: docs/from_std_filesystem.md shows its parts.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <leash/fs/copy_file.hpp>
#include <leash/fs/exists.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/path.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/read_full.hpp>
#include <leash/fs/reader.hpp>
#include <leash/fs/temp_dir.hpp>
#include <leash/fs/temp_file.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <leash/fs/writer.hpp>
#include <leash/try.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using leash::Context;
using leash::Result;
using leash::fs::DirEntry;
using leash::fs::FileSystem;

// snippet: names
Result<void> names(const Context& ctx, FileSystem& files) {
  const std::filesystem::path logs = "var/logs";
  LEASH_TRY(files.mkdir_all(ctx, logs));                                    // create_directories
  LEASH_TRY(leash::fs::write_file(ctx, files, logs / "a.log", "one\n"));    // a path of the standard library will do
  LEASH_TRY(files.rename(ctx, "var/logs/a.log", "var/logs/b.log"));         // rename
  const bool there = LEASH_TRY(leash::fs::exists(ctx, files, "var/logs"));  // exists
  const auto info = LEASH_TRY(files.stat(ctx, "var/logs/b.log"));           // file_size, status, last_write_time
  for (const DirEntry& entry : LEASH_TRY(files.read_dir(ctx, logs))) {      // directory_iterator
    std::printf("%s, %llu bytes\n", entry.name.c_str(), static_cast<unsigned long long>(info.size));
  }
  LEASH_TRY(files.remove_all(ctx, "var"));  // remove_all
  return there ? Result<void>() : leash::fail("exists", "var/logs", std::errc::no_such_file_or_directory);
}
// end snippet

// snippet: tree
Result<std::vector<std::string>> headers(const Context& ctx, FileSystem& files) {  // recursive_directory_iterator
  std::vector<std::string> found;
  LEASH_TRY(leash::fs::walk(ctx, files, ".", [&](std::string_view path, const DirEntry&, const auto& error) {
    if (!error && path.ends_with(".hpp")) found.emplace_back(path);
    return leash::fs::WalkNext::go_on;
  }));
  return found;
}
// end snippet

// snippet: lines
Result<std::size_t> longest_line(const Context& ctx, FileSystem& files, std::string_view path) {
  auto file = LEASH_TRY(files.open(ctx, path));  // std::ifstream
  leash::fs::Reader reader(ctx, *file);
  std::size_t longest = 0;
  Result<void> read;
  for (const std::string_view line : reader.lines(read)) longest = std::max(longest, line.size());  // std::getline
  LEASH_TRY(read);  // The loop ends at an error, too: getline does not tell the two apart.
  LEASH_TRY(file->close());
  return longest;
}
// end snippet

// snippet: write
Result<void> write_rows(const Context& ctx, FileSystem& files, std::span<const std::string> rows) {
  auto file = LEASH_TRY(files.create(ctx, "rows.csv"));  // std::ofstream
  leash::fs::Writer writer(ctx, *file);
  for (const std::string& row : rows) {
    LEASH_TRY(writer.write(row));  // out << row
    LEASH_TRY(writer.write("\n"));
  }
  return writer.close();  // Writes what is in the buffer, closes the file, and tells what went wrong.
}
// end snippet

// snippet: whole
Result<void> whole_files(const Context& ctx, FileSystem& files) {
  LEASH_TRY(leash::fs::write_file_atomic(ctx, files, "settings", "a = 1\n"));  // write, flush, rename
  const std::string text = LEASH_TRY(leash::fs::read_file(ctx, files, "settings"));
  LEASH_TRY(leash::fs::copy_file(ctx, files, "settings", files, "settings.bak",  // copy_file
                                 {.overwrite = true}));
  std::printf("%s", text.c_str());
  return {};
}
// end snippet

// snippet: bytes
Result<std::string> magic_number(const Context& ctx, FileSystem& files, std::string_view path) {
  auto file = LEASH_TRY(files.open(ctx, path));
  std::array<char, 4> magic{};
  const auto buffer = std::as_writable_bytes(std::span(magic));
  const std::size_t size = LEASH_TRY(leash::fs::read_full(*file, buffer));  // in.read(…), in.gcount()
  LEASH_TRY(file->close());
  return std::string(magic.data(), size);
}
// end snippet

// snippet: temporary
Result<void> temporary(const Context& ctx, FileSystem& files) {
  LEASH_TRY(files.mkdir_all(ctx, "tmp"));
  auto directory = LEASH_TRY(leash::fs::temp_dir(ctx, files, "tmp"));  // temp_directory_path, mkdtemp
  auto file = LEASH_TRY(leash::fs::temp_file(ctx, files, directory.path(), "part-"));
  LEASH_TRY(file.file().write("scratch"));
  return directory.remove();  // So would its destructor, which has nobody to tell that it failed.
}
// end snippet

// snippet: paths
Result<std::string> below(std::string_view directory, std::string_view what_a_user_typed) {
  const std::string name = LEASH_TRY(leash::fs::clean_path(what_a_user_typed));  // lexically_normal
  return leash::fs::join(directory, name);                                       // directory / name
}
// end snippet

Result<void> all(const Context& ctx, FileSystem& files) {
  LEASH_TRY(names(ctx, files));
  LEASH_TRY(leash::fs::write_file(ctx, files, "a.hpp", "#pragma once\n"));
  const std::vector<std::string> found = LEASH_TRY(headers(ctx, files));
  std::printf("%zu header\n", found.size());
  const std::vector<std::string> rows{"1,2", "10,20"};
  LEASH_TRY(write_rows(ctx, files, rows));
  const std::size_t longest = LEASH_TRY(longest_line(ctx, files, "rows.csv"));
  std::printf("longest line: %zu\n", longest);
  LEASH_TRY(whole_files(ctx, files));
  const std::string magic = LEASH_TRY(magic_number(ctx, files, "settings.bak"));
  std::printf("[%s]\n", magic.c_str());
  LEASH_TRY(temporary(ctx, files));
  for (const char* const typed : {"./notes//today.txt", "../../etc/passwd"}) {
    const auto path = below("home", typed);
    std::printf("%s\n", path ? path->c_str() : to_string(path.error()).c_str());
  }
  return {};
}

}  // namespace

int main() {
  leash::fs::MemoryFS files;
  const auto done = all(Context(), files);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", to_string(done.error()).c_str());
  return 1;
}
