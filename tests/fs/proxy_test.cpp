#include <doctest/doctest.h>

#include <leash/fs/copy_file.hpp>
#include <leash/fs/counting_fs.hpp>
#include <leash/fs/exists.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/fs/logging_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/sub_fs.hpp>
#include <leash/fs/temp_dir.hpp>
#include <leash/fs/temp_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>

#include "recorder.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// How often each is asked for by `use_all`. tests/check-operations and the test of HookedFileSystem below see that an
/// operation which is added to the interface is added here.
const std::map<std::string, int> all_of_file_system{
    {"open", 4},        {"open_dir", 1},   {"stat", 1},       {"lstat", 1},    {"read_dir", 1}, {"read_dir_info", 1},
    {"mkdir", 1},       {"mkdir_all", 1},  {"remove", 1},     {"rename", 1},   {"link", 1},     {"symlink", 1},
    {"remove_file", 1}, {"remove_dir", 1}, {"remove_all", 1}, {"truncate", 1}, {"sync_dir", 1}, {"space", 1},
    {"read_link", 1},   {"chmod", 1},      {"set_times", 1}};
const std::map<std::string, int> all_of_file{
    {"read", 1},     {"write", 2},  {"read_at", 1}, {"write_at", 2},  {"seek", 1},      {"truncate", 1},
    {"allocate", 1}, {"sync", 1},   {"stat", 1},    {"sync_data", 1}, {"set_times", 1}, {"try_lock", 1},
    {"lock", 1},     {"unlock", 1}, {"chmod", 1},   {"map", 1},       {"release", 1},   {"close", 1}};
const std::map<std::string, int> all_of_dir{{"read", 1}, {"stat", 1}, {"close", 1}};
const std::map<std::string, int> all_of_mapping{{"sync", 1}, {"close", 1}};

// Each in one line, so that there is one site to compare with.
// clang-format off
void use_all(fs::FileSystem& files, const Context& ctx) {
  CHECK(files.open(ctx, "a")); CHECK(files.open(ctx, "a", {.read = true})); CHECK(files.create(ctx, "a")); CHECK(files.append(ctx, "a")); CHECK(files.open_dir(ctx, "a")); CHECK(files.stat(ctx, "a")); CHECK(files.lstat(ctx, "a")); CHECK(files.read_dir(ctx, "a")); CHECK(files.read_dir_info(ctx, "a")); CHECK(files.mkdir(ctx, "a")); CHECK(files.mkdir_all(ctx, "a")); CHECK(files.remove(ctx, "a")); CHECK(files.remove_file(ctx, "a")); CHECK(files.remove_dir(ctx, "a")); CHECK(files.remove_all(ctx, "a")); CHECK(files.rename(ctx, "a", "b")); CHECK(files.link(ctx, "a", "b")); CHECK(files.symlink(ctx, "a", "b")); CHECK(files.read_link(ctx, "a").value() == "target"); CHECK(files.chmod(ctx, "a", 0600)); CHECK(files.set_times(ctx, "a", {}, {})); CHECK(files.truncate(ctx, "a", 0)); CHECK(files.sync_dir(ctx, "a")); CHECK(files.space(ctx, "a"));
}
constexpr unsigned file_system_line = __LINE__ - 2;

std::unique_ptr<fs::Mapping> use_all(fs::File& file, const Context& ctx) {
  std::byte byte{}; const std::span<std::byte> bytes(&byte, 1); std::unique_ptr<fs::Mapping> mapping;
  CHECK(file.read(bytes).value() == 1); CHECK(file.write("x")); CHECK(file.write(std::span<const std::byte>(bytes))); CHECK(file.read_at(bytes, 7).value() == 7); CHECK(file.write_at("x", 0)); CHECK(file.write_at(std::span<const std::byte>(bytes), 0)); CHECK(file.seek(5).value() == 5); CHECK(file.truncate(0)); CHECK(file.allocate(0, 1)); CHECK(file.sync()); CHECK(file.sync_data()); CHECK(file.stat().value().name == "recorded"); CHECK(file.chmod(0600)); CHECK(file.set_times({}, {})); CHECK(file.try_lock(fs::LockMode::shared)); CHECK(file.lock(ctx, fs::LockMode::shared)); CHECK(file.unlock()); mapping = file.map(0, 1).value(); CHECK(file.release().value() == 42); CHECK(file.close()); CHECK(file.native_handle() == 42); CHECK(file.path() == "recorded");
  return mapping;
}
constexpr unsigned file_line = __LINE__ - 3;

void use_all(fs::Mapping& mapping) {
  CHECK(mapping.sync()); CHECK(mapping.close()); CHECK(mapping.bytes().size() == 3); CHECK(mapping.writable_bytes().size() == 3); CHECK(mapping.path() == "recorded");
}
constexpr unsigned mapping_line = __LINE__ - 2;

