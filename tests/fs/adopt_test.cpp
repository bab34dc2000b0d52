#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <leash/fs/adopt.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/track/errc.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <string>
#include <utility>

#include "subjects.hpp"

namespace fs = leash::fs;
namespace track = leash::track;
using leash::Context;
using leash::os::Descriptor;

namespace {

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1; }

/// A file of a directory of its own, and a descriptor of it that no code of leash knows.
struct Foreign {
  explicit Foreign(int flags) : descriptor(::open((top / "file").c_str(), flags | O_CREAT, 0600)) {
    REQUIRE(descriptor >= 0);
  }

  std::string content() const {
    fs::DiskFS files = fs::DiskFS::open_root(Context(), top.path()).value();
    return get(files, "file");
  }

  TempDir top;
  int descriptor;
};

std::string read_some(fs::File& file) {
  std::string text(100, ' ');
  const auto count = file.read(std::as_writable_bytes(std::span(text)));
  REQUIRE_MESSAGE(count, text_of(count));
  return text.substr(0, *count);
}

}  // namespace

TEST_CASE("a descriptor that is adopted reads and writes where it stands, and is closed with the file") {
  Foreign foreign(O_RDWR);
  REQUIRE(::write(foreign.descriptor, "0123456789", 10) == 10);
  REQUIRE(::lseek(foreign.descriptor, 3, SEEK_SET) == 3);
  const auto file = fs::adopt(Context(), foreign.descriptor, "some name").value();
  CHECK(file->path() == "some name");
  CHECK(file->native_handle() == foreign.descriptor);
  CHECK(file->write("abc"));
  CHECK(read_some(*file) == "6789");
  CHECK(file->stat().value().name == "some name");
  CHECK(file->sync());
  CHECK(foreign.content() == "012abc6789");
  CHECK(file->close());
  CHECK_FALSE(is_open(foreign.descriptor));
  CHECK(text_of(file->close()) == "close some name: Bad file descriptor");
}

TEST_CASE("the destructor of a file that was adopted closes it, and release gives it back") {
  Foreign foreign(O_RDWR);
  {
    const auto file = fs::adopt(Context(), foreign.descriptor, "f").value();
    CHECK(file->release().value() == foreign.descriptor);
  }
  CHECK(is_open(foreign.descriptor));
  {
    const auto file = fs::adopt(Context(), foreign.descriptor, "f").value();
  }
  CHECK_FALSE(is_open(foreign.descriptor));
}

TEST_CASE("what the descriptor was not opened for, the file refuses") {
  Foreign reading(O_RDONLY);
  const auto read_only = fs::adopt(Context(), reading.descriptor, "r").value();
  CHECK(text_of(read_only->write("x")) == "write r: Permission denied (not opened for writing)");
  CHECK(read_some(*read_only).empty());
  Foreign writing(O_WRONLY);
  const auto write_only = fs::adopt(Context(), writing.descriptor, "w").value();
  std::byte byte{};
  CHECK(text_of(write_only->read({&byte, 1})) == "read w: Permission denied (not opened for reading)");
  Foreign appending(O_WRONLY | O_APPEND);
  const auto append_only = fs::adopt(Context(), appending.descriptor, "a").value();
  CHECK(append_only->write("one"));
  CHECK(text_of(append_only->write_at("x", 0)) == "write_at a: Invalid argument (opened for appending)");
  CHECK(appending.content() == "one");
  Foreign only_path(O_RDONLY);
  const int path = ::open(only_path.top.path().c_str(), O_PATH | O_CLOEXEC);
  const auto place = fs::adopt(Context(), path, "p").value();
  CHECK(code_of(place->read({&byte, 1})) == std::errc::permission_denied);
  CHECK(place->stat().value().is_directory());
  ::close(only_path.descriptor);
}

