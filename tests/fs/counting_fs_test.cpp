#include <doctest/doctest.h>

#include <chrono>
#include <leash/clock.hpp>
#include <leash/fs/counting_fs.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "recorder.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using namespace std::chrono_literals;
using fs::OperationKind;
using leash::Context;

namespace {

/// Each `stat` and `read` takes as long as the test says, by the test's clock.
class SlowFS final : public fs::HookedFileSystem {
 public:
  SlowFS(fs::FileSystem& inner, leash::FakeClock& clock) : HookedFileSystem(inner), clock_(clock) {}

 private:
  leash::Result<void> around(fs::Operation& operation, Next next) override {
    if (operation.kind == OperationKind::stat) clock_.advance(2ms);
    if (operation.kind == OperationKind::file_read) clock_.advance(5ms);
    return next();
  }

  leash::FakeClock& clock_;
};

}  // namespace

LEASH_FS_TEST("CountingFS counts calls, errors and bytes by kind") {
  Subject subject(on);
  put(subject.files(), "file", "12345");
  fs::CountingFS files(subject.files());
  CHECK(files.counts().total() == fs::OperationCount{});
  std::array<std::byte, 9> buffer{};
  {
    const auto file = files.open(Context(), "file", {.read = true, .write = true}).value();
    CHECK(file->read(buffer).value() == 5);
    CHECK(file->read(buffer).value() == 0);
    CHECK(file->write("678"));
    CHECK(file->read_at(buffer, 6).value() == 2);
    CHECK_FALSE(file->seek(-1));
    CHECK(file->close());
    CHECK_FALSE(file->read(buffer));
  }
  CHECK_FALSE(files.open(Context(), "missing"));
  const fs::OperationCounts counts = files.counts();
  const auto check = [&](OperationKind kind, std::uint64_t calls, std::uint64_t errors, std::uint64_t bytes) {
    CAPTURE(to_string(kind));
    CHECK(counts[kind].calls == calls);
    CHECK(counts[kind].errors == errors);
    CHECK(counts[kind].bytes == bytes);
  };
  check(OperationKind::open, 2, 1, 0);
  check(OperationKind::file_read, 3, 1, 5);
  check(OperationKind::file_write, 1, 0, 3);
  check(OperationKind::file_read_at, 1, 0, 2);
  check(OperationKind::file_seek, 1, 1, 0);
  check(OperationKind::file_close, 1, 0, 0);
  check(OperationKind::stat, 0, 0, 0);
  CHECK(counts.total().calls == 9);
  CHECK(counts.total().errors == 3);
  CHECK(counts.total().bytes == 10);
  CHECK(files.reset().by_kind == counts.by_kind);
  CHECK(files.counts().total() == fs::OperationCount{});
  // What was counted is a value of its own.
  CHECK(counts.total().calls == 9);
}

TEST_CASE("CountingFS takes the time by the clock of the Context, on handles by that of their open") {
  const auto clock = std::make_shared<leash::FakeClock>();
  fs::MemoryFS memory{{"file", "12345"}};
  SlowFS slow(memory, *clock);
  fs::CountingFS files(slow);
  const Context ctx = Context().with_clock(clock);
  CHECK(files.stat(ctx, "file"));
  CHECK(files.stat(ctx, "file"));
  CHECK_FALSE(files.stat(ctx, "missing"));
  const auto file = files.open(ctx, "file").value();
  std::byte byte{};
  CHECK(file->read({&byte, 1}));
  CHECK(files.counts()[OperationKind::stat].time == 6ms);
  CHECK(files.counts()[OperationKind::open].time == 0ms);
  CHECK(files.counts()[OperationKind::file_read].time == 5ms);
  CHECK(files.counts().total().time == 11ms);
  CHECK(files.reset().total().time == 11ms);
  CHECK(files.counts().total().time == 0ms);
}

TEST_CASE("CountingFS loses no operation of many threads, and has each in one result of reset") {
  fs::MemoryFS memory{{"file", "12345"}};
  fs::CountingFS files(memory);
  const auto file = files.open(Context(), "file").value();
  static_cast<void>(files.reset());
  constexpr std::uint64_t rounds = 500;
  fs::OperationCount sum;
  {
    std::vector<std::jthread> workers;
    for (int thread = 0; thread != 3; ++thread) {
      workers.emplace_back([&] {
        for (std::uint64_t round = 0; round != rounds; ++round) {
          std::array<std::byte, 5> buffer{};
          static_cast<void>(file->read_at(buffer, 0));
          static_cast<void>(files.stat(Context(), "missing"));
        }
      });
    }
    for (std::uint64_t round = 0; round != rounds; ++round) {
      const fs::OperationCounts some = files.reset();
      CHECK(some[OperationKind::file_read_at].bytes == 5 * some[OperationKind::file_read_at].calls);
      CHECK(some[OperationKind::stat].errors == some[OperationKind::stat].calls);
      sum += some.total();
    }
  }
  sum += files.reset().total();
  CHECK(sum.calls == 3 * rounds * 2);
  CHECK(sum.errors == 3 * rounds);
  CHECK(sum.bytes == 3 * rounds * 5);
}
