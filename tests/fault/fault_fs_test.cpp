#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <leash/clock.hpp>
#include <leash/fault/plan.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/write_file.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "plans.hpp"
#include "temp_dir.hpp"

using leash::Context;
using leash::Result;
using leash::fault::Plan;
using leash::fs::FaultFS;
using leash::fs::File;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;
using namespace std::chrono_literals;

namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// What happens at each operation, on any file system.
void check_effects(FileSystem& inner) {
  const Context plain;
  REQUIRE(leash::fs::write_file(plain, inner, "data.csv", "0123456789"));
  FaultFS files(inner);
  const auto under = [&](std::string_view text) { return with_plan(plain, plan_of(text)); };

  const auto refused = files.open(under("fail open \"*.csv\" with EMFILE"), "data.csv");
  REQUIRE_FALSE(refused);
  CHECK(to_string(refused.error()) == "open data.csv: Too many open files (injected)");

  CHECK(leash::fs::read_file(under("short read 3 always"), files, "data.csv").value() == "0123456789");
  CHECK(leash::fs::read_file(under("end read"), files, "data.csv").value().empty());
  CHECK(leash::fs::read_file(under("fail read #2"), files, "data.csv").error() == std::errc::io_error);

  {
    auto file = files.create(under("short write 4"), "short").value();
    const Result<void> written = file->write(bytes("abcdefgh"));
    REQUIRE_FALSE(written);
    CHECK(written.error() == std::errc::no_space_on_device);
    CHECK(written.error().transferred() == 4);
    CHECK(file->write(bytes("xy")));
    CHECK(file->close());
    CHECK(leash::fs::read_file(plain, inner, "short").value() == "abcdxy");
  }
  {
    auto file = files.create(under("full write 6"), "full").value();
    CHECK(file->write(bytes("abcd")));
    CHECK(file->write(bytes("efgh")).error() == std::errc::no_space_on_device);
    CHECK(file->write(bytes("i")).error() == std::errc::no_space_on_device);
    CHECK(file->close());
    CHECK(leash::fs::read_file(plain, inner, "full").value() == "abcdef");
  }
  {
    const Context context = under("fail after rename; fail close with EIO");
    CHECK(files.rename(context, "full", "renamed").error() == std::errc::io_error);
    CHECK(inner.stat(plain, "renamed"));
    auto file = files.open(context, "renamed").value();
    CHECK(file->close().error() == std::errc::io_error);
    std::array<std::byte, 4> buffer{};
    CHECK(file->read(buffer).error() == std::errc::bad_file_descriptor);
  }
  {
    auto file = files.open(under("fail read_at offset 5"), "data.csv").value();
    std::array<std::byte, 4> buffer{};
    CHECK(file->read_at(buffer, 0));
    CHECK_FALSE(file->read_at(buffer, 4));
    CHECK(file->read_at(buffer, 4));
  }
  CHECK(files.open(under("fail after open"), "data.csv").error() == std::errc::io_error);
}

}  // namespace

TEST_CASE("a plan's faults strike what is done in memory") {
  MemoryFS memory{};
  check_effects(memory);
}

TEST_CASE("a plan's faults strike what is done on the disk") {
  const TempDir dir;
  auto disk = leash::fs::DiskFS::open_root(Context(), dir.path());
  REQUIRE(disk);
  check_effects(*disk);
}

TEST_CASE("without a plan the inner handle is returned") {
  MemoryFS memory{{"a", "x"}};
  FaultFS files(memory);
  auto plain = files.open(Context(), "a").value();
  auto inner = memory.open(Context(), "a").value();
  CHECK(dynamic_type(*plain) == dynamic_type(*inner));
  auto planned = files.open(with_plan(Context(), Plan()), "a").value();
  CHECK(dynamic_type(*planned) != dynamic_type(*inner));
}

TEST_CASE("a delay goes by the clock of the Context") {
  MemoryFS memory{{"a", "x"}};
  FaultFS files(memory);
  const auto clock = std::make_shared<leash::FakeClock>();
  const auto began = clock->now();
  const Context context = with_plan(Context().with_clock(clock), plan_of("delay open 20s"));
  CHECK(files.open(context.with_timeout(0s), "a").error() == std::errc::timed_out);
  std::atomic<bool> opened{false};
  std::jthread opener([&] {
    CHECK(files.open(context, "a"));
    opened = true;
  });
  while (!opened) {
    clock->advance(1s);
    std::this_thread::yield();
  }
  CHECK(clock->now() - began >= 20s);
}

TEST_CASE("a crash is told to the one who can clone what is left, and then nothing works") {
  MemoryFS memory{};
  std::unique_ptr<MemoryFS> left;
  int crashes = 0;
  FaultFS files(memory, {.on_crash = [&](const Context&) {
                  ++crashes;
                  left.reset(new MemoryFS(memory.crash_clone(1)));
                }});
  const Context context = with_plan(Context(), plan_of("crash sync"));
  auto file = files.create(context, "a").value();
  CHECK(file->write(bytes("x")));
  CHECK_FALSE(file->sync());
  CHECK_FALSE(file->write(bytes("y")));
  CHECK_FALSE(file->close());
  CHECK_FALSE(files.open(context, "a"));
  CHECK(crashes == 1);
  CHECK(left != nullptr);
}

TEST_CASE("a handle outlives file system, plan and Context") {
  MemoryFS memory{{"a", "x"}};
  std::unique_ptr<File> file;
  {
    FaultFS files(memory);
    file = files.open(with_plan(Context(), plan_of("fail read always")), "a").value();
  }
  std::array<std::byte, 1> buffer{};
  CHECK(file->read(buffer).value() == 1);
}
