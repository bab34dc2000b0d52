#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <leash/track/stack.hpp>
#include <leash/track/stack/eh_frame.hpp>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "all_tests.hpp"

using leash::track::detail::EhFrame;
using leash::track::detail::find_rule;
using leash::track::detail::find_tables;
using leash::track::detail::UnwindRule;

namespace {

// A copy of tables that may be damaged, in a block of just their size, so that a sanitizer sees what is read past it.
class Copy {
 public:
  explicit Copy(const EhFrame& tables)
      : begin_(std::min(tables.header.data(), tables.frames.data())),
        bytes_(static_cast<std::size_t>(std::max(end_of(tables.header), end_of(tables.frames)) - begin_)),
        header_(tables.header.data() - begin_),
        frames_(tables.frames.data() - begin_) {
    copy();
  }

  std::vector<std::byte>& bytes() { return bytes_; }

  // All that it says of `address` it says of another, for everything in there is relative.
  [[nodiscard]] UnwindRule find(std::uintptr_t address) const {
    const std::span<const std::byte> all(bytes_);
    const auto at = [&](std::ptrdiff_t offset) {
      return all.subspan(std::min(static_cast<std::size_t>(offset), all.size()));
    };
    const auto moved = reinterpret_cast<std::uintptr_t>(bytes_.data()) - reinterpret_cast<std::uintptr_t>(begin_);
    return find_rule({.header = at(header_), .frames = at(frames_)}, address + moved);
  }

 private:
  static const std::byte* end_of(std::span<const std::byte> span) { return span.data() + span.size(); }

  // Up to the end of the segment: what the linker put behind the tables may be what AddressSanitizer keeps apart.
  __attribute__((no_sanitize("address"))) void copy() {
    for (std::size_t at = 0; at < bytes_.size(); ++at) bytes_.data()[at] = begin_[at];
  }

  const std::byte* begin_;
  std::vector<std::byte> bytes_;
  std::ptrdiff_t header_;
  std::ptrdiff_t frames_;
};

EhFrame tables_of(const void* function) {
  const std::optional<EhFrame> tables = find_tables(reinterpret_cast<std::uintptr_t>(function));
  REQUIRE(tables.has_value());
  return *tables;
}

// Addresses in functions all over the program or library that the tables are of.
std::vector<std::uintptr_t> addresses_in(const EhFrame& tables, std::size_t count) {
  std::int32_t functions = 0;
  std::memcpy(&functions, tables.header.data() + 8, sizeof functions);
  REQUIRE(functions > 0);
  std::vector<std::uintptr_t> addresses;
  for (std::size_t index = 0; index < count; ++index) {
    const std::size_t row = index * static_cast<std::size_t>(functions) / count;
    std::int32_t begin = 0;
    std::memcpy(&begin, tables.header.data() + 12 + row * 8, sizeof begin);
    const auto start =
        reinterpret_cast<std::uintptr_t>(tables.header.data()) + static_cast<std::uintptr_t>(std::intptr_t{begin});
    addresses.push_back(start + index % 4);
  }
  return addresses;
}

// Tables made by hand, whose addresses are relative to their beginning.
class Made {
 public:
  void bytes(std::initializer_list<int> values) {
    for (const int value : values) bytes_.push_back(static_cast<std::byte>(value));
  }
  void words(std::initializer_list<std::uint32_t> values) {
    for (const std::uint32_t value : values) {
      for (unsigned shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<std::byte>(value >> shift));
    }
  }
  void set(std::size_t at, std::initializer_list<int> values) {
    for (const int value : values) bytes_[at++] = static_cast<std::byte>(value);
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] UnwindRule find(std::uintptr_t address) const {
    const std::span<const std::byte> all(bytes_);
    return find_rule({.header = all, .frames = all}, reinterpret_cast<std::uintptr_t>(bytes_.data()) + address);
  }

 private:
  std::vector<std::byte> bytes_;
};

const void* address_of(auto* function) { return reinterpret_cast<const void*>(function); }

}  // namespace

TEST_CASE("nearly all code has a rule, in the program and in the C library") {
  for (const void* const function : {address_of(&find_rule), address_of(&std::qsort)}) {
    const EhFrame tables = tables_of(function);
    const std::vector<std::uintptr_t> addresses = addresses_in(tables, 2000);
    const auto count = std::ranges::count_if(addresses, [&](std::uintptr_t address) {
      const UnwindRule rule = find_rule(tables, address);
      return rule.is_framed() || rule.kind() == UnwindRule::Kind::realigned ||
             rule.kind() == UnwindRule::Kind::realigning;
    });
    CHECK(count > 1900);
  }
}

TEST_CASE("tables give the same rules wherever they lie") {
  const EhFrame tables = tables_of(address_of(&find_rule));
  const Copy copy(tables);
  for (const std::uintptr_t address : addresses_in(tables, 1000))
    CHECK(copy.find(address) == find_rule(tables, address));
}

TEST_CASE("a register that is said to be saved as far away as can be is not looked for there") {
  // A header with one row, a CIE, and an FDE that says where rbp was saved.
  Made made;
  made.bytes({1, 0x1b, 0x03, 0x3b});  // Relative to there, a number of 32 bits, relative to the header.
  made.words({20 - 4, 1, 0x1000, 20 + 24});
  made.words({20, 0});
  made.bytes({1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x80 + 16, 1, 0, 0});
  made.words({28, 20 + 8, 0x1000 - 52, 0x100});
  // 2^60 times the -8 of the CIE.
  made.bytes({0, 0x05, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0, 0});
  CHECK(made.find(0x1010) == UnwindRule(UnwindRule::Kind::unsupported));
  // At the caller's stack pointer less 16, so that this has shown that the tables are right.
  made.set(made.size() - 13, {2, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(made.find(0x1010) == UnwindRule::framed(false, 8, 16));
}

TEST_CASE("damaged tables are read without harm" * doctest::skip(!leash_test::all_tests)) {
  const EhFrame tables = tables_of(address_of(&std::qsort));
  const std::vector<std::uintptr_t> addresses = addresses_in(tables, 300);
  std::mt19937 random(7);
  std::size_t changed = 0;
  const auto read_all = [&](const Copy& copy) {
    for (const std::uintptr_t address : addresses) changed += copy.find(address) == find_rule(tables, address) ? 0 : 1;
  };
  SUBCASE("cut off") {
    for (int round = 0; round < 100; ++round) {
      Copy copy(tables);
      copy.bytes().resize(random() % (round % 2 == 0 ? 64 : copy.bytes().size()));
      copy.bytes().shrink_to_fit();
      read_all(copy);
    }
  }
  SUBCASE("with other bytes in the entries") {
    for (int round = 0; round < 60; ++round) {
      Copy copy(tables);
      for (std::size_t at = 12; at < copy.bytes().size(); at += 1 + random() % 30) {
        copy.bytes()[at] = static_cast<std::byte>(random());
      }
      read_all(copy);
    }
  }
  SUBCASE("with another header") {
    for (int round = 0; round < 300; ++round) {
      Copy copy(tables);
      for (int times = 0; times < 3; ++times) copy.bytes()[random() % 64] = static_cast<std::byte>(random());
      read_all(copy);
    }
  }
  SUBCASE("of one byte over and over") {
    for (const int byte : {0x00, 0x01, 0x0a, 0x0b, 0x0f, 0x7f, 0x80, 0xff}) {
      Copy copy(tables);
      std::fill(copy.bytes().begin() + 12 + 300 * 8, copy.bytes().end(), static_cast<std::byte>(byte));
      read_all(copy);
    }
  }
  CHECK(changed > 0);
}
