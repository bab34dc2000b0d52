#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <leash/fs/detail/content.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

using leash::fs::detail::Content;

namespace {

constexpr std::uint64_t chunk = Content::chunk_size;

/// A Content and a string that has the same bytes, if Content is right.
class Both {
 public:
  explicit Both(unsigned seed) : random_(seed) {}
  Both(const Both&) = delete;
  Both& operator=(const Both&) = delete;
  ~Both() {
    while (!maps_.empty()) unmap();
  }

  std::uint64_t number(std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(random_); }

  void step(std::uint64_t limit) {
    const std::uint64_t offset = number(limit);
    const std::uint64_t size = number(limit / 4);
    switch (number(6)) {
      case 0:
        content_.truncate(offset);
        model_.resize(offset);
        break;
      case 1:
        allocate(offset, size);
        break;
      case 2:
        map(offset, size);
        break;
      case 3:
        if (!maps_.empty()) unmap();
        break;
      default:
        write(offset, std::string(size, static_cast<char>('a' + number(25))));
    }
  }

  void check() {
    REQUIRE(content_.size() == model_.size());
    std::string all(model_.size() + 1, '#');
    REQUIRE(content_.read(0, std::as_writable_bytes(std::span(all))) == model_.size());
    all.resize(model_.size());
    REQUIRE(all == model_);
    const std::uint64_t offset = number(model_.size());
    std::string part(100, '#');
    part.resize(content_.read(offset, std::as_writable_bytes(std::span(part))));
    REQUIRE(part == model_.substr(offset, 100));
  }

 private:
  void write(std::uint64_t offset, const std::string& data) {
    const std::uint64_t expected = content_.stored() + content_.growth(offset, data.size());
    content_.write(offset, std::as_bytes(std::span(data)));
    CHECK(content_.stored() == expected);
    if (data.empty()) return;
    model_.resize(std::max(model_.size(), offset + data.size()));
    model_.replace(offset, data.size(), data);
  }

  void allocate(std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t expected = content_.stored() + content_.growth(offset, size);
    content_.allocate(offset, size);
    CHECK(content_.stored() == expected);
    if (size != 0) model_.resize(std::max(model_.size(), offset + size));
  }

  /// Writes a byte through the map, and keeps it while other things happen.
  void map(std::uint64_t offset, std::uint64_t size) {
    if (size == 0 || offset + size > model_.size()) return;
    const Content::Mapped mapped = content_.map(offset, size);
    if (mapped.block == nullptr) return;
    CHECK(std::memcmp(mapped.data, model_.data() + offset, size) == 0);
    mapped.data[size / 2] = std::byte{'M'};
    model_[offset + (size / 2)] = 'M';
    maps_.push_back(mapped);
  }

  void unmap() {
    maps_.back().block->drop_mapping();
    maps_.pop_back();
  }

  std::mt19937 random_;
  Content content_;
  std::string model_;
  std::vector<Content::Mapped> maps_;
};

void write_text(Content& content, std::uint64_t offset, std::string_view text) {
  content.write(offset, std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("content: writes, cuts, holes and maps leave the bytes that a string would have") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Both both(seed);
    const std::uint64_t limit = seed % 3 == 0 ? 300 : (seed % 3 == 1 ? 3 * chunk : 20 * chunk);
    for (int step = 0; step < 40; ++step) {
      both.step(limit);
      both.check();
    }
  }
}

TEST_CASE("content: a far write costs one chunk") {
  Content content;
  write_text(content, 0, "near");
  write_text(content, INT64_MAX - 1, "x");
  CHECK(content.size() == INT64_MAX);
  CHECK(content.next_chunk(1) == (INT64_MAX - 1) / chunk);
  CHECK(content.stored() < 3 * chunk);
  content.truncate(2);
  CHECK(content.next_chunk(1) == Content::no_chunk);
  CHECK(content.stored() == 2);
}

TEST_CASE("content: a map within a chunk copies nothing, one over several moves them once") {
  Content content;
  write_text(content, 0, std::string(4 * chunk, 'a'));
  const std::byte* const before = content.chunk(1).data();
  const Content::Mapped one = content.map(chunk + 5, 10);
  CHECK(one.data == before + 5);
  CHECK(content.map(chunk, 2 * chunk).block == nullptr);  // chunk 1 must stay where it is
  one.block->drop_mapping();

  const Content::Mapped both = content.map(chunk, 2 * chunk);
  REQUIRE(both.block != nullptr);
  CHECK(content.chunk(2).data() == content.chunk(1).data() + chunk);
  const Content::Mapped again = content.map(chunk + 1, chunk);
  CHECK(again.data == both.data + 1);
  CHECK(content.map(0, 2 * chunk).block == nullptr);
  content.truncate(0);
  CHECK(both.data[0] == std::byte{'a'});  // the memory of a map outlives the content
  again.block->drop_mapping();
  both.block->drop_mapping();
}
