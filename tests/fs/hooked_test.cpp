#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <leash/clock.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/fs/read_full.hpp>
#include <leash/os/descriptor.hpp>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "recorder.hpp"
#include "subjects.hpp"
#include "temp_dir.hpp"

namespace fs = leash::fs;
using fs::Operation;
using fs::OperationKind;
using leash::Context;
using leash::Result;

namespace {

/// A hook that is a function which a test sets.
class HookFS final : public fs::HookedFileSystem {
 public:
  using HookedFileSystem::HookedFileSystem;
  using HookedFileSystem::Next;
  std::function<Result<void>(Operation&, Next)> hook = [](Operation&, Next next) { return next(); };

 protected:
  Result<void> around(Operation& operation, Next next) override { return hook(operation, next); }
};

/// What a hook was told, as it was when the operation was over.
struct Seen {
  OperationKind kind{};
  std::string path;
  std::string to;
  std::string target;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t transferred = 0;
  bool has_options = false;
  fs::OpenOptions options;
  std::string note;  ///< The innermost of the Context.
  unsigned line = 0;
  bool succeeded = false;

  static Seen of(const Operation& operation, bool succeeded) {
    Seen seen;
    seen.kind = operation.kind;
    seen.path = operation.path;
    seen.to = operation.to;
    seen.target = operation.target;
    seen.offset = operation.offset;
    seen.size = operation.size;
    seen.transferred = operation.transferred;
    seen.has_options = operation.options != nullptr;
    if (seen.has_options) seen.options = *operation.options;
    const auto notes = operation.context.notes().list();
    if (!notes.empty()) seen.note = notes.back().text;
    seen.line = operation.site.line();
    seen.succeeded = succeeded;
    return seen;
  }
};

/// Keeps what it sees, and changes nothing.
struct Watch {
  explicit Watch(fs::FileSystem& inner) : files(inner) {
    files.hook = [this](Operation& operation, HookFS::Next next) {
      const Result<void> result = next();
      seen.push_back(Seen::of(operation, result.has_value()));
      return result;
    };
  }

  /// The only operation since the last call.
  Seen take_one() {
    REQUIRE(seen.size() == 1);
    Seen one = std::move(seen.front());
    seen.clear();
    return one;
  }

