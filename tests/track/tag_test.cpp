#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <leash/track/tracker.hpp>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "kinds.hpp"

using leash::Context;
using leash::track::acquire;
using leash::track::OnDrop;
using leash::track::Report;
using leash::track::Rule;
using leash::track::Severity;
using leash::track::Tag;
using leash::track::with_tracker;

TEST_CASE("an empty tag takes every operation and does nothing") {
  static_assert(std::is_nothrow_move_constructible_v<Tag>);
  static_assert(!std::is_copy_constructible_v<Tag>);
  static_assert(leash::tracking_enabled || std::is_empty_v<Tag>);
  Tag tag;
  tag.close();
  tag.close();
  tag.touch();
  tag.set_failed();
  tag.set_on_drop(OnDrop::closed);
  tag.identify("name", 0);
  CHECK_FALSE(tag);
  CHECK_FALSE(tag.child({slot, "child"}));
  CHECK_FALSE(tag.sibling({slot, "sibling"}));
  CHECK_FALSE(acquire(Context::background(), {slot, "no tracker"}));
}

#if LEASH_TRACKING

TEST_CASE("a tag is open from its creation to its close") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "a"});
  CHECK(tag);
  CHECK(tracker.open_count() == 1);
  tag.close();
  CHECK(tracker.open_count() == 0);
  const Report report = tracker.close();
  CHECK(report.ok());
  CHECK(report.groups.empty());
  CHECK(report.opened == 1);
  CHECK(report.closed == 1);
}

TEST_CASE("a tag gets its name and its descriptor later, and tells when the number does not mean it any more") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {slot, "early"});
  Tag child = tag.child({slot, "child"});
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const auto shown = [&, &current = tracker] { return current.snapshot().groups.at(0).instances.at(0); };
  tag.identify("a name that does not fit into a record", ends[0]);
  CHECK(shown().name == "a name that does not fit into a record");
  CHECK(shown().descriptor == ends[0]);
  CHECK_FALSE(shown().perhaps_closed);
  CHECK(tag.child({slot, "late"}));
  tag.identify("", ends[1]);
  CHECK(shown().name == "early");
  CHECK(shown().descriptor == ends[1]);
  REQUIRE(::dup2(ends[0], ends[1]) == ends[1]);
  CHECK_FALSE(shown().perhaps_closed);
  CHECK(::close(ends[1]) == 0);
  CHECK(shown().perhaps_closed);
  CHECK(::close(ends[0]) == 0);
  child.close();
  tag.close();
}

TEST_CASE("moving a tag moves what it stands for, and assigning over one drops it") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag first = acquire(context, {slot, "first", -1, OnDrop::closed});
  Tag second = std::move(first);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): this is what is tested
  first.close();
  CHECK(tracker.open_count() == 1);
  second = acquire(context, {slot, "second", -1, OnDrop::closed});
  CHECK(tracker.open_count() == 1);
  Tag& self = second;
  second = std::move(self);
  CHECK(second);
  second.close();
  CHECK(tracker.open_count() == 0);
}

TEST_CASE("what destruction without close means is the resource's to say") {
  auto [tracker, context] = with_tracker(Context::background());
  {
    const Tag tag = acquire(context, {slot, "closed", -1, OnDrop::closed});
  }
  CHECK(tracker.open_count() == 0);
  CHECK(tracker.snapshot().groups.empty());
  {
    const Tag tag = acquire(context, {slot, "abandoned"});
  }
  CHECK(tracker.open_count() == 1);
  {
    const Tag tag = acquire(context, {box, "lost", -1, OnDrop::error_lost});
  }
  CHECK(tracker.open_count() == 1);
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].rule == Rule::leaked);
  CHECK(report.groups[0].instances[0].name == "abandoned");
  CHECK(report.groups[1].rule == Rule::dropped);
  CHECK(report.groups[1].severity == Severity::failure);
  CHECK(report.groups[1].kind == box);
  CHECK(report.closed == 2);
}

