#include <array>
#include <filesystem>
#include <leash/fs/errc.hpp>
#include <leash/fs/exists.hpp>
#include <leash/fs/read_full.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <string>
#include <utility>

#include "failing_at.hpp"
#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// Reads at most three bytes at a time.
class SlowFile final : public fs::ProxyFile {
 public:
  using ProxyFile::ProxyFile;

 private:
  leash::Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return ProxyFile::do_read(buffer.first(std::min<std::size_t>(buffer.size(), 3)), site);
  }
};

}  // namespace

LEASH_FS_TEST(
    "a file exists, a name below a file and a dangling link do not, and what cannot be found out is an error") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  put(files, "file");
  CHECK(files.mkdir(ctx, "directory"));
  CHECK(files.symlink(ctx, "directory", "link"));
  CHECK(files.symlink(ctx, "nowhere", "dangling"));
  CHECK(files.symlink(ctx, "loop", "loop"));
  CHECK(files.symlink(ctx, "../..", "escaping"));
  for (const char* const path : {".", "file", "directory", "link"}) {
    CAPTURE(path);
    CHECK(fs::exists(ctx, files, path).value());
  }
  for (const char* const path : {"missing", "missing/x", "file/x", "dangling", "link/x"}) {
    CAPTURE(path);
    CHECK_FALSE(fs::exists(ctx, files, path).value());
  }
  CHECK(code_of(fs::exists(ctx, files, "loop")) == std::errc::too_many_symbolic_link_levels);
  CHECK(code_of(fs::exists(ctx, files, "escaping")) == fs::errc::escapes_root);
  CHECK(code_of(fs::exists(ctx, files, "../x")) == std::errc::invalid_argument);
  const auto [done, source] = ctx.with_cancel();
  source.cancel();
  CHECK(code_of(fs::exists(done, files, "file")) == std::errc::operation_canceled);
}

LEASH_FS_TEST("read_full fills the buffer, or reads to the end") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  put(files, "digits", "0123456789");
  SlowFile file(files.open(Context(), "digits").value());
  std::array<char, 7> buffer{};
  const auto bytes = std::as_writable_bytes(std::span(buffer));
  CHECK(fs::read_full(file, bytes).value() == 7);
  CHECK(std::string_view(buffer.data(), 7) == "0123456");
  CHECK(fs::read_full(file, {}).value() == 0);
  CHECK(fs::read_full(file, bytes).value() == 3);
  CHECK(std::string_view(buffer.data(), 3) == "789");
  CHECK(fs::read_full(file, bytes).value() == 0);
  CHECK(file.close());
  CHECK(code_of(fs::read_full(file, bytes)) == std::errc::bad_file_descriptor);
}

TEST_CASE("read_full reads at the caller's line, and stops at an error") {
  Record record;
  RecordingFile file(record);
  std::array<std::byte, 4> buffer{};
  CHECK(fs::read_full(file, buffer).value() == 4);
  CHECK(record.counts.at("read") == 4);
  CHECK(record.lines == std::set<unsigned>{__LINE__ - 2});
  fs::MemoryFS memory{{"digits", "0123456789"}};
  FailingAt failing(memory);
  failing.fails = [](int number, std::string_view) { return number == 3; };
  SlowFile slow(failing.open(Context(), "digits").value());
  CHECK(code_of(fs::read_full(slow, buffer)) == std::errc::no_space_on_device);
  CHECK(slow.seek(0, fs::Whence::current).value() == 3);
}

LEASH_FS_TEST("a path may be a std::filesystem::path, a string or a view") {
  Subject subject(on);
  fs::FileSystem& files = subject.files();
  const Context ctx;
  const std::filesystem::path directory = "a";
  CHECK(files.mkdir_all(ctx, directory / "b"));
  CHECK(fs::write_file(ctx, files, directory / "b" / "c", "text"));
  CHECK(fs::write_file_atomic(ctx, files, directory / "d", "text"));
  CHECK(files.rename(ctx, directory / "d", std::string("a/e")));
  CHECK(fs::exists(ctx, files, directory / "b/c").value());
  CHECK(files.symlink(ctx, std::filesystem::path("b"), std::string_view("a/link")));
  CHECK(files.stat(ctx, std::string_view("a/link/c")).value().size == 4);
  // Its text is taken as it is: a slash at its end is not valid.
  CHECK(code_of(files.open(ctx, directory / "")) == std::errc::invalid_argument);
  CHECK(files.read_dir(ctx, std::filesystem::path()).error() == std::errc::invalid_argument);
}

// What is no text is no path.
static_assert(!std::is_convertible_v<std::nullptr_t, fs::PathArg> && !std::is_convertible_v<int, fs::PathArg>);
static_assert(!std::is_convertible_v<std::wstring, fs::PathArg>);
static_assert(std::is_trivially_copyable_v<fs::PathArg> && sizeof(fs::PathArg) == sizeof(std::string_view));