  HookFS files;
  std::vector<Seen> seen;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Reads up to `size` bytes.
std::string read_some(fs::File& file, std::size_t size) {
  std::string text(size, '\0');
  const auto count = file.read(std::as_writable_bytes(std::span(text)));
  REQUIRE_MESSAGE(count, text_of(count));
  text.resize(*count);
  return text;
}

constexpr fs::OpenOptions to_read_and_write{.read = true, .write = true};

}  // namespace

LEASH_FS_TEST("a hook sees each operation of a file system once, with all that there is to it") {
  Subject subject(on);
  Watch watch(subject.files());
  const Context ctx = Context().with_note("import");
  const auto saw = [&](OperationKind kind, unsigned line, std::string_view path, std::string_view to = "",
                       std::string_view target = "") {
    CAPTURE(to_string(kind));
    const Seen seen = watch.take_one();
    CHECK(seen.kind == kind);
    CHECK(seen.line == line);
    CHECK(seen.path == path);
    CHECK(seen.to == to);
    CHECK(seen.target == target);
    CHECK(seen.note == "import");
    CHECK(seen.succeeded);
    CHECK(seen.has_options == (kind == OperationKind::open));
    return seen;
  };
  fs::HookedFileSystem& files = watch.files;
  // clang-format off
  CHECK(files.mkdir(ctx, "dir")); saw(OperationKind::mkdir, __LINE__, "dir");
  CHECK(files.mkdir_all(ctx, "dir/a/b")); saw(OperationKind::mkdir_all, __LINE__, "dir/a/b");
  CHECK(fs::write_file(Context(), subject.files(), "file", "12345"));
  const auto file = files.open(ctx, "file", {.read = true, .write = true}).value(); const Seen opened = saw(OperationKind::open, __LINE__, "file");
  CHECK(opened.options.read); CHECK(opened.options.write); CHECK_FALSE(opened.options.create);
  const auto dir = files.open_dir(ctx, "dir").value(); saw(OperationKind::open_dir, __LINE__, "dir");
  CHECK(files.stat(ctx, "file").value().size == 5); saw(OperationKind::stat, __LINE__, "file");
  CHECK(files.lstat(ctx, "file").value().size == 5); saw(OperationKind::lstat, __LINE__, "file");
  CHECK(files.read_dir(ctx, "dir").value().size() == 1); saw(OperationKind::read_dir, __LINE__, "dir");
  CHECK(files.read_dir_info(ctx, "dir").value().size() == 1); saw(OperationKind::read_dir_info, __LINE__, "dir");
  CHECK(files.link(ctx, "file", "other")); saw(OperationKind::link, __LINE__, "file", "other");
  CHECK(files.rename(ctx, "other", "moved")); saw(OperationKind::rename, __LINE__, "other", "moved");
  CHECK(files.symlink(ctx, "file", "symlink")); saw(OperationKind::symlink, __LINE__, "symlink", "", "file");
  CHECK(files.read_link(ctx, "symlink").value() == "file"); saw(OperationKind::read_link, __LINE__, "symlink");
  CHECK(files.chmod(ctx, "file", 0640)); saw(OperationKind::chmod, __LINE__, "file");
  CHECK(files.set_times(ctx, "file", {}, leash::Clock::system_time_point{})); saw(OperationKind::set_times, __LINE__, "file");
  CHECK(files.truncate(ctx, "file", 3)); CHECK(saw(OperationKind::truncate, __LINE__, "file").size == 3);
  CHECK(files.sync_dir(ctx, "dir")); saw(OperationKind::sync_dir, __LINE__, "dir");
  CHECK(files.space(ctx, ".")); saw(OperationKind::space, __LINE__, ".");
  CHECK(files.remove(ctx, "symlink")); saw(OperationKind::remove, __LINE__, "symlink");
  CHECK(files.remove_file(ctx, "moved")); saw(OperationKind::remove_file, __LINE__, "moved");
  CHECK(files.remove_dir(ctx, "dir/a/b")); saw(OperationKind::remove_dir, __LINE__, "dir/a/b");
  CHECK(files.remove_all(ctx, "dir/a")); saw(OperationKind::remove_all, __LINE__, "dir/a");
  // clang-format on
  const fs::FileInfo info = subject.files().stat(Context(), "file").value();
  CHECK(info.size == 3);
  CHECK(info.mode == 0640);
  CHECK(names_in(subject.files(), ".") == std::vector<std::string>{"dir", "file"});
}

LEASH_FS_TEST("a hook sees each operation of a handle once, with the Context of its open") {
  Subject subject(on);
  Watch watch(subject.files());
  put(subject.files(), "file", "123456789");
  const auto file = watch.files.open(Context().with_note("opened"), "file", to_read_and_write).value();
  watch.seen.clear();
  const auto saw = [&](OperationKind kind, unsigned line, std::uint64_t offset = 0, std::uint64_t size = 0,
                       std::uint64_t transferred = 0, std::string_view note = "opened") {
    CAPTURE(to_string(kind));
    const Seen seen = watch.take_one();
    CHECK(seen.kind == kind);
    CHECK(seen.line == line);
    CHECK(seen.path == "file");
    CHECK(seen.offset == offset);
    CHECK(seen.size == size);
    CHECK(seen.transferred == transferred);
    CHECK(seen.note == note);
    CHECK(seen.succeeded);
    CHECK(seen.has_options == to_string(kind).starts_with("File::"));
    if (seen.has_options) CHECK((seen.options.read && seen.options.write));
  };
  std::array<std::byte, 20> buffer{};
  const auto room = std::span(buffer);
  const Context waiting = Context().with_note("waiting");
  using Kind = OperationKind;
  // clang-format off
  CHECK(file->read(room.first(4)).value() == 4); saw(Kind::file_read, __LINE__, 0, 4, 4);
  CHECK(file->write("ab")); saw(Kind::file_write, __LINE__, 4, 2, 2);
  CHECK(file->read(room).value() == 3); saw(Kind::file_read, __LINE__, 6, 20, 3);
  CHECK(file->read_at(room, 7).value() == 2); saw(Kind::file_read_at, __LINE__, 7, 20, 2);
  CHECK(file->write_at("xyz", 1)); saw(Kind::file_write_at, __LINE__, 1, 3, 3);
  CHECK(file->seek(-1, fs::Whence::end).value() == 8); saw(Kind::file_seek, __LINE__, static_cast<std::uint64_t>(-1));
  CHECK(file->read(room).value() == 1); saw(Kind::file_read, __LINE__, 8, 20, 1);
  CHECK(file->truncate(6)); saw(Kind::file_truncate, __LINE__, 0, 6);
  CHECK(file->allocate(2, 5)); saw(Kind::file_allocate, __LINE__, 2, 5);
  CHECK(file->sync()); saw(Kind::file_sync, __LINE__);
  CHECK(file->sync_data()); saw(Kind::file_sync_data, __LINE__);
  CHECK(file->stat().value().size == 7); saw(Kind::file_stat, __LINE__);
  CHECK(file->chmod(0600)); saw(Kind::file_chmod, __LINE__);
  CHECK(file->set_times({}, {})); saw(Kind::file_set_times, __LINE__);
  CHECK(file->try_lock(fs::LockMode::shared, {3, 4})); saw(Kind::file_try_lock, __LINE__, 3, 4);
  CHECK(file->lock(waiting, fs::LockMode::exclusive, {5, 6})); saw(Kind::file_lock, __LINE__, 5, 6, 0, "waiting");
  CHECK(file->unlock({3, 8})); saw(Kind::file_unlock, __LINE__, 3, 8);
  const auto mapping = file->map(1, 5, fs::MapMode::write).value(); saw(Kind::file_map, __LINE__, 1, 5);
  CHECK(mapping->bytes().size() == 5); CHECK(mapping->writable_bytes().size() == 5); CHECK(watch.seen.empty());
  CHECK(mapping->sync()); saw(Kind::mapping_sync, __LINE__);
  CHECK(mapping->close()); saw(Kind::mapping_close, __LINE__);
  CHECK(file->close()); saw(Kind::file_close, __LINE__);
  // clang-format on
  CHECK(get(subject.files(), "file").starts_with("1xyzab"));
}

LEASH_FS_TEST("a hook sees the operations of a directory") {
  Subject subject(on);
  Watch watch(subject.files());
  put(subject.files(), "one");
  put(subject.files(), "two");
  const auto dir = watch.files.open_dir(Context(), ".").value();
  watch.seen.clear();
  CHECK(dir->read(9).value().size() == 2);
  CHECK(watch.seen.front().size == 9);
  CHECK(watch.take_one().kind == OperationKind::dir_read);
  CHECK(dir->stat().value().is_directory());
  CHECK(watch.take_one().kind == OperationKind::dir_stat);
  CHECK(dir->close());
  CHECK(watch.take_one().kind == OperationKind::dir_close);
  CHECK_FALSE(dir->read(1));
  CHECK_FALSE(watch.take_one().succeeded);
}

LEASH_FS_TEST("a descriptor that is released is told of") {
  Subject subject(on);
  Watch watch(subject.files());
  put(subject.files(), "file");
  const auto file = watch.files.open(Context(), "file").value();
  CHECK(file->native_handle() == (on == On::memory ? -1 : file->native_handle()));
  watch.seen.clear();
  const auto released = file->release();
  const leash::os::Descriptor descriptor(released.value_or(-1));
  CHECK(watch.take_one().kind == OperationKind::file_release);
  CHECK(released.has_value() == (on != On::memory));
}

LEASH_FS_TEST("the position of a file is told, as far as it is known") {
  Subject subject(on);
  Watch watch(subject.files());
  put(subject.files(), "file", "0123456789");
  const auto file = watch.files.open(Context(), "file", to_read_and_write).value();
  watch.seen.clear();
  CHECK(read_some(*file, 3) == "012");
  CHECK(watch.take_one().offset == 0);
  CHECK(read_some(*file, 3) == "345");
  CHECK(watch.take_one().offset == 3);
  CHECK(file->seek(-2, fs::Whence::current).value() == 4);
  CHECK(watch.take_one().kind == OperationKind::file_seek);
  CHECK(file->write("xx"));
  CHECK(watch.take_one().offset == 4);
  CHECK(read_some(*file, 9) == "6789");
  CHECK(watch.take_one().offset == 6);
  CHECK(read_some(*file, 9).empty());
  CHECK(watch.take_one().offset == 10);
  CHECK_FALSE(file->seek(-1));
  watch.seen.clear();
  CHECK(read_some(*file, 9).empty());
  CHECK(watch.take_one().offset == 10);

  const auto reader = watch.files.open(Context(), "file").value();
  watch.seen.clear();
  CHECK_FALSE(reader->write("x"));
  CHECK(watch.seen.back().transferred == 0);
  CHECK(read_some(*reader, 1) == "0");
  CHECK(watch.seen.back().offset == Operation::unknown_offset);
  CHECK(reader->seek(2).value() == 2);
  CHECK(read_some(*reader, 1) == "2");
  CHECK(watch.seen.back().offset == 2);

  const auto log = watch.files.open(Context(), "file", {.read = true, .write = true, .append = true}).value();
  CHECK(log->write("+"));
  CHECK(watch.seen.back().offset == Operation::unknown_offset);
  CHECK(watch.seen.back().transferred == 1);
  CHECK(log->seek(1).value() == 1);
  CHECK(log->write("+"));
  CHECK(watch.seen.back().offset == Operation::unknown_offset);
}

LEASH_FS_TEST("a hook makes reads and writes shorter") {
  Subject subject(on);
  put(subject.files(), "file", "0123456789");
  put(subject.files(), "other");
  HookFS files(subject.files());
  const auto file = files.open(Context(), "file", to_read_and_write).value();
  const auto dir = files.open_dir(Context(), ".").value();
  std::uint64_t most = 3;
  std::uint64_t transferred = 0;
  files.hook = [&](Operation& operation, HookFS::Next next) {
    operation.size = most;
    Result<void> result = next();
    transferred = operation.transferred;
    return result;
  };
  CHECK(read_some(*file, 9) == "012");
  CHECK(transferred == 3);
  std::array<std::byte, 9> buffer{};
  CHECK(file->read_at(buffer, 1).value() == 3);
  CHECK(file->write("abcdef"));
  CHECK(transferred == 3);
  CHECK(file->write_at("ABCDEF", 7));
  CHECK(get(subject.files(), "file") == "012abc6ABC");
  most = 1;
  CHECK(dir->read(5).value().size() == 1);
  // But not longer: there is no room for more.
  most = UINT64_MAX;
  CHECK(file->read_at(std::span(buffer).first(2), 0).value() == 2);
  CHECK(file->write_at("z", 0));
  CHECK(dir->read(5).value().size() == 1);
  // What is not a count of bytes to move stays as it is.
  most = 0;
  CHECK(file->truncate(4));
  CHECK(get(subject.files(), "file") == "z12a");
  CHECK(read_some(*file, 9).empty());
}

LEASH_FS_TEST("a hook sends operations to other paths") {
  Subject subject(on);
  put(subject.files(), "real", "content");
  HookFS files(subject.files());
  files.hook = [](Operation& operation, HookFS::Next next) {
    // Neither text lives longer than this call.
    const std::string path = "real" + std::string(operation.path == "alias" ? "" : "2");
    const std::string to = "to_" + std::string(operation.to);
    operation.path = path;
    if (!operation.to.empty()) operation.to = to;
    return next();
  };
  CHECK(files.stat(Context(), "alias").value().name == "real");
  const auto file = files.open(Context(), "alias").value();
  CHECK(file->path() == "real");
  CHECK(read_some(*file, 9) == "content");
  CHECK(text_of(files.stat(Context(), "missing")) == "stat real2: No such file or directory");
  CHECK(files.rename(Context(), "alias", "x"));
  CHECK(names_in(subject.files(), ".") == std::vector<std::string>{"to_x"});
}

TEST_CASE("a path that a hook sets is checked as any other, and so is the Context after the hook has waited") {
  RecordingFS recorder;
  HookFS files(recorder);
  std::string path;
  files.hook = [&](Operation& operation, HookFS::Next next) {
    operation.path = path;
    return next();
  };
  for (const char* const invalid : {"../up", "", "/root", "a//b"}) {
    path = invalid;
    CHECK(code_of(files.stat(Context(), "a")) == std::errc::invalid_argument);
    CHECK(code_of(files.open(Context(), "a")) == std::errc::invalid_argument);
    CHECK(code_of(files.mkdir(Context(), "a")) == std::errc::invalid_argument);
    CHECK(code_of(files.rename(Context(), "a", "b")) == std::errc::invalid_argument);
  }
  path = ".";
  CHECK(code_of(files.remove_all(Context(), "a")) == std::errc::invalid_argument);
  CHECK(recorder.record.counts.empty());

  const leash::Cancellable cancellable = Context().with_cancel();
  files.hook = [&cancellable](Operation&, HookFS::Next next) {
    cancellable.source.cancel();
    return next();
  };
  CHECK(code_of(files.stat(cancellable.context, "a")) == std::errc::operation_canceled);
  CHECK(recorder.record.counts.empty());
}

LEASH_FS_TEST("a hook fails an operation before it, after it, and in its place") {
  Subject subject(on);
  HookFS files(subject.files());
  const auto broken = [](const Operation& operation) { return operation.fail(std::errc::io_error, "by the hook"); };
  files.hook = [&](Operation& operation, HookFS::Next) -> Result<void> { return broken(operation); };
  CHECK(text_of(files.create(Context(), "file")) == "open file: Input/output error (by the hook)");
  CHECK(text_of(files.rename(Context(), "a", "b")) == "rename a -> b: Input/output error (by the hook)");
  CHECK(names_in(subject.files(), ".").empty());
  files.hook = [&](Operation& operation, HookFS::Next next) -> Result<void> {
    CHECK(next());
    return broken(operation);
  };
  CHECK(code_of(files.create(Context(), "file")) == std::errc::io_error);
  CHECK(code_of(files.stat(Context(), "file")) == std::errc::io_error);
  CHECK(names_in(subject.files(), ".") == std::vector<std::string>{"file"});
  files.hook = [](Operation&, HookFS::Next next) { return next(); };
  const auto file = files.open(Context(), "file", to_read_and_write).value();
  files.hook = [&](Operation& operation, HookFS::Next next) -> Result<void> {
    CHECK(next());
    return broken(operation);
  };
  CHECK(text_of(file->write("written")) == "write file: Input/output error (by the hook)");
  CHECK(get(subject.files(), "file") == "written");
}

LEASH_FS_TEST("a hook carries an operation out twice, or again after a failure") {
  Subject subject(on);
  HookFS files(subject.files());
  files.hook = [](Operation&, HookFS::Next next) {
    static_cast<void>(next());
    return next();
  };
  CHECK(code_of(files.mkdir(Context(), "dir")) == std::errc::file_exists);
  const auto file = files.open(Context(), "file", {.write = true, .create = true}).value();
  CHECK(file->write("ab"));
  CHECK(get(subject.files(), "file") == "abab");
  std::uint64_t offset = 0;
  files.hook = [&](Operation& operation, HookFS::Next next) {
    offset = operation.offset;
    if (Result<void> result = next()) return result;
    CHECK(subject.files().mkdir(Context(), "parent"));
    return next();
  };
  CHECK(files.mkdir(Context(), "parent/dir"));
  CHECK(file->write("c"));
  CHECK(offset == 4);
  // The hook says success though the operation failed: then the result is empty.
  files.hook = [&](Operation&, HookFS::Next next) {
    static_cast<void>(next());
    return Result<void>();
  };
  CHECK(files.stat(Context(), "missing").value().name.empty());
  CHECK(files.read_dir(Context(), "missing").value().empty());
  CHECK(files.mkdir(Context(), "dir"));
  CHECK(code_of(files.open(Context(), "missing")) == std::errc::no_such_file_or_directory);
}

LEASH_FS_TEST("a hook lets an operation not happen") {
  Subject subject(on);
  put(subject.files(), "file", "content");
  HookFS files(subject.files());
  const auto file = files.open(Context(), "file", to_read_and_write).value();
  files.hook = [](Operation& operation, HookFS::Next) {
    const std::string gone = "of no matter, and no longer there when the operation is over";
    operation.path = gone;
    return Result<void>();
  };
  CHECK(files.remove(Context(), "file"));
  CHECK(files.stat(Context(), "missing").value().size == 0);
  CHECK(files.read_link(Context(), "missing").value().empty());
  CHECK(file->write("x"));
  std::byte byte{};
  CHECK(file->read({&byte, 1}).value() == 0);
  CHECK(get(subject.files(), "file") == "content");
  // But a handle cannot be made of nothing, and 0 would be a descriptor.
  CHECK(text_of(files.open(Context(), "file")) == "open file: Operation canceled (the hook did not let it happen)");
  CHECK(code_of(files.open_dir(Context(), ".")) == std::errc::operation_canceled);
  CHECK(code_of(file->map(0, 1)) == std::errc::operation_canceled);
  CHECK(code_of(file->release()) == std::errc::operation_canceled);
  CHECK(file->stat());
}

TEST_CASE("close closes whatever the hook does") {
  RecordingFS recorder;
  HookFS files(recorder);
  enum class Hook : unsigned char { fails, fails_afterwards, throws };
  Hook hook{};
  const auto closed_with = [&](auto open, Record& record) {
    record.counts.clear();
    files.hook = [](Operation&, HookFS::Next next) { return next(); };
    const auto handle = open();
    files.hook = [&](Operation& operation, HookFS::Next next) -> Result<void> {
      if (hook == Hook::throws) throw std::runtime_error("by the hook");
      if (hook == Hook::fails_afterwards) CHECK(next());
      return operation.fail(std::errc::io_error);
    };
    if (hook == Hook::throws) {
      CHECK_THROWS_AS(static_cast<void>(handle->close()), std::runtime_error);
    } else {
      CHECK(code_of(handle->close()) == std::errc::io_error);
    }
    return record.counts["close"];
  };
  const auto file = [&] { return files.open(Context(), "file").value(); };
  const auto dir = [&] { return files.open_dir(Context(), "dir").value(); };
  const auto mapping = [&] { return file()->map(0, 1).value(); };
  for (const Hook each : {Hook::fails, Hook::fails_afterwards, Hook::throws}) {
    hook = each;
    CHECK(closed_with(file, recorder.of_file) == 1);
    CHECK(closed_with(dir, recorder.of_dir) == 1);
    CHECK(closed_with(mapping, recorder.of_mapping) == 1);
  }
}

TEST_CASE("a descriptor whose release a hook fails or breaks off afterwards is closed, not left open") {
  Subject subject(On::disk);
  HookFS files(subject.files());
  for (const bool throws : {false, true}) {
    auto file = files.create(Context(), "file").value();
    const std::size_t before = count_of_open_descriptors();
    files.hook = [&](Operation& operation, HookFS::Next next) -> Result<void> {
      CHECK(next());
      if (throws) throw std::runtime_error("by the hook");
      return operation.fail(std::errc::io_error);
    };
    if (throws) {
      CHECK_THROWS_AS(static_cast<void>(file->release()), std::runtime_error);
    } else {
      CHECK(code_of(file->release()) == std::errc::io_error);
    }
    CHECK(count_of_open_descriptors() == before - 1);
    files.hook = [](Operation&, HookFS::Next next) { return next(); };
  }
}

TEST_CASE("a handle that a hook declines is that of the inner file system itself") {
  RecordingFS recorder;
  HookFS files(recorder);
  bool hooks = true;
  files.hook = [&](Operation& operation, HookFS::Next next) {
    operation.hooks_handle = hooks;
    return next();
  };
  const auto hooked = files.open(Context(), "file").value();
  CHECK(dynamic_cast<RecordingFile*>(hooked.get()) == nullptr);
  CHECK(dynamic_cast<RecordingMapping*>(hooked->map(0, 1).value().get()) == nullptr);
  CHECK(dynamic_cast<RecordingDir*>(files.open_dir(Context(), "dir").value().get()) == nullptr);
  hooks = false;
  CHECK(dynamic_cast<RecordingFile*>(files.open(Context(), "file").value().get()) != nullptr);
  CHECK(dynamic_cast<RecordingMapping*>(hooked->map(0, 1).value().get()) != nullptr);
  CHECK(dynamic_cast<RecordingDir*>(files.open_dir(Context(), "dir").value().get()) != nullptr);
}

LEASH_FS_TEST("handles outlive the hooks, and go on without them") {
  Subject subject(on);
  put(subject.files(), "file", "0123");
  std::unique_ptr<fs::File> file;
  std::unique_ptr<fs::Dir> dir;
  std::unique_ptr<fs::Mapping> mapping;
  int calls = 0;
  {
    HookFS files(subject.files());
    file = files.open(Context(), "file", to_read_and_write).value();
    dir = files.open_dir(Context(), ".").value();
    mapping = file->map(0, 2).value();
    files.hook = [&](Operation&, HookFS::Next next) {
      ++calls;
      return next();
    };
    CHECK(read_some(*file, 1) == "0");
    CHECK(calls == 1);
  }
  CHECK(read_some(*file, 9) == "123");
  CHECK(file->map(0, 1).value()->bytes().size() == 1);
  CHECK(dir->read(9).value().size() == 1);
  CHECK(mapping->bytes().size() == 2);
  CHECK(mapping->close());
  CHECK(dir->close());
  CHECK(file->close());
  CHECK(calls == 1);
}

LEASH_FS_TEST("many threads use a hooked file system and its handles at once") {
  Subject subject(on);
  HookFS files(subject.files());
  std::atomic<int> calls{0};
  files.hook = [&](Operation&, HookFS::Next next) {
    calls.fetch_add(1, std::memory_order_relaxed);
    return next();
  };
  put(subject.files(), "shared", "0123456789");
  const auto shared = files.open(Context(), "shared", to_read_and_write).value();
  constexpr int rounds = 20;
  constexpr int threads = 4;
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread != threads; ++thread) {
      workers.emplace_back([&, name = "own" + std::to_string(thread)] {
        for (int round = 0; round != rounds; ++round) {
          std::byte byte{};
          auto own = files.create(Context(), name);
          const bool done = own && (*own)->write("x") && (*own)->close() && shared->read_at({&byte, 1}, 3) &&
                            shared->write_at(bytes_of("y"), 5) && files.stat(Context(), "shared");
          if (!done) calls.fetch_add(1'000'000);
        }
      });
    }
  }
  CHECK(calls == 1 + threads * rounds * 6);
  CHECK(get(subject.files(), "shared") == "01234y6789");
}

TEST_CASE("each kind of operation has a name of its own, as code writes it") {
  std::set<std::string_view> names;
  for (std::size_t kind = 0; kind != fs::operation_kinds; ++kind) {
    names.insert(to_string(static_cast<OperationKind>(kind)));
  }
  CHECK(names.size() == fs::operation_kinds);
  CHECK(to_string(OperationKind::remove_all) == "remove_all");
  CHECK(to_string(OperationKind::file_set_times) == "File::set_times");
  CHECK(to_string(OperationKind::mapping_close) == "Mapping::close");
}
