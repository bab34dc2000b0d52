#include <doctest/doctest.h>

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <bit>
#include <cstdint>
#include <leash/track/store/places.hpp>
#include <leash/track/tracker.hpp>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "track/child.hpp"
#include "track/kinds.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::Kind;
using leash::track::Report;
using leash::track::Tag;
using leash::track::with_tracker;
using leash::track::detail::intern_kind;
using leash::track::detail::intern_site;
using leash::track::detail::intern_stack;
using leash::track::detail::kind_at;
using leash::track::detail::Place;
using leash::track::detail::site_at;
using leash::track::detail::SiteEntry;

namespace {

/// A stack that no code has.
template <std::size_t Depth>
std::array<std::uintptr_t, Depth> made_up(std::uintptr_t number) {
  std::array<std::uintptr_t, Depth> addresses;
  for (std::size_t at = 0; at < Depth; ++at) addresses[at] = number + at;
  return addresses;
}

template <std::size_t Depth>
std::size_t fill_depot() {
  std::size_t stored = 0;
  while (intern_stack(0, made_up<Depth>(std::uintptr_t{Depth} << 40U | stored)) != 0) ++stored;
  return stored;
}

}  // namespace

TEST_CASE("equal stacks are stored once, others and those of other places not") {
  const auto stack = made_up<20>(1000);
  const std::uint32_t number = intern_stack(0, stack);
  REQUIRE(number != 0);
  CHECK(intern_stack(0, std::vector(stack.begin(), stack.end())) == number);
  CHECK(std::ranges::equal(Place::of_stack(number).addresses(), stack));
  for (std::size_t size = 0; size < stack.size(); ++size) {
    const std::span<const std::uintptr_t> shorter(stack.data(), size);
    const std::uint32_t other = intern_stack(0, shorter);
    CHECK(other != number);
    CHECK(std::ranges::equal(Place::of_stack(other).addresses(), shorter));
    auto changed = stack;
    changed[size] ^= 1U;
    CHECK(intern_stack(0, changed) != number);
    std::ranges::swap(changed[size], changed.front());
    CHECK(intern_stack(0, changed) != number);
  }
  const std::uint32_t site = intern_site(std::source_location::current());
  const std::uint32_t with_site = intern_stack(site, stack);
  CHECK(with_site != number);
  CHECK(intern_stack(site, stack) == with_site);
  CHECK(Place::of_stack(with_site).site() == site_at(site)->site());
}

TEST_CASE("a site in a library is not taken for one of a library that was there before") {
  std::vector<std::uintptr_t> places;
  for (const char* const file : {SITED_FIRST, SITED_OTHER, SITED_FIRST, SITED_OTHER}) {
    void* const library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    std::source_location here;
    reinterpret_cast<void (*)(std::source_location&)>(::dlsym(library, "here"))(here);
    places.push_back(std::bit_cast<std::uintptr_t>(here));
    for (int again = 0; again < 2; ++again) {
      const SiteEntry* const entry = site_at(intern_site(here));
      REQUIRE(entry != nullptr);
      CHECK(std::string(entry->site().file_name()) == std::string(here.file_name()));
      CHECK(entry->site().line() == 7);
    }
    REQUIRE(::dlclose(library) == 0);
  }
  // Else this has shown nothing.
  CHECK(std::ranges::adjacent_find(places) != places.end());
}

