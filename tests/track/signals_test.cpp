#include <doctest/doctest.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <leash/track/detail/places.hpp>
#include <leash/track/tracker.hpp>
#include <source_location>
#include <utility>
#include <vector>

#include "kinds.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::Group;
using leash::track::OnDrop;
using leash::track::Report;
using leash::track::Tag;
using leash::track::with_tracker;
using leash::track::detail::intern_site;

namespace {

/// Handles a signal as long as it lives.
class Handler {
 public:
  Handler(int signal, void (*function)(int)) : signal_(signal) {
    struct sigaction action{};
    action.sa_handler = function;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, &before_);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_{};
};

std::vector<Tag>* tags_to_close = nullptr;
std::atomic<std::size_t> next_to_close = 0;

void close_next(int) {
  const std::size_t index = next_to_close.fetch_add(1);
  if (index < tags_to_close->size()) (*tags_to_close)[index].close();
}

void let_close(std::vector<Tag>& tags) {
  tags_to_close = &tags;
  next_to_close = 0;
}

std::vector<Tag> open_tags(const Context& context, std::size_t count) {
  std::vector<Tag> tags;
  tags.reserve(count);
  for (std::size_t index = 0; index < count; ++index) tags.push_back(acquire(context, {slot, "in a handler"}));
  return tags;
}

}  // namespace

TEST_CASE("a timer's handler closes tags while the program opens, closes, drops and lists others") {
  auto [tracker, context] = with_tracker(Context::background(), {.depth = 6, .close_stack = true});
  std::vector<Tag> tags = open_tags(context, 300);
  let_close(tags);
  std::size_t opened = 0;
  std::size_t kept = 0;
  std::vector<Tag> others;
  {
    const Handler handler(SIGALRM, close_next);
    const itimerval often{{0, 100}, {0, 100}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    while (next_to_close < tags.size()) {
      Tag tag = acquire(context, {box, "short"});
      const Tag dropped = acquire(context, {box, "a name that needs memory of its own", -1, OnDrop::closed});
      tag.touch();
      opened += 2;
      if (opened % 1000 == 0) {
        others.push_back(std::move(tag));
        ++kept;
        CHECK(tracker.snapshot().ok());
      } else {
        tag.close();
      }
    }
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
  }
  CHECK(tracker.open_count() == kept);
  const Report report = tracker.close();
  CHECK(report.opened == opened + tags.size());
  CHECK(report.opened - report.closed == kept);
}

TEST_CASE("a close in a signal handler has its site, and what comes after it is found") {
  auto [tracker, context] = with_tracker(Context::background());
  std::vector<Tag> tags = open_tags(context, 2);
  let_close(tags);
  {
    const Handler handler(SIGUSR1, close_next);
    ::raise(SIGUSR1);
  }
  tags[0].close();
  tags[0].touch();
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 3);
  const unsigned line = report.groups[0].closed.site.line();
  CHECK(line != 0);
  std::size_t by_handler = 0;
  for (const Group& group : report.groups) {
    const auto& site = group.rule == leash::track::Rule::leaked ? group.others_closed_at : group.closed.site;
    by_handler += std::string_view(site.function_name()).contains("close_next") ? 1U : 0U;
  }
  CHECK(by_handler == 3);
}

#ifdef __x86_64__

namespace {

template <int Which>
std::source_location place() {
  return std::source_location::current();
}

template <int... Which>
std::array<std::source_location, sizeof...(Which)> places(std::integer_sequence<int, Which...>) {
  return {place<Which>()...};
}

volatile int steps = 0;
int step_of_handler = 0;
std::source_location place_in_handler;
std::uint32_t found_in_handler = 0;

void on_step(int) {
  const int step = steps;
  steps = step + 1;
  if (step == step_of_handler) found_in_handler = intern_site(place_in_handler);
}

/// Asks for the number of a place, one instruction after the other.
[[gnu::noinline]] std::uint32_t step_through(std::source_location location) {
  steps = 0;
  // NOLINTBEGIN(hicpp-no-assembler)
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
  const std::uint32_t number = intern_site(location);
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $-0x101, (%%rsp)\n popfq\n lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
  // NOLINTEND(hicpp-no-assembler)
  return number;
}

}  // namespace

TEST_CASE("a place is never taken for another one, wherever a signal handler comes and asks for one") {
  static const auto all = places(std::make_integer_sequence<int, 70>());
  using leash::track::detail::known_site;
  const auto slot_of = [](std::source_location location) { return &known_site(std::bit_cast<const void*>(location)); };
  const std::source_location first = all[0];
  std::vector<std::source_location> same_slot;
  for (const std::source_location& other : all) {
    if (slot_of(other) == slot_of(first)) same_slot.push_back(other);
  }
  REQUIRE(same_slot.size() >= 3);
  std::array<std::uint32_t, 3> numbers{};
  for (std::size_t at = 0; at < numbers.size(); ++at) numbers[at] = intern_site(same_slot[at]);
  REQUIRE(numbers[0] != numbers[1]);

  const Handler handler(SIGTRAP, on_step);
  int wrong = 0;
  // Known last is the second. Asked for is the first, and in the handler any of the three.
  for (std::size_t in_handler = 0; in_handler < numbers.size(); ++in_handler) {
    place_in_handler = same_slot[in_handler];
    int count = 1 << 30;
    // Under a sanitizer there are many more instructions, and each takes longer.
    const auto next = [&] { return step_of_handler + std::max(1, count / std::clamp(50'000 / count, 6, 300)); };
    for (step_of_handler = 0; step_of_handler < count; step_of_handler = next()) {
      intern_site(same_slot[1]);
      found_in_handler = numbers[in_handler];
      wrong += step_through(same_slot[0]) == numbers[0] ? 0 : 1;
      count = steps;
      wrong += found_in_handler == numbers[in_handler] ? 0 : 1;
      for (std::size_t at = 0; at < numbers.size(); ++at) wrong += intern_site(same_slot[at]) == numbers[at] ? 0 : 1;
      // In the other order: what the cache holds is asked for first.
      intern_site(same_slot[1]);
      static_cast<void>(step_through(same_slot[0]));
      for (std::size_t at = numbers.size(); at-- > 0;) wrong += intern_site(same_slot[at]) == numbers[at] ? 0 : 1;
    }
    CHECK(count > 20);
  }
  CHECK(wrong == 0);
}

#endif

#endif