TEST_CASE("a directory that was adopted can be synced, and not read") {
  const TempDir top;
  const auto directory =
      fs::adopt(Context(), ::open(top.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "d").value();
  std::byte byte{};
  CHECK(text_of(directory->read({&byte, 1})) == "read d: Is a directory");
  CHECK(code_of(directory->seek(0)) == std::errc::is_a_directory);
  CHECK(directory->sync());
}

TEST_CASE("a descriptor that is adopted closes on exec, and waits or not as before") {
  std::array<int, 2> ends{};
  for (const int flags : {0, O_NONBLOCK}) {
    REQUIRE(::pipe2(ends.data(), flags) == 0);
    const auto reading = fs::adopt(Context(), ends[0], "pipe").value();
    CHECK(::fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
    CHECK((::fcntl(ends[0], F_GETFL) & O_NONBLOCK) == flags);
    const auto writing = fs::adopt(Context(), ends[1], "pipe").value();
    CHECK(writing->write("through"));
    CHECK(read_some(*reading) == "through");
    CHECK(reading->close());
    CHECK(text_of(writing->write("x")) == "write pipe: Broken pipe");
  }
}

TEST_CASE("what is no open descriptor is refused, and nothing is closed") {
  const std::size_t before = count_of_open_descriptors();
  for (const int descriptor : {-1, -100, 1'000'000, INT32_MAX, INT32_MIN}) {
    CAPTURE(descriptor);
    CHECK(text_of(fs::adopt(Context(), descriptor, "f")) == "adopt f: Bad file descriptor");
  }
  CHECK(count_of_open_descriptors() == before);
}

TEST_CASE("where adopting fails, the descriptor is the caller's as before") {
  Foreign foreign(O_RDWR);
  const Descriptor owned(foreign.descriptor);
  auto [cancelled, source] = Context().with_cancel();
  source.cancel();
  CHECK(text_of(fs::adopt(cancelled, foreign.descriptor, "f")) == "adopt f: Operation canceled");
  CHECK(::fcntl(foreign.descriptor, F_GETFD) == 0);
  if constexpr (leash::tracking_enabled) {
    auto [tracker, ctx] = track::with_tracker(Context());
    static_cast<void>(tracker.close());
    const auto refused = fs::adopt(ctx, foreign.descriptor, "f");
    CHECK(code_of(refused) == track::errc::tracker_closed);
    CHECK(refused.error().operation() == "adopt");
    CHECK(refused.error().subject() == "f");
    CHECK(text_of(refused).contains("adopt_test.cpp"));
    CHECK(::fcntl(foreign.descriptor, F_GETFD) == 0);
  }
}

TEST_CASE("a file that was adopted is tracked as one that was opened") {
  if constexpr (leash::tracking_enabled) {
    Foreign foreign(O_RDWR);
    auto [tracker, ctx] = track::with_tracker(Context());
    const unsigned line = __LINE__ + 1;
    auto file = fs::adopt(ctx, foreign.descriptor, "a name").value();
    {
      const track::Report report = tracker.snapshot();
      REQUIRE(report.groups.size() == 1);
      CHECK(report.groups[0].kind == fs::kinds::file);
      CHECK(report.groups[0].opened.site.line() == line);
      CHECK(report.groups[0].instances[0].name == "a name");
      CHECK(report.groups[0].instances[0].descriptor == foreign.descriptor);
    }
    CHECK(file->write("x"));
    CHECK(file->sync_data());
    file.reset();
    CHECK(tracker.open_count() == 0);
    CHECK(tracker.close().groups.empty());
    CHECK_FALSE(is_open(foreign.descriptor));
  }
}

TEST_CASE("a file that was adopted, written and dropped has lost an error") {
  if constexpr (leash::tracking_enabled) {
    Foreign foreign(O_RDWR);
    auto [tracker, ctx] = track::with_tracker(Context());
    {
      const auto file = fs::adopt(ctx, foreign.descriptor, "f").value();
      CHECK(file->write("x"));
    }
    const track::Report report = tracker.close();
    REQUIRE(report.groups.size() == 1);
    CHECK(report.groups[0].rule == track::Rule::dropped);
  }
}
