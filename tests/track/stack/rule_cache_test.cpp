#include <doctest/doctest.h>

#include <cstdint>
#include <leash/track/stack/rule_cache.hpp>
#include <memory>
#include <random>

using leash::track::detail::RuleCache;
using leash::track::detail::UnwindRule;

namespace {

constexpr std::uintptr_t code_address = 0x7f12'3456'7890;

UnwindRule rule(std::int64_t offset) { return UnwindRule::framed(false, offset, 0); }

}  // namespace

TEST_CASE("the rules of any two addresses are kept at once") {
  const auto cache = std::make_unique<RuleCache>();
  std::mt19937_64 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  int lost = 0;
  for (int round = 0; round < 300'000; ++round) {
    // Near, where code mostly is, and far.
    const std::uintptr_t there = round % 2 == 0 ? code_address ^ (random() % (1U << 20U) + 1) : random() >> 17U;
    cache->store(code_address, rule(16), cache->clear_count());
    cache->store(there, rule(64), cache->clear_count());
    if (cache->find(code_address) != rule(16) || cache->find(there) != rule(64)) ++lost;
  }
  CHECK(lost == 0);
}

TEST_CASE("an address that was not stored has no rule, however near it is to one that was") {
  const auto cache = std::make_unique<RuleCache>();
  std::mt19937_64 random(2);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  cache->store(code_address, rule(16), cache->clear_count());
  cache->store(code_address + (std::uintptr_t{1} << 40U), rule(16), cache->clear_count());
  int found = 0;
  for (unsigned bit = 0; bit < 48; ++bit) {
    if (bit != 40 && cache->find(code_address ^ std::uintptr_t{1} << bit) != UnwindRule()) ++found;
  }
  for (int round = 0; round < 100'000; ++round) {
    if (const std::uintptr_t there = random() >> 16U; there != code_address && cache->find(there) != UnwindRule())
      ++found;
  }
  CHECK(found == 0);
  cache->store(std::uintptr_t{1} << 47U, rule(16), cache->clear_count());
  CHECK(cache->find(std::uintptr_t{1} << 47U) == UnwindRule());
}

TEST_CASE("what was looked up before the cache was cleared is not kept") {
  const auto cache = std::make_unique<RuleCache>();
  const std::uint32_t clear_count = cache->clear_count();
  cache->store(code_address, rule(16), clear_count);
  cache->clear();
  CHECK(cache->find(code_address) == UnwindRule());
  cache->store(code_address, rule(16), clear_count);
  CHECK(cache->find(code_address) == UnwindRule());
  cache->store(code_address, rule(16), cache->clear_count());
  CHECK(cache->find(code_address) == rule(16));
}

TEST_CASE("a rule keeps what it was made of") {
  for (const std::int64_t saved : {0, 8, 16, 64, 127 * 8}) {
    for (const std::int64_t offset : {8, 16, 24, 1024, (8 << 18) - 8}) {
      for (const bool by_rbp : {false, true}) {
        if (saved > offset) continue;
        CAPTURE(saved);
        CAPTURE(offset);
        const UnwindRule made = UnwindRule::framed(by_rbp, offset, saved);
        REQUIRE(made.is_framed());
        CHECK(made.by_rbp() == by_rbp);
        CHECK(made.keeps_rbp() == (saved == 0));
        CHECK(made.offset() == offset);
        CHECK(made.saved() == (saved == 0 ? 8 : saved));
        CHECK((made.bits() >> UnwindRule::bit_count) == 0);
      }
    }
  }
  const UnwindRule unsupported(UnwindRule::Kind::unsupported);
  for (const std::int64_t offset : {-8, 0, 4, 8 << 18}) CHECK(UnwindRule::framed(false, offset, 0) == unsupported);
  for (const std::int64_t saved : {-8, 4, 128 * 8}) CHECK(UnwindRule::framed(false, 4096, saved) == unsupported);
  CHECK(UnwindRule::framed(false, 16, 24) == unsupported);
}
