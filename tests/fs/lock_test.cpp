#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <counting_clock.hpp>
#include <cstdint>
#include <in_thread.hpp>
#include <leash/os/descriptor.hpp>
#include <memory>
#include <string>

#include "subjects.hpp"

namespace fs = leash::fs;
using fs::LockMode;
using leash::Context;
using std::chrono::milliseconds;

namespace {

constexpr auto shared = LockMode::shared;
constexpr auto exclusive = LockMode::exclusive;

std::unique_ptr<fs::File> open_both(fs::FileSystem& files, std::string_view path = "file") {
  return files.open(Context(), path, {.read = true, .write = true, .create = true}).value();
}

/// Whether `file` gets the lock; what else may happen is a failure.
bool locks(fs::File& file, LockMode mode, fs::LockRange range = {}) {
  const auto locked = file.try_lock(mode, range);
  if (!locked) CHECK_MESSAGE(locked.error() == std::errc::resource_unavailable_try_again, text_of(locked));
  return locked.has_value();
}

/// Whether nobody but `file` holds some of the range; leaves it unlocked.
bool is_free(fs::File& file, fs::LockRange range) {
  if (!locks(file, exclusive, range)) return false;
  CHECK(file.unlock(range));
  return true;
}

/// What `test` says in a forked child.
template <class Test>
bool in_child(Test test) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(test() ? 1 : 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status) == 1;
}

/// Two handles of one file.
struct Two {
  explicit Two(On on) : subject(on) {}

  Subject subject;
  std::unique_ptr<fs::File> a = open_both(subject.files());
  std::unique_ptr<fs::File> b = open_both(subject.files());
};

}  // namespace

LEASH_FS_TEST("a range that another handle has locked cannot be locked, those beside it can") {
  Two files(on);
  CHECK(locks(*files.a, exclusive, {10, 10}));
  CHECK_FALSE(locks(*files.b, exclusive, {10, 10}));
  CHECK_FALSE(locks(*files.b, exclusive, {0, 11}));
  CHECK_FALSE(locks(*files.b, exclusive, {19, 1}));
  CHECK_FALSE(locks(*files.b, exclusive, {19, 0}));
  CHECK_FALSE(locks(*files.b, shared, {0, 0}));
  CHECK(locks(*files.b, exclusive, {0, 10}));
  CHECK(locks(*files.b, exclusive, {20, 0}));
  CHECK_FALSE(locks(*files.a, shared, {9, 1}));
  CHECK(text_of(files.a->try_lock(exclusive)) == "try_lock file: Resource temporarily unavailable");
}

LEASH_FS_TEST("many may lock as shared what nobody has locked as exclusive") {
  Two files(on);
  const auto c = open_both(files.subject.files());
  CHECK(locks(*files.a, shared));
  CHECK(locks(*files.b, shared));
  CHECK_FALSE(locks(*c, exclusive, {5, 1}));
  CHECK(files.a->unlock());
  CHECK_FALSE(locks(*c, exclusive, {5, 1}));
  CHECK(files.b->unlock());
  CHECK(locks(*c, exclusive, {5, 1}));
}

LEASH_FS_TEST("a handle that locks again what it holds changes the mode, or keeps the one it has") {
  Two files(on);
  CHECK(locks(*files.a, shared));
  CHECK(locks(*files.b, shared));
  CHECK_FALSE(locks(*files.a, exclusive));
  CHECK_FALSE(locks(*files.b, exclusive));
  CHECK(files.b->unlock());
  CHECK(locks(*files.a, exclusive));
  CHECK_FALSE(locks(*files.b, shared));
  CHECK(locks(*files.a, shared, {0, 10}));
  CHECK(locks(*files.b, shared, {0, 10}));
  CHECK_FALSE(locks(*files.b, shared, {10, 1}));
  CHECK_FALSE(locks(*files.b, exclusive, {0, 10}));
}

LEASH_FS_TEST("to free the middle of a range splits it, and to lock it again joins it") {
  Two files(on);
  CHECK(locks(*files.a, exclusive, {0, 30}));
  CHECK(files.a->unlock({10, 10}));
  CHECK_FALSE(is_free(*files.b, {0, 10}));
  CHECK_FALSE(is_free(*files.b, {9, 2}));
  CHECK(is_free(*files.b, {10, 10}));
  CHECK_FALSE(is_free(*files.b, {19, 2}));
  CHECK_FALSE(is_free(*files.b, {20, 10}));
  CHECK(is_free(*files.b, {30, 0}));
  CHECK(locks(*files.a, exclusive, {10, 10}));
  CHECK_FALSE(is_free(*files.b, {10, 10}));
  CHECK(files.a->unlock());
  CHECK(is_free(*files.b, {}));
}