TEST_CASE("the meaning of a drop may change while the resource is used") {
  auto [tracker, context] = with_tracker(Context::background());
  {
    Tag tag = acquire(context, {slot, "synced", -1, OnDrop::closed});
    tag.set_on_drop(OnDrop::error_lost);
    tag.set_on_drop(OnDrop::closed);
  }
  CHECK(tracker.snapshot().groups.empty());
  {
    Tag tag = acquire(context, {slot, "written", -1, OnDrop::closed});
    tag.set_on_drop(OnDrop::error_lost);
  }
  CHECK(tracker.close().groups.front().rule == Rule::dropped);
}

TEST_CASE("a drop is a note after a failure that was told, and while an exception is on its way") {
  auto [tracker, context] = with_tracker(Context::background());
  {
    Tag tag = acquire(context, {slot, "failed", -1, OnDrop::error_lost});
    tag.set_failed();
  }
  try {
    const Tag tag = acquire(context, {slot, "unwound", -1, OnDrop::error_lost});
    throw std::runtime_error("on its way");
  } catch (const std::runtime_error&) {
  }
  const Report report = tracker.close();
  CHECK(report.ok());
  REQUIRE(report.groups.size() == 2);
  CHECK(report.groups[0].severity == Severity::note);
  CHECK(report.groups[1].severity == Severity::note);
}

TEST_CASE("require_close makes every drop a finding") {
  auto [tracker, context] = with_tracker(Context::background(), {.require_close = leash::track::RequireClose::all});
  {
    const Tag tag = acquire(context, {slot, "reader", -1, OnDrop::closed});
  }
  acquire(context, {slot, "closed reader", -1, OnDrop::closed}).close();
  const Report report = tracker.close();
  CHECK_FALSE(report.ok());
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].rule == Rule::dropped);
  CHECK(report.groups[0].instances[0].name == "reader");
}

TEST_CASE("a child names its parent") {
  auto [tracker, context] = with_tracker(Context::background().with_note("trail"));
  Tag parent = acquire(context, {box, "box"});
  Tag child = parent.child({slot, "in it"});
  const unsigned line = __LINE__ - 1;
  CHECK(tracker.open_count() == 2);
  parent.close();
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 2);
  for (const leash::track::Group& group : report.groups) CHECK(group.opened.site.line() == line);
  CHECK(report.groups[0].rule == Rule::outlived_parent);
  CHECK(report.groups[1].rule == Rule::leaked);
  CHECK(report.groups[0].instances[0].parent == "box");
  CHECK(report.groups[0].instances[0].notes.size() == 1);
  CHECK_FALSE(parent.child({slot, "after the end"}));
  child.close();
}

TEST_CASE("the note of a tag is the innermost of its notes, and replaces the one before") {
  auto [tracker, context] = with_tracker(Context::background().with_note("trail"));
  Tag tag = acquire(context, {box, "noted"});
  Tag plain = acquire(with_tracker(Context::background(), tracker), {box, "without notes"});
  tag.note("first");
  tag.note("second");
  plain.note("only");
  Tag().note("nothing");
  const Report report = tracker.close();
  const auto texts = [](const auto& instance) {
    std::vector<std::string> all;
    for (const leash::Note& note : instance.notes) all.push_back(note.text);
    return all;
  };
  std::vector<std::vector<std::string>> notes;
  for (const auto& group : report.groups) {
    for (const auto& instance : group.instances) notes.push_back(texts(instance));
  }
  std::ranges::sort(notes);
  CHECK(notes == std::vector<std::vector<std::string>>{{"only"}, {"trail", "second"}});
}

