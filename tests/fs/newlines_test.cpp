#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <leash/fs/detail/newlines.hpp>
#include <ostream>
#include <random>
#include <string>
#include <vector>

using leash::fs::detail::find_newlines;
using leash::fs::detail::newlines_room;
using leash::fs::detail::newlines_window;

namespace {

std::vector<std::uint16_t> found_in(const std::string& text) {
  // On the heap, each with its size, where a byte read or written outside is seen.
  const std::vector<char> exact(text.begin(), text.end());
  std::vector<std::uint16_t> offsets(newlines_room);
  offsets.resize(find_newlines(exact.data(), exact.size(), offsets.data()));
  return offsets;
}

std::vector<std::uint16_t> newlines_of(const std::string& text) {
  std::vector<std::uint16_t> offsets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') offsets.push_back(static_cast<std::uint16_t>(i));
  }
  return offsets;
}

}  // namespace

TEST_CASE("the ends of lines are found, however many and wherever they are") {
  std::mt19937 random(1);
  for (const unsigned one_in : {1U, 2U, 3U, 10U, 100U, 1000U}) {
    for (std::size_t size = 0; size < 300; ++size) {
      std::string text(size, '\0');
      for (char& c : text) c = random() % one_in == 0 ? '\n' : static_cast<char>(random() % 256);
      CHECK(found_in(text) == newlines_of(text));
    }
  }
  CHECK(found_in(std::string(newlines_window, '\n')).size() == newlines_window);
  CHECK(found_in(std::string(newlines_window, '\n')) == newlines_of(std::string(newlines_window, '\n')));
  // Bytes that differ from `\n` in one bit.
  CHECK(found_in(std::string(64, '\x8a') + std::string(64, '\x0b') + std::string(64, '\x2a') + '\n') ==
        std::vector<std::uint16_t>{192});
}