LEASH_FS_TEST("a size of 0 is all from the offset on, and a range may lie behind the end") {
  Two files(on);
  constexpr std::uint64_t last = INT64_MAX;
  CHECK(locks(*files.a, exclusive, {100, 0}));
  CHECK(is_free(*files.b, {0, 100}));
  CHECK_FALSE(is_free(*files.b, {last, 1}));
  CHECK_FALSE(is_free(*files.b, {last, 0}));
  CHECK(files.a->write("what makes the file longer does not matter"));
  CHECK(files.a->unlock({100, last - 100}));
  CHECK(is_free(*files.b, {0, last}));
  CHECK_FALSE(is_free(*files.b, {last, 1}));
  CHECK(files.a->stat().value().size == 42);
}

LEASH_FS_TEST("a range may end at INT64_MAX and not behind it") {
  Two files(on);
  constexpr std::uint64_t last = INT64_MAX;
  CHECK(locks(*files.a, exclusive, {0, last + 1}));
  CHECK_FALSE(is_free(*files.b, {last, 1}));
  CHECK_FALSE(is_free(*files.b, {0, 1}));
  CHECK(files.a->unlock({0, last + 1}));
  CHECK(is_free(*files.b, {0, 0}));
  CHECK(locks(*files.a, exclusive, {last, 1}));
  for (const fs::LockRange range : {fs::LockRange{0, last + 2},
                                    {1, last + 1},
                                    {last, 2},
                                    {last + 1, 0},
                                    {last + 1, 1},
                                    {UINT64_MAX, 0},
                                    {UINT64_MAX, UINT64_MAX},
                                    {0, UINT64_MAX},
                                    {1, UINT64_MAX}}) {
    CAPTURE(range.offset);
    CAPTURE(range.size);
    CHECK(text_of(files.a->try_lock(shared, range)) == "try_lock file: Value too large for defined data type");
    CHECK(text_of(files.a->lock(Context(), shared, range)) == "lock file: Value too large for defined data type");
    CHECK(text_of(files.a->unlock(range)) == "unlock file: Value too large for defined data type");
  }
}

LEASH_FS_TEST("a range that ends at INT64_MAX has no end") {
  Subject subject(on);
  put(subject.files(), "file");
  const auto one = subject.files().open(Context(), "file", {.read = true, .write = true}).value();
  const auto other = subject.files().open(Context(), "file", {.read = true, .write = true}).value();
  CHECK(one->try_lock(fs::LockMode::exclusive));
  CHECK(one->unlock({0, std::uint64_t{1} << 63U}));
  CHECK(other->try_lock(fs::LockMode::exclusive));
}

LEASH_FS_TEST("close frees what a handle has locked, and nothing of others") {
  Two files(on);
  CHECK(locks(*files.a, exclusive, {0, 10}));
  CHECK(open_both(files.subject.files())->close());
  {
    const auto dropped = open_both(files.subject.files());
  }
  CHECK_FALSE(is_free(*files.b, {0, 10}));
  CHECK(files.a->close());
  CHECK(is_free(*files.b, {0, 10}));
  {
    const auto dropped = open_both(files.subject.files());
    CHECK(locks(*dropped, shared));
    CHECK_FALSE(is_free(*files.b, {}));
  }
  CHECK(is_free(*files.b, {}));
}

LEASH_FS_TEST("a lock is one of the file, whatever its name, and not of what has the name now") {
  Two files(on);
  fs::FileSystem& tree = files.subject.files();
  CHECK(locks(*files.a, exclusive));
  REQUIRE(tree.link(Context(), "file", "other"));
  CHECK_FALSE(locks(*open_both(tree, "other"), shared));
  REQUIRE(tree.remove(Context(), "file"));
  CHECK_FALSE(locks(*files.b, shared));
  CHECK(locks(*open_both(tree), exclusive));
}

LEASH_FS_TEST("to lock as shared a file must be open for reading, and as exclusive for writing") {
  Subject subject(on);
  put(subject.files(), "file");
  const auto reading = subject.files().open(Context(), "file").value();
  const auto writing = subject.files().open(Context(), "file", {.write = true}).value();
  CHECK(reading->try_lock(shared));
  CHECK(text_of(reading->try_lock(exclusive)) == "try_lock file: Permission denied (not opened for writing)");
  CHECK(text_of(writing->try_lock(shared)) == "try_lock file: Permission denied (not opened for reading)");
  CHECK(text_of(writing->lock(Context(), shared)) == "lock file: Permission denied (not opened for reading)");
  CHECK(reading->unlock());
  CHECK(writing->try_lock(exclusive));
  CHECK(writing->unlock());
  CHECK(writing->unlock());
  CHECK(reading->unlock({7, 7}));
}

LEASH_FS_TEST("a file that is closed has no locks") {
  Two files(on);
  CHECK(files.a->close());
  CHECK(text_of(files.a->try_lock(shared)) == "try_lock file: Bad file descriptor");
  CHECK(text_of(files.a->lock(Context(), shared)) == "lock file: Bad file descriptor");
  CHECK(text_of(files.a->unlock()) == "unlock file: Bad file descriptor");
}

