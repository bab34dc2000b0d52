#include <doctest/doctest.h>

#include <functional>
#include <leash/fs/walk.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "subjects.hpp"

using namespace std::string_view_literals;
namespace fs = leash::fs;
using leash::Context;

namespace {

struct Operation {
  std::string name;
  std::function<leash::Result<void>(const Context&, std::string_view path)> run;
};

template <class T>
leash::Result<void> outcome(const leash::Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

/// Every operation that takes a path; those with two, once for each place.
std::vector<Operation> operations(fs::FileSystem& files) {
  return {
      {"open", [&](const Context& ctx, std::string_view path) { return outcome(files.open(ctx, path)); }},
      {"open", [&](const Context& ctx, std::string_view path) { return outcome(files.create(ctx, path)); }},
      {"open", [&](const Context& ctx, std::string_view path) { return outcome(files.append(ctx, path)); }},
      {"open", [&](const Context& ctx,
                   std::string_view path) { return outcome(files.open(ctx, path, {.write = true, .create = true})); }},
      {"open_dir", [&](const Context& ctx, std::string_view path) { return outcome(files.open_dir(ctx, path)); }},
      {"stat", [&](const Context& ctx, std::string_view path) { return outcome(files.stat(ctx, path)); }},
      {"lstat", [&](const Context& ctx, std::string_view path) { return outcome(files.lstat(ctx, path)); }},
      {"read_dir", [&](const Context& ctx, std::string_view path) { return outcome(files.read_dir(ctx, path)); }},
      {"mkdir", [&](const Context& ctx, std::string_view path) { return files.mkdir(ctx, path); }},
      {"mkdir_all", [&](const Context& ctx, std::string_view path) { return files.mkdir_all(ctx, path); }},
      {"remove", [&](const Context& ctx, std::string_view path) { return files.remove(ctx, path); }},
      {"remove_all", [&](const Context& ctx, std::string_view path) { return files.remove_all(ctx, path); }},
      {"rename", [&](const Context& ctx, std::string_view path) { return files.rename(ctx, path, "x"); }},
      {"rename", [&](const Context& ctx, std::string_view path) { return files.rename(ctx, "x", path); }},
      {"link", [&](const Context& ctx, std::string_view path) { return files.link(ctx, path, "x"); }},
      {"link", [&](const Context& ctx, std::string_view path) { return files.link(ctx, "x", path); }},
      {"symlink", [&](const Context& ctx, std::string_view path) { return files.symlink(ctx, "x", path); }},
      {"read_link", [&](const Context& ctx, std::string_view path) { return outcome(files.read_link(ctx, path)); }},
      {"chmod", [&](const Context& ctx, std::string_view path) { return files.chmod(ctx, path, 0600); }},
      {"set_times", [&](const Context& ctx, std::string_view path) { return files.set_times(ctx, path, {}, {}); }},
      {"truncate", [&](const Context& ctx, std::string_view path) { return files.truncate(ctx, path, 0); }},
      {"sync_dir", [&](const Context& ctx, std::string_view path) { return files.sync_dir(ctx, path); }},
      {"space", [&](const Context& ctx, std::string_view path) { return outcome(files.space(ctx, path)); }},
      {"open", [&](const Context& ctx, std::string_view path) { return outcome(fs::read_file(ctx, files, path)); }},
      {"open", [&](const Context& ctx, std::string_view path) { return fs::write_file(ctx, files, path, "x"); }},
      {"lstat",
       [&](const Context& ctx, std::string_view path) {
         return fs::walk(ctx, files, path, [](auto, const auto&, const auto&) { return fs::WalkNext::go_on; });
       }},
  };
}

std::size_t count_of_names(fs::FileSystem& files) { return files.read_dir(Context(), ".").value().size(); }

}  // namespace

LEASH_FS_TEST("every operation refuses an invalid path") {
  Subject subject(on);
  put(subject.files(), "x", "kept");
  for (const Operation& operation : operations(subject.files())) {
    CAPTURE(operation.name);
    for (const std::string_view path : {""sv, "/"sv, "/x"sv, "x/"sv, "a//b"sv, ".."sv, "../x"sv, "a/../b"sv, "a/.."sv,
                                        "./x"sv, "x/."sv, "a/./b"sv, "x\0"sv, "\0"sv}) {
      CAPTURE(path);
      const auto result = operation.run(Context(), path);
      REQUIRE_FALSE(result);
      CHECK(result.error() == std::errc::invalid_argument);
      CHECK(result.error().operation() == operation.name);
      CHECK(result.error().subject() == path);
      CHECK_FALSE(result.error().detail().empty());
    }
  }
  CHECK(count_of_names(subject.files()) == 1);
  CHECK(get(subject.files(), "x") == "kept");
}

LEASH_FS_TEST("every operation refuses a Context that is done, and has done nothing") {
  Subject subject(on);
  put(subject.files(), "x", "kept");
  const auto [cancelled, source] = Context().with_cancel();
  source.cancel(leash::Error("stop", "work", std::errc::owner_dead));
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context expired = Context().with_clock(clock).with_timeout(std::chrono::seconds(1));
  clock->advance(std::chrono::seconds(1));
  for (const Operation& operation : operations(subject.files())) {
    CAPTURE(operation.name);
    for (const char* path : {"x", "new"}) {
      const auto result = operation.run(cancelled, path);
      REQUIRE_FALSE(result);
      CHECK(result.error() == std::errc::operation_canceled);
      CHECK(result.error().operation() == operation.name);
      CHECK(result.error().subject().find(path) != std::string_view::npos);
      REQUIRE(result.error().causes().size() == 1);
      CHECK(result.error().causes()[0] == std::errc::owner_dead);
      CHECK(code_of(operation.run(expired, path)) == std::errc::timed_out);
    }
  }
  CHECK(count_of_names(subject.files()) == 1);
  CHECK(get(subject.files(), "x") == "kept");
}
