#include <leash/clock.hpp>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <memory>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

void read_deadline_spares_writes(Trial& t) {
  const auto [here, there] = t.ends();
  t.must(here.set_read_deadline(t.past()), "set_read_deadline");
  t.must_fail(read_some(here), timed_out, "a read after its deadline");
  expect_transfer(t, here, there, "still", "after the other end's read deadline");
}

void write_deadline_spares_reads(Trial& t) {
  const auto [here, there] = t.ends();
  t.must(here.set_write_deadline(t.past()), "set_write_deadline");
  t.must_fail(here.write("x"), timed_out, "a write after its deadline");
  expect_transfer(t, there, here, "still", "after the reading end's write deadline");
}

void deadline_spares_the_peer(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&there] { return read_some(there); });
  auto writer = t.start([&there, data = t.plenty()] { return there.write(data); });
  reader.must_wait("the peer's read");
  writer.must_wait("the peer's write");
  t.must(here.set_deadline(t.past()), "set_deadline");
  reader.must_wait("the peer's read after this end's deadline");
  writer.must_wait("the peer's write after this end's deadline");
}

void past_deadline(Trial& t) {
  const Ends ends = t.ends();
  const auto& [here, there] = ends;
  auto writer = t.start([&there] { return there.write("waiting"); });
  t.expect_text(t.must(read_up_to(here, 1), "a read"), "w", "a read");
  t.must(here.set_deadline(t.past()), "set_deadline");
  for (int again = 0; again < 2; ++again) {
    t.must_fail(here.write("lost"), timed_out, "a write after its deadline");
    t.must_fail(read_some(here), timed_out, "a read after its deadline, with data there");
  }
  t.must(here.set_deadline(std::nullopt), "set_deadline to none");
  t.expect_text(t.must(read_up_to(here, 6), "a read after the deadline was taken away"), "aiting", "a read");
  t.must(writer.get(), "the peer's write");
  expect_works(t, ends, "after the deadline was taken away");
}

void deadline_ends_waiting_read(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&here] { return read_some(here); });
  reader.must_wait("a read without data");
  t.must(here.set_read_deadline(t.past()), "set_read_deadline");
  t.must_fail(reader.get(), timed_out, "a read that waits when its deadline is set");
}

void deadline_ends_waiting_write(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&here, data = t.plenty()] { return here.write(data); });
  writer.must_wait("a write that nobody reads");
  t.must(here.set_write_deadline(t.past()), "set_write_deadline");
  t.must_fail(writer.get(), timed_out, "a write that waits when its deadline is set");
}

void deadline_of_both_ends_both(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&here] { return read_some(here); });
  auto writer = t.start([&here, data = t.plenty()] { return here.write(data); });
  reader.must_wait("a read without data");
  writer.must_wait("a write that nobody reads");
  t.must(here.set_deadline(t.past()), "set_deadline");
  t.must_fail(reader.get(), timed_out, "a read that waits when the deadline is set");
  t.must_fail(writer.get(), timed_out, "a write that waits when the deadline is set");
}

void future_read_deadline(Trial& t) {
  const auto [here, there] = t.ends();
  const Clock::time_point deadline = t.after(milliseconds(20));
  t.must(here.set_read_deadline(deadline), "set_read_deadline");
  t.must_fail(read_some(here), timed_out, "a read without data");
  t.expect(t.context().clock()->now() >= deadline, "a read to time out at its deadline", "it did earlier");
  t.must_fail(read_some(here), timed_out, "a read after its deadline");
}

void future_write_deadline(Trial& t) {
  const auto [here, there] = t.ends();
  const Clock::time_point deadline = t.after(milliseconds(20));
  t.must(here.set_write_deadline(deadline), "set_write_deadline");
  const Result<void> written = here.write(t.plenty());
  t.must_fail(written, timed_out, "a write that nobody reads");
  t.expect(t.context().clock()->now() >= deadline, "a write to time out at its deadline", "it did earlier");
  t.must_fail(here.write("x"), timed_out, "a write after its deadline");
}

void deadline_far_off(Trial& t) {
  const Ends ends = t.ends();
  t.must(ends.here.set_deadline(Clock::time_point::max()), "set_deadline to the end of time");
  expect_works(t, ends, "before a deadline at the end of time");
}

/// What waits on a connection whose clock stands still.
struct Waiting {
  explicit Waiting(Trial& trial, const std::shared_ptr<FakeClock>& clock)
      : t(trial), ends(t.ends(t.context().with_clock(clock))) {}

  auto reader() {
    return t.start([&conn = ends.here] { return read_some(conn); });
  }
  auto writer() {
    return t.start([&conn = ends.here, data = t.plenty()] { return conn.write(data); });
  }

  Trial& t;
  Ends ends;
};