void use_all(fs::Dir& dir) {
  CHECK(dir.read(3).value().size() == 3); CHECK(dir.stat().value().name == "recorded"); CHECK(dir.close()); CHECK(dir.native_handle() == 42); CHECK(dir.path() == "recorded");
}
constexpr unsigned dir_line = __LINE__ - 2;
// clang-format on

/// Every operation arrives at the inner file system and its handles, exactly once and with its site.
void check_forwarding(fs::FileSystem& decorator, RecordingFS& recorder, const Context& ctx) {
  use_all(decorator, ctx);
  CHECK(recorder.record.counts == all_of_file_system);
  CHECK(recorder.record.lines == std::set<unsigned>{file_system_line});
  const auto file = decorator.open(ctx, "file").value();
  const auto mapping = use_all(*file, ctx);
  CHECK(recorder.of_file.counts == all_of_file);
  CHECK(recorder.of_file.lines == std::set<unsigned>{file_line});
  use_all(*mapping);
  CHECK(recorder.of_mapping.counts == all_of_mapping);
  CHECK(recorder.of_mapping.lines == std::set<unsigned>{mapping_line});
  const auto dir = decorator.open_dir(ctx, "dir").value();
  use_all(*dir);
  CHECK(recorder.of_dir.counts == all_of_dir);
  CHECK(recorder.of_dir.lines == std::set<unsigned>{dir_line});
}

class PlainFile final : public fs::ProxyFile {
 public:
  using ProxyFile::ProxyFile;

 private:
  leash::Result<std::unique_ptr<fs::Mapping>> do_map(std::uint64_t offset, std::size_t size, fs::MapMode mode,
                                                     std::source_location site) override {
    auto mapping = ProxyFile::do_map(offset, size, mode, site);
    if (!mapping) return mapping;
    return std::make_unique<fs::ProxyMapping>(*std::move(mapping));
  }
};

/// A decorator that changes nothing, and wraps what it opens.
class PlainFS final : public fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;

 private:
  leash::Result<std::unique_ptr<fs::File>> do_open(leash::Call call, std::string_view path,
                                                   const fs::OpenOptions& options) override {
    auto file = ProxyFileSystem::do_open(call, path, options);
    if (!file) return file;
    return std::make_unique<PlainFile>(*std::move(file));
  }
  leash::Result<std::unique_ptr<fs::Dir>> do_open_dir(leash::Call call, std::string_view path) override {
    auto dir = ProxyFileSystem::do_open_dir(call, path);
    if (!dir) return dir;
    return std::make_unique<fs::ProxyDir>(*std::move(dir));
  }
};

/// One that a user would write: it sums up what is written.
class SummingFile final : public fs::ProxyFile {
 public:
  SummingFile(std::unique_ptr<fs::File> inner, std::size_t& total) : ProxyFile(std::move(inner)), total_(total) {}

 private:
  leash::Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    total_ += data.size();
    return ProxyFile::do_write(data, site);
  }

  std::size_t& total_;
};

class SummingFS final : public fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;
  std::size_t total = 0;

 private:
  leash::Result<std::unique_ptr<fs::File>> do_open(leash::Call call, std::string_view path,
                                                   const fs::OpenOptions& options) override {
    auto file = ProxyFileSystem::do_open(call, path, options);
    if (!file) return file;
    return std::make_unique<SummingFile>(*std::move(file), total);
  }
};

}  // namespace

TEST_CASE("the recorder itself is asked for everything") {
  RecordingFS recorder;
  check_forwarding(recorder, recorder, Context());
}

TEST_CASE("a proxy passes everything on, once and with its site") {
  RecordingFS recorder;
  PlainFS files(recorder);
  CHECK(&files.inner() == &recorder);
  check_forwarding(files, recorder, Context());
}

TEST_CASE("TrackedFS passes everything on, with a tracker and without") {
  RecordingFS recorder;
  fs::TrackedFS files(recorder);
  SUBCASE("with") {
    auto [tracker, ctx] = leash::track::with_tracker(Context());
    check_forwarding(files, recorder, ctx);
  }
  SUBCASE("without") { check_forwarding(files, recorder, Context()); }
}

TEST_CASE("HookedFileSystem passes everything on, and every operation through its hook, with the site") {
  /// What passed through the hook, from which lines.
  struct SeeingFS final : fs::HookedFileSystem {
    using HookedFileSystem::HookedFileSystem;
    leash::Result<void> around(fs::Operation& operation, Next next) override {
      ++counts[operation.kind];
      lines.insert(operation.site.line());
      return next();
    }
    std::map<fs::OperationKind, int> counts;
    std::set<unsigned> lines;
  };
  RecordingFS recorder;
  SeeingFS files(recorder);
  check_forwarding(files, recorder, Context());
  int calls = 0;
  for (std::size_t kind = 0; kind != fs::operation_kinds; ++kind) {
    CAPTURE(to_string(static_cast<fs::OperationKind>(kind)));
    CHECK(files.counts.contains(static_cast<fs::OperationKind>(kind)));
    calls += files.counts[static_cast<fs::OperationKind>(kind)];
  }
  const auto sum_of = [](const std::map<std::string, int>& counts) {
    int sum = 0;
    for (const auto& [operation, count] : counts) sum += count;
    return sum;
  };
  const int opened_besides = 2;
  CHECK(calls == sum_of(all_of_file_system) + sum_of(all_of_file) + sum_of(all_of_mapping) + sum_of(all_of_dir) +
                     opened_besides);
  for (const unsigned line : {file_system_line, file_line, mapping_line, dir_line}) CHECK(files.lines.erase(line) == 1);
  CHECK(files.lines.size() == opened_besides);
}