TEST_CASE("a report tells how many bytes went in and out of each resource") {
  auto [tracker, context] = with_tracker(Context::background());
  Tag tag = acquire(context, {box, "read and written"});
  Tag long_named = acquire(context, {box, "with a name that does not fit into a record"});
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread != 4; ++thread) {
      threads.emplace_back([&] {
        for (int round = 0; round != 100; ++round) {
          tag.add_bytes_in(3);
          tag.add_bytes_out(5);
        }
        static_cast<void>(tracker.snapshot());
      });
    }
  }
  long_named.add_bytes_in(UINT64_C(5'000'000'000));
  Tag().add_bytes_in(1);
  const auto bytes = [](const Report& report) {
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> all;
    for (const auto& group : report.groups) {
      for (const auto& instance : group.instances) all[instance.name] = {instance.bytes_in, instance.bytes_out};
    }
    return all;
  };
  const auto before = bytes(tracker.snapshot());
  CHECK(before.at("read and written") == std::pair<std::uint64_t, std::uint64_t>{1200, 2000});
  CHECK(before.at("with a name that does not fit into a record").first == 5'000'000'000);
  // The next resource that is kept in the same place begins at 0.
  tag.close();
  tag = Tag();
  Tag next = acquire(context, {box, "next"});
  next.add_bytes_out(7);
  next.close();
  next.add_bytes_out(7);
  CHECK(bytes(tracker.snapshot()).size() == 1);
  next = acquire(context, {box, "next"});
  CHECK(bytes(tracker.snapshot()).at("next") == std::pair<std::uint64_t, std::uint64_t>{0, 0});
}

TEST_CASE("level count counts no bytes") {
  auto [tracker, context] = with_tracker(Context::background(), {.level = leash::track::Level::count});
  Tag tag = acquire(context, {box, "box"});
  tag.add_bytes_in(1);
  const Report report = tracker.snapshot();
  CHECK(report.groups.at(0).instances.at(0).bytes_in == 0);
  tag.close();
}

TEST_CASE("a sibling has the tracker and the notes of the tag it was made of, and may outlive it") {
  auto [tracker, context] = with_tracker(Context::background().with_note("trail"));
  Tag first = acquire(context, {box, "box"});
  Tag plain = acquire(with_tracker(Context::background(), tracker), {box, "without notes"});
  const unsigned line = __LINE__ + 1;
  Tag open = first.sibling({slot, "of it"});
  Tag closed = first.sibling({slot, "of it, and closed"});
  Tag dropped = plain.sibling({slot, "of the other", -1, OnDrop::closed});
  CHECK(tracker.open_count() == 5);
  first.close();
  plain.close();
  Tag later = first.sibling({slot, "of what is closed", -1, OnDrop::closed});
  CHECK(later);
  closed.close();
  dropped = Tag();
  later = Tag();
  const Report report = tracker.close();
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].rule == Rule::leaked);
  CHECK(report.groups[0].opened.site.line() == line);
  CHECK(report.groups[0].instances[0].name == "of it");
  CHECK(report.groups[0].instances[0].notes.size() == 1);
  CHECK(report.groups[0].instances[0].parent.empty());
  CHECK_FALSE(first.sibling({slot, "after the end"}));
  open.close();
}

TEST_CASE("a tag may outlive its tracker, and end in any thread") {
  std::vector<Tag> tags;
  {
    auto [tracker, context] = with_tracker(Context::background());
    for (const OnDrop on_drop : {OnDrop::closed, OnDrop::error_lost, OnDrop::abandoned}) {
      for (int index = 0; index < 3; ++index) tags.push_back(acquire(context, {slot, "kept", -1, on_drop}));
    }
  }
  std::thread([tags = std::move(tags)]() mutable {
    for (std::size_t index = 0; index < tags.size(); index += 2) tags[index].close();
    tags.clear();
  }).join();
}

TEST_CASE("one tag may be used and closed by several threads") {
  auto [tracker, context] = with_tracker(Context::background());
  for (int round = 0; round < 50; ++round) {
    Tag tag = acquire(context, {slot, "shared"});
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&] {
        tag.touch();
        tag.set_on_drop(OnDrop::closed);
        tag.set_failed();
        tag.close();
        tag.touch();
      });
    }
  }
  CHECK(tracker.open_count() == 0);
  CHECK(tracker.close().closed == 50);
}

#endif