TEST_CASE("many equal tags take one place in the depot") {
  auto [tracker, context] = with_tracker(Context::background());
  std::vector<Tag> tags;
  for (int index = 0; index < 1000; ++index) tags.push_back(acquire(context, {slot, "a"}));
  const std::uint32_t before = intern_stack(0, made_up<1>(0x123450));
  for (int index = 0; index < 100'000; ++index) acquire(context, {slot, "a"}).close();
  const std::uint32_t after = intern_stack(0, made_up<1>(0x543210));
  // Numbers count units of 8 bytes: one stack here, one where the tags are closed at once, and the first made up one.
  CHECK(after - before < 3 * (24 + 256 * 8) / 8);
  CHECK(tracker.close().groups.size() == 1);
}

TEST_CASE("threads that store the same stacks at once get the same numbers") {
  constexpr std::size_t count = 20'000;
  constexpr std::size_t threads_count = 4;
  std::array<std::vector<std::uint32_t>, threads_count> numbers;
  std::barrier start(threads_count);
  {
    std::vector<std::jthread> threads;
    for (std::vector<std::uint32_t>& mine : numbers) {
      threads.emplace_back([&] {
        mine.resize(count);
        start.arrive_and_wait();
        for (std::size_t index = 0; index < count; ++index) {
          mine[index] = intern_stack(0, made_up<8>(std::uintptr_t{0xabcd} << 32U | index));
        }
      });
    }
  }
  for (const std::vector<std::uint32_t>& other : numbers) CHECK(other == numbers[0]);
  std::size_t wrong = 0;
  for (std::size_t index = 0; index < count; ++index) {
    const auto expected = made_up<8>(std::uintptr_t{0xabcd} << 32U | index);
    wrong += std::ranges::equal(Place::of_stack(numbers[0][index]).addresses(), expected) ? 0U : 1U;
  }
  CHECK(wrong == 0);
  std::ranges::sort(numbers[0]);
  CHECK(std::ranges::adjacent_find(numbers[0]) == numbers[0].end());
}

TEST_CASE("where there is no room for more stacks, tags have their sites and the report says how many") {
  const Outcome outcome = in_child([] {
    // More than 8 MiB, and less than what stays for pages that are not used.
    if (fill_depot<256>() < 20'000) return 1;
    // Nor is there room for the shortest.
    if (fill_depot<1>() > 256) return 2;
    auto [tracker, context] = with_tracker(Context::background(), {.close_stack = true});
    const Tag kept = acquire(context, {slot, "kept"});
    const unsigned line = __LINE__ - 1;
    Tag twice = acquire(context, {box, "twice"});
    twice.close();
    twice.close();
    const Report report = tracker.close();
    if (report.groups.size() != 2 || report.without_stack != 2) return 3;
    if (report.groups[1].rule != leash::track::Rule::double_close) return 4;
    if (report.groups[1].again.site.line() != line + 4 || report.groups[1].closed.site.line() != line + 3) return 5;
    if (report.groups[0].opened.site.line() != line || !report.groups[0].opened.stack.addresses.empty()) return 6;
    std::puts(to_string(report).c_str());
    // What was stored before is still found.
    return intern_stack(0, made_up<256>(std::uintptr_t{256} << 40U)) == 0 ? 7 : 0;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.contains("2 handles without a stack: there is no room for more different ones.\n"));
  CHECK(outcome.output.contains("error: 1 slot not closed [leaked]\n  kept;"));
}

TEST_CASE("where there is no room for more kinds, a resource is a resource") {
  const Outcome outcome = in_child([] {
    std::vector<std::string> names;
    names.reserve(100'000);
    while (names.size() < 100'000) {
      const std::string& name = names.emplace_back("kind number " + std::to_string(names.size()));
      const std::uint16_t number = intern_kind({name, name});
      if (number == 0) break;
      if (kind_at(number).one != name) return 1;
    }
    if (names.size() < 1000 || names.size() == 100'000) return 2;
    auto [tracker, context] = with_tracker(Context::background());
    const Tag unknown = acquire(context, {{"a kind that is not yet known", "kinds that are not yet known"}, "a"});
    const Tag known = acquire(context, {{names[500], names[500]}, "b"});
    const Report report = tracker.close();
    if (report.groups.size() != 2 || report.groups[0].kind != Kind{"resource", "resources"}) return 3;
    return report.groups[1].kind.one == names[500] ? 0 : 4;
  });
  CAPTURE(outcome.output);
  CHECK(outcome.status == 0);
}

namespace {

template <int Number>
std::uint32_t intern_one_of_many() {
  return intern_site(std::source_location::current());
}

}  // namespace

TEST_CASE("a source_location that says nothing is no site, whatever the thread's cache holds") {
  // So many that each slot of the cache has one.
  [&]<int... numbers>(std::integer_sequence<int, numbers...>) {
    CHECK(std::min({intern_one_of_many<numbers>()...}) > 0);
  }(std::make_integer_sequence<int, 200>());
  CHECK(intern_site(std::source_location{}) == 0);
}

#endif
