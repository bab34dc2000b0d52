#include <doctest/doctest.h>

#include <cstdint>
#include <leash/fs/detail/extents.hpp>
#include <random>
#include <span>
#include <string>
#include <string_view>

using leash::fs::detail::Extents;

namespace {

void write(Extents& extents, std::uint64_t offset, std::string_view text) {
  extents.write(offset, std::as_bytes(std::span(text)));
}

std::string read(const Extents& extents, std::uint64_t offset, std::size_t size) {
  std::string text(size, '?');
  text.resize(extents.read(offset, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace

TEST_CASE("appends that follow one another grow one extent") {
  Extents extents;
  for (int i = 0; i != 1000; ++i) write(extents, extents.size(), "line\n");
  CHECK(extents.size() == 5000);
  CHECK(extents.count() == 1);
}

TEST_CASE("a write far away costs one extent, and the hole reads as zeros") {
  constexpr std::uint64_t far = std::uint64_t{1} << 40;
  Extents extents;
  write(extents, 0, "ab");
  write(extents, far, "cd");
  CHECK(extents.count() == 2);
  CHECK(extents.size() == far + 2);
  CHECK(read(extents, 0, 4) == std::string("ab\0\0", 4));
  CHECK(read(extents, far - 2, 9) == std::string("\0\0cd", 4));
  CHECK(read(extents, far + 2, 1).empty());
}

TEST_CASE("the last byte that a file can have is written and read") {
  Extents extents;
  write(extents, INT64_MAX - 1, "z");
  CHECK(extents.size() == INT64_MAX);
  CHECK(read(extents, INT64_MAX - 2, 9) == std::string("\0z", 2));
  extents.truncate(INT64_MAX);
  extents.truncate(0);
  CHECK(extents.count() == 0);
}

TEST_CASE("what was cut off does not come back") {
  Extents extents;
  write(extents, 0, "secret");
  extents.truncate(2);
  extents.truncate(6);
  CHECK(read(extents, 0, 9) == std::string("se\0\0\0\0", 6));
  write(extents, 4, "x");
  CHECK(read(extents, 0, 9) == std::string("se\0\0x\0", 6));
}

TEST_CASE("writing nothing changes nothing") {
  Extents extents;
  extents.write(100, {});
  CHECK(extents.size() == 0);
  CHECK(extents.count() == 0);
}

TEST_CASE("extents hold what a plain string would hold") {
  for (unsigned seed = 0; seed != 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
    Extents extents;
    std::string model;
    for (int i = 0; i != 400; ++i) {
      const unsigned offset = below(200);
      const unsigned size = below(40);
      if (below(8) == 0) {
        extents.truncate(offset);
        model.resize(offset, '\0');
      } else if (size != 0) {
        const std::string text(size, static_cast<char>('a' + below(26)));
        write(extents, offset, text);
        if (model.size() < offset + size) model.resize(offset + size, '\0');
        model.replace(offset, size, text);
      }
      REQUIRE(extents.size() == model.size());
      REQUIRE(read(extents, 0, 300) == model);
      const unsigned at = below(250);
      REQUIRE(read(extents, at, size) == (at < model.size() ? model.substr(at, size) : ""));
    }
  }
}