LEASH_FS_TEST("lock waits until others have unlocked, and asks less and less often by the clock") {
  Two files(on);
  REQUIRE(locks(*files.a, exclusive));
  const auto clock = std::make_shared<leash_test::CountingClock>();
  const Context ctx = Context().with_clock(clock);
  auto waiting = leash_test::in_thread([&] { return files.b->lock(ctx, exclusive); });
  if (on != On::memory) {
    int asked = 0;
    for (const int wait : {1, 2, 4, 8, 16, 32, 50, 50, 50}) {
      clock->wait_for(++asked);
      CHECK(clock->last_time() - clock->now() == milliseconds(wait));
      clock->advance(milliseconds(wait));
    }
    clock->wait_for(++asked);
  }
  CHECK(files.a->unlock());
  clock->advance(milliseconds(50));
  const auto locked = waiting.get();
  CHECK_MESSAGE(locked, text_of(locked));
  CHECK_FALSE(locks(*files.a, shared));
}

LEASH_FS_TEST("lock returns at once where nobody is in the way") {
  Two files(on);
  const Context ctx = Context().with_clock(std::make_shared<leash::FakeClock>());
  CHECK(files.a->lock(ctx, shared, {0, 10}));
  CHECK(files.b->lock(ctx, shared, {0, 10}));
  CHECK(files.b->lock(ctx, exclusive, {10, 10}));
}

LEASH_FS_TEST("lock ends when its Context is cancelled, and holds nothing then") {
  Two files(on);
  REQUIRE(locks(*files.a, exclusive, {0, 10}));
  const auto clock = std::make_shared<leash_test::CountingClock>();
  auto [ctx, source] = Context().with_clock(clock).with_cancel();
  auto waiting = leash_test::in_thread([&, &context = ctx] { return files.b->lock(context, exclusive); });
  waiting.wait_until_blocked();
  source.cancel();
  CHECK(text_of(waiting.get()) == "lock file: Operation canceled");
  CHECK(text_of(files.b->lock(ctx, shared)) == "lock file: Operation canceled");
  CHECK(is_free(*files.a, {10, 0}));
}

LEASH_FS_TEST("lock ends at the deadline of its Context") {
  Two files(on);
  REQUIRE(locks(*files.a, shared));
  const auto clock = std::make_shared<leash::FakeClock>();
  const Context ctx = Context().with_clock(clock).with_timeout(milliseconds(30));
  auto waiting = leash_test::in_thread([&] { return files.b->lock(ctx, exclusive); });
  waiting.wait_until_blocked();
  clock->advance(milliseconds(30));
  CHECK(text_of(waiting.get()) == "lock file: Connection timed out");
}

LEASH_FS_TEST("what another process holds counts, and goes with it") {
  if (on == On::memory) return;
  Two files(on);
  fs::FileSystem& tree = files.subject.files();
  REQUIRE(locks(*files.a, exclusive, {0, 10}));
  // The child opens the file anew. What it has locked is free again when it ends.
  CHECK_FALSE(in_child([&] { return open_both(tree)->try_lock(shared, {0, 10}).has_value(); }));
  CHECK(in_child([&] { return open_both(tree)->try_lock(exclusive, {10, 10}).has_value(); }));
  CHECK(is_free(*files.a, {}));
  // A handle that the child has inherited is the same open file, and so are its locks. To close it there frees nothing.
  CHECK(in_child([&] { return files.a->try_lock(exclusive, {0, 20}) && files.a->close(); }));
  CHECK_FALSE(is_free(*files.b, {0, 10}));
  CHECK_FALSE(is_free(*files.b, {10, 10}));
}

LEASH_FS_TEST("what a handle has locked is free once it is closed, even if a map of it is left") {
  Two files(on);
  REQUIRE(files.a->truncate(10));
  auto map = files.a->map(0, 10).value();
  REQUIRE(locks(*files.a, exclusive));
  if (on != On::memory) {
    // One that has inherited the handle frees nothing.
    CHECK(in_child([&] { return files.a->close().has_value(); }));
    CHECK_FALSE(is_free(*files.b, {}));
  }
  SUBCASE("by close") { REQUIRE(files.a->close()); }
  SUBCASE("by its destructor") { files.a.reset(); }
  CHECK(is_free(*files.b, {}));
  CHECK(map->bytes().size() == 10);
}

TEST_CASE("a descriptor that is released keeps what the file has locked") {
  Two files(On::disk);
  REQUIRE(locks(*files.a, exclusive));
  {
    const leash::os::Descriptor descriptor(files.a->release().value());
    CHECK_FALSE(locks(*files.b, shared));
  }
  CHECK(locks(*files.b, shared));
}

LEASH_FS_TEST("a directory can be locked as shared, as the system has it") {
  Subject subject(on);
  const auto directory = subject.files().open(Context(), ".", {.read = true, .directory = true}).value();
  CHECK(directory->try_lock(shared));
  CHECK(code_of(directory->try_lock(exclusive)) == std::errc::permission_denied);
  CHECK(directory->unlock());
}
