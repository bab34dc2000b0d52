#include <doctest/doctest.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <csignal>
#include <cstdint>
#include <leash/track/store/places.hpp>
#include <leash/track/tracker.hpp>
#include <source_location>
#include <string>
#include <vector>

#include "kinds.hpp"
#include "sanitizers.hpp"
#include "track/stack/stepping.hpp"

#if LEASH_TRACKING

using leash::Context;
using leash::track::acquire;
using leash::track::Group;
using leash::track::OnDrop;
using leash::track::Report;
using leash::track::Rule;
using leash::track::Tag;
using leash::track::Tracker;
using leash::track::with_tracker;
using leash::track::detail::intern_site;

namespace {

/// Handles a signal as long as it lives.
class Handler {
 public:
  Handler(int signal, void (*function)(int, siginfo_t*, void*)) : signal_(signal) {
    struct sigaction action{};
    action.sa_sigaction = function;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
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

void close_next(int, siginfo_t*, void*) {
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

TEST_CASE("a timer's handler closes what was reported, and parents of what is open, while the program allocates") {
  enum class Tracked : std::uint8_t { judged, gone, parents };
  for (const Tracked tracked : {Tracked::judged, Tracked::gone, Tracked::parents}) {
    CAPTURE(static_cast<int>(tracked));
    std::size_t late = 0;
    const auto count_late = [&](const Report& report) { late += report.groups.size(); };
    auto [tracker, context] = with_tracker(Context::background(), {.on_late = count_late});
    std::vector<Tag> tags = open_tags(context, 300);
    std::vector<Tag> children;
    if (tracked == Tracked::parents) {
      for (const Tag& tag : tags) children.push_back(tag.child({box, "a child"}));
    } else {
      CHECK(tracker.close().groups.size() == 1);
    }
    if (tracked == Tracked::gone) {
      tracker = Tracker();
      context = Context::background();
    }
    let_close(tags);
    {
      const Handler handler(SIGALRM, close_next);
      const itimerval often{{0, 100}, {0, 100}};
      ::setitimer(ITIMER_REAL, &often, nullptr);
      std::vector<std::string> strings(100);
      for (std::size_t round = 0; next_to_close < tags.size(); ++round) {
        strings[round % strings.size()] = std::string(100 + round * 37 % 5000, 'x');
      }
      const itimerval never{};
      ::setitimer(ITIMER_REAL, &never, nullptr);
    }
    CHECK(late == 0);
    tags.clear();
    children.clear();
    if (tracked == Tracked::parents) {
      const Report report = tracker.close();
      for (const Group& group : report.groups) late += group.rule == Rule::outlived_parent ? group.count : 0;
    }
    CHECK(late == 300);
  }
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

/// What a `std::source_location` points to. Short names, so that few instructions go into their hash.
struct CallPlace {
  const char* file = "f";
  const char* function = "g";
  unsigned line = 0;
  unsigned column = 1;

  [[nodiscard]] std::source_location location() const { return std::bit_cast<std::source_location>(this); }
};

volatile int steps = 0;
int step_of_handler = 0;
std::source_location place_in_handler;
std::uint32_t found_in_handler = 0;

void on_step(int, siginfo_t*, void* context) {
  const int step = steps;
  steps = step + 1;
  if (step != step_of_handler) return;
  found_in_handler = intern_site(place_in_handler);
  leash_test::step_no_more(context);
}

/// Asks for the number of a place, one instruction after the other up to that of the handler.
[[gnu::noinline]] std::uint32_t step_through(std::source_location location) {
  steps = 0;
  leash_test::step_if(true);
  const std::uint32_t number = intern_site(location);
  leash_test::step_no_more();
  return number;
}

}  // namespace

TEST_CASE("a place is never taken for another one, wherever a signal handler comes and asks for one" *
          doctest::skip(leash_test::with_tsan)) {
  static const auto places = [] {
    std::array<CallPlace, 200> all;
    for (std::size_t at = 0; at < all.size(); ++at) all[at].line = static_cast<unsigned>(at + 1);
    return all;
  }();
  std::vector<std::source_location> same_slot;
  const auto slot_of = [](const CallPlace& place) {
    return leash::track::detail::site_cache_slot(reinterpret_cast<std::uintptr_t>(&place));
  };
  for (const CallPlace& place : places) {
    if (slot_of(place) == slot_of(places[0])) same_slot.push_back(place.location());
  }
  REQUIRE(same_slot.size() >= 3);
  std::array<std::uint32_t, 3> numbers{};
  for (std::size_t at = 0; at < numbers.size(); ++at) numbers[at] = intern_site(same_slot[at]);
  REQUIRE(numbers[0] != numbers[1]);

  const Handler handler(SIGTRAP, on_step);
  int wrong = 0;
  // Asked for is the first, which the thread remembers (0) or has to look up because it remembers the second (1).
  for (std::size_t remembered = 0; remembered < 2; ++remembered) {
    step_of_handler = -1;
    intern_site(same_slot[remembered]);
    CHECK(step_through(same_slot[0]) == numbers[0]);
    const int count = steps;
    CHECK(count > 10);
    // It is remembered at the end. Under a sanitizer there are many more instructions, and not all of them are tried.
    const int at_the_end = 20'000 / count;
    const int stride = 1 + count * count / 7'000;
    for (std::size_t in_handler = 0; in_handler < numbers.size(); ++in_handler) {
      place_in_handler = same_slot[in_handler];
      for (step_of_handler = 0; step_of_handler < count;
           step_of_handler += step_of_handler + at_the_end < count ? stride : 1) {
        intern_site(same_slot[remembered]);
        found_in_handler = numbers[in_handler];
        wrong += step_through(same_slot[0]) == numbers[0] ? 0 : 1;
        wrong += found_in_handler == numbers[in_handler] ? 0 : 1;
        wrong += intern_site(same_slot[0]) == numbers[0] ? 0 : 1;
      }
    }
  }
  CHECK(wrong == 0);
}

#endif

#endif
