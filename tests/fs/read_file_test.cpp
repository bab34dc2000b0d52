#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <leash/fs/proxy.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "counting_clock.hpp"
#include "subjects.hpp"

namespace fs = leash::fs;
using leash::Context;

namespace {

/// A file that claims to have `claimed` bytes, and has those of `content`, a few for each read.
class Claiming final : public fs::File {
 public:
  Claiming(std::string content, std::uint64_t claimed, std::vector<std::size_t>& rooms)
      : content_(std::move(content)), claimed_(claimed), rooms_(rooms) {}

 private:
  leash::Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location) override {
    rooms_.push_back(buffer.size());
    const std::size_t count = std::min({buffer.size(), content_.size() - position_, std::size_t{5000}});
    std::memcpy(buffer.data(), content_.data() + position_, count);
    position_ += count;
    return count;
  }
  leash::Result<fs::FileInfo> do_stat(std::source_location) override {
    fs::FileInfo info;
    info.size = claimed_;
    return info;
  }
  leash::Result<void> do_close(std::source_location) override { return {}; }
  std::string_view do_path() const noexcept override { return "claiming"; }

  const std::string content_;
  const std::uint64_t claimed_;
  std::vector<std::size_t>& rooms_;
  std::size_t position_ = 0;
};

class ClaimingFS final : public fs::FileSystem {
 public:
  std::string content;
  std::uint64_t claimed = 0;
  std::vector<std::size_t> rooms;  ///< How many bytes each read was for.

 private:
  leash::Result<std::unique_ptr<fs::File>> do_open(leash::Call, std::string_view, const fs::OpenOptions&) override {
    return std::make_unique<Claiming>(content, claimed, rooms);
  }
};

}  // namespace

LEASH_FS_TEST("a file is read as a whole, whatever its size") {
  Subject subject(on);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096},
                                 std::size_t{4097}, std::size_t{1} << 20U, (std::size_t{1} << 24U) + 1}) {
    CAPTURE(size);
    std::string content(size, 'x');
    for (std::size_t i = 0; i < size; i += 1000) content[i] = static_cast<char>(i / 1000);
    put(subject.files(), "file", content);
    CHECK(get(subject.files(), "file") == content);
  }
}

TEST_CASE("a file whose size is as it says is read into one buffer, with one byte more") {
  ClaimingFS files;
  files.content = std::string(12345, 'x');
  files.claimed = files.content.size();
  CHECK(fs::read_file(Context(), files, "file").value() == files.content);
  CHECK(files.rooms == std::vector<std::size_t>{12346, 7346, 2346, 1});
}

TEST_CASE("a file that has more or fewer bytes than it says is read as a whole") {
  ClaimingFS files;
  for (const std::size_t size : {0UZ, 1UZ, 4095UZ, 4096UZ, 4097UZ, 100'000UZ}) {
    files.content = std::string(size, 'x');
    for (const std::uint64_t claimed :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{size} - 1, std::uint64_t{size} + 1, std::uint64_t{1} << 40U,
          std::uint64_t{INT64_MAX}, std::uint64_t{UINT64_MAX}}) {
      CAPTURE(size);
      CAPTURE(claimed);
      files.claimed = claimed;
      const auto content = fs::read_file(Context(), files, "file");
      REQUIRE_MESSAGE(content, text_of(content));
      CHECK(*content == files.content);
      CHECK(content->capacity() <= 2 * size + 4096);
    }
  }
}

TEST_CASE("a file of /proc, which says that it has no bytes, is read as a whole") {
  fs::DiskFS files = fs::DiskFS::open_root(Context(), "/proc").value();
  REQUIRE(files.stat(Context(), "self/smaps").value().size == 0);
  CHECK(fs::read_file(Context(), files, "self/smaps").value().size() > 10'000);
  CHECK(fs::read_file(Context(), files, "filesystems").value().contains("nodev\tproc\n"));
}

TEST_CASE("a large file is not read on when the Context is done") {
  ClaimingFS files;
  files.content = std::string(100'000, 'x');
  auto [ctx, source] = Context().with_cancel();
  source.cancel();
  CHECK(text_of(fs::read_file(ctx, files, "file")) == "open file: Operation canceled");
  const auto clock = std::make_shared<CountingClock>();
  const auto result = fs::read_file(CountingClock::expiring_after(5, clock), files, "file");
  CHECK(text_of(result) == "read file: Connection timed out");
}