void deadline_by_the_contexts_clock(Trial& t) {
  const auto clock = std::make_shared<FakeClock>();
  Waiting waiting(t, clock);
  t.must(waiting.ends.here.set_deadline(clock->now() + seconds(30)), "set_deadline");
  auto reader = waiting.reader();
  auto writer = waiting.writer();
  clock->advance(seconds(29));
  reader.must_wait("a read, 1 s before its deadline,");
  writer.must_wait("a write, 1 s before its deadline,");
  clock->advance(seconds(1));
  t.must_fail(reader.get(), timed_out, "a read at its deadline");
  t.must_fail(writer.get(), timed_out, "a write at its deadline");
}

void later_deadline_replaces(Trial& t) {
  const auto clock = std::make_shared<FakeClock>();
  Waiting waiting(t, clock);
  Conn& here = waiting.ends.here;
  t.must(here.set_deadline(clock->now() + seconds(1)), "set_deadline");
  t.must(here.set_deadline(clock->now() + seconds(30)), "set_deadline");
  auto reader = waiting.reader();
  auto writer = waiting.writer();
  clock->advance(seconds(29));
  reader.must_wait("a read after a deadline that was replaced");
  writer.must_wait("a write after a deadline that was replaced");
  // Also while they wait.
  t.must(here.set_deadline(clock->now() + seconds(30)), "set_deadline");
  clock->advance(seconds(29));
  reader.must_wait("a read after a deadline that was replaced while it waited");
  writer.must_wait("a write after a deadline that was replaced while it waited");
  clock->advance(seconds(1));
  t.must_fail(reader.get(), timed_out, "a read at its new deadline");
  t.must_fail(writer.get(), timed_out, "a write at its new deadline");
}

void earlier_deadline_replaces(Trial& t) {
  const auto clock = std::make_shared<FakeClock>();
  Waiting waiting(t, clock);
  Conn& here = waiting.ends.here;
  t.must(here.set_deadline(clock->now() + hours(1)), "set_deadline");
  auto reader = waiting.reader();
  auto writer = waiting.writer();
  reader.must_wait("a read before its deadline");
  writer.must_wait("a write before its deadline");
  t.must(here.set_deadline(clock->now() + seconds(1)), "set_deadline");
  clock->advance(seconds(1));
  t.must_fail(reader.get(), timed_out, "a read at its new deadline");
  t.must_fail(writer.get(), timed_out, "a write at its new deadline");
}

void no_deadline_replaces(Trial& t) {
  const auto clock = std::make_shared<FakeClock>();
  Waiting waiting(t, clock);
  Conn& here = waiting.ends.here;
  t.must(here.set_deadline(clock->now() + seconds(1)), "set_deadline");
  auto reader = waiting.reader();
  auto writer = waiting.writer();
  reader.must_wait("a read before its deadline");
  writer.must_wait("a write before its deadline");
  t.must(here.set_deadline(std::nullopt), "set_deadline to none");
  clock->advance(hours(1));
  reader.must_wait("a read whose deadline was taken away");
  writer.must_wait("a write whose deadline was taken away");
}

void deadline_lasts(Trial& t) {
  const auto clock = std::make_shared<FakeClock>();
  const Ends ends = t.ends(t.context().with_clock(clock));
  t.must(ends.here.set_deadline(clock->now() + seconds(1)), "set_deadline");
  clock->advance(seconds(1));
  for (int again = 0; again < 3; ++again) {
    t.must_fail(read_some(ends.here), timed_out, "each read after the deadline");
    t.must_fail(ends.here.write("lost"), timed_out, "each write after the deadline");
    clock->advance(seconds(1));
  }
  t.must(ends.here.set_deadline(clock->now() + seconds(1)), "set_deadline");
  expect_works(t, ends, "after the deadline was replaced");
}

}  // namespace

std::vector<Check> deadline_checks() {
  return {
      {"read-deadline-spares-writes", read_deadline_spares_writes},
      {"write-deadline-spares-reads", write_deadline_spares_reads},
      {"deadline-spares-the-peer", deadline_spares_the_peer},
      {"past-deadline", past_deadline},
      {"deadline-ends-waiting-read", deadline_ends_waiting_read},
      {"deadline-ends-waiting-write", deadline_ends_waiting_write},
      {"deadline-of-both-ends-both", deadline_of_both_ends_both},
      {"future-read-deadline", future_read_deadline},
      {"future-write-deadline", future_write_deadline},
      {"deadline-far-off", deadline_far_off},
      {"deadline-by-the-contexts-clock", deadline_by_the_contexts_clock},
      {"later-deadline-replaces", later_deadline_replaces},
      {"earlier-deadline-replaces", earlier_deadline_replaces},
      {"no-deadline-replaces", no_deadline_replaces},
      {"deadline-lasts", deadline_lasts},
  };
}

}  // namespace LEASH_NAMESPACE::net::conformance