TEST_CASE("decorators that are hooks pass everything on") {
  RecordingFS recorder;
  SUBCASE("CountingFS") {
    fs::CountingFS files(recorder);
    check_forwarding(files, recorder, Context());
  }
  SUBCASE("LoggingFS") {
    fs::LoggingFS files(recorder, [](std::string_view) {});
    check_forwarding(files, recorder, Context());
  }
  SUBCASE("SubFS") {
    fs::SubFS files(recorder, "sub");
    check_forwarding(files, recorder, Context());
  }
}

TEST_CASE("an argument that is refused on the outside does not arrive") {
  RecordingFS recorder;
  PlainFS files(recorder);
  CHECK_FALSE(files.open(Context(), "../x"));
  CHECK_FALSE(files.remove(Context(), "."));
  CHECK(recorder.record.counts.empty());
}

TEST_CASE("the site of a helper is that of its caller") {
  RecordingFS recorder;
  const Context ctx;
  const unsigned line = __LINE__ + 1;
  CHECK(fs::write_file(ctx, recorder, "file", "content"));
  CHECK(recorder.record.lines == std::set<unsigned>{line});
  CHECK(recorder.of_file.lines == std::set<unsigned>{line});
  CHECK(recorder.of_file.counts == std::map<std::string, int>{{"write", 1}, {"close", 1}});

  fs::MemoryFS memory{{"file", "content"}};
  const auto visit = [](auto, const auto&, const auto&) { return fs::WalkNext::go_on; };
  RecordingFS walked;
  const unsigned walk_line = __LINE__ + 1;
  CHECK(fs::walk(ctx, walked, ".", visit));
  CHECK(walked.record.lines == std::set<unsigned>{walk_line});
}

TEST_CASE("whatever a helper does, it does at its caller's line") {
  class Sites final : public fs::HookedFileSystem {
   public:
    using HookedFileSystem::HookedFileSystem;
    std::set<unsigned> lines;

   private:
    leash::Result<void> around(fs::Operation& operation, leash::FunctionRef<leash::Result<void>()> next) override {
      lines.insert(operation.site.line());
      return next();
    }
  };
  fs::MemoryFS memory{{"d/a", "content"}};
  Sites files(memory);
  const Context ctx;
  const auto check = [&](bool succeeded, unsigned line) {
    CHECK(succeeded);
    CHECK(files.lines == std::set<unsigned>{line});
    files.lines.clear();
  };
  const auto visit = [](auto, const auto&, const auto&) { return fs::WalkNext::go_on; };
  check(fs::read_file(ctx, files, "d/a").has_value(), __LINE__);
  check(fs::exists(ctx, files, "d/a").has_value(), __LINE__);
  check(fs::copy_file(ctx, files, "d/a", files, "d/b").has_value(), __LINE__);
  check(fs::write_file_atomic(ctx, files, "d/b", "x").has_value(), __LINE__);
  check(fs::walk_info(ctx, files, ".", visit).has_value(), __LINE__);
  // These are gone at the end of the line, which their removing is told, too.
  const bool made_file = fs::temp_file(ctx, files).has_value();
  check(made_file, __LINE__ - 1);
  const bool made_dir = fs::temp_dir(ctx, files).has_value();
  check(made_dir, __LINE__ - 1);
  fs::MemoryFS other;
  check(other.load(ctx, files).has_value(), __LINE__);
  check(other.store(ctx, files).has_value(), __LINE__);
}

TEST_CASE("a decorator overrides what it is about") {
  fs::MemoryFS memory;
  SummingFS files(memory);
  CHECK(fs::write_file(Context(), files, "a", "12345"));
  CHECK(fs::write_file(Context(), files, "b", "123"));
  CHECK(files.total == 8);
  CHECK(fs::read_file(Context(), files, "a").value() == "12345");
}

TEST_CASE("a proxy of nothing is a mistake of the programmer") {
  CHECK_THROWS_AS(fs::ProxyFile(nullptr), std::logic_error);
  CHECK_THROWS_AS(fs::ProxyDir(nullptr), std::logic_error);
  CHECK_THROWS_AS(fs::ProxyMapping(nullptr), std::logic_error);
}
