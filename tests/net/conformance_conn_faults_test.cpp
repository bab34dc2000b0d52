#include <fcntl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <leash/clock.hpp>
#include <leash/net/conformance.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "broken.hpp"
#include "support.hpp"

// That each check of connections can fail: for each, a connection that breaks what it checks.

namespace {

using broken::BrokenConn;
using broken::ConnHooks;
using broken::Deadline;
using leash::Clock;
using leash::Context;
using leash::fail;
using leash::Result;
using leash::net::ConformanceFailure;
using leash::net::Conn;
using leash::net::ConnPair;
using leash::net::Direction;

/// What a broken connection is made of.
struct Parts {
  Conn& own;
  Conn& peer;
  const Context& context;
};

struct ConnFault {
  std::string_view check;
  std::string_view what;
  std::function<ConnHooks(const Parts&)> make;
  bool hangs = false;
  Over over = Over::memory;
};

Clock::time_point long_ago() { return Clock::real()->now() - 1h; }

/// Says that it is closed, and stays open until it is closed once more.
std::function<Result<void>(Conn&)> only_at_the_second_time(std::function<Result<void>(Conn&)> operation) {
  return [operation = std::move(operation), times = std::make_shared<std::atomic<int>>(0)](Conn& conn) -> Result<void> {
    if ((*times)++ == 0) return {};
    return operation(conn);
  };
}

ConnHooks close_is_put_off(const Parts&) {
  return {.close = only_at_the_second_time([](Conn& conn) { return conn.close(); })};
}

ConnHooks reset_is_put_off(const Parts&) {
  return {.reset = only_at_the_second_time([](Conn& conn) { return conn.reset(); })};
}

ConnHooks reset_is_close(const Parts&) {
  return {.reset = [](Conn& conn) { return conn.close(); }};
}

/// A deadline reaches only those operations that begin after it was set.
ConnHooks deadline_wakes_nobody(const Parts&) {
  struct State {
    std::mutex mutex;
    std::map<Direction, Deadline> set;

    void apply(Conn& conn) {
      const std::lock_guard lock(mutex);
      for (const auto& [direction, deadline] : set)
        static_cast<void>(broken::set_deadline_of(conn, direction, deadline));
      set.clear();
    }
  };
  const auto state = std::make_shared<State>();
  return {.read =
              [state](Conn& conn, std::span<std::byte> buffer) {
                state->apply(conn);
                return conn.read(buffer);
              },
          .write =
              [state](Conn& conn, std::span<const std::byte> data) {
                state->apply(conn);
                return conn.write(data);
              },
          .set_deadline = [state](Conn&, Direction direction, Deadline deadline) -> Result<void> {
            const std::lock_guard lock(state->mutex);
            state->set[direction] = deadline;
            return {};
          }};
}

ConnHooks deadlines_are_for_both(const Parts&) {
  return {.set_deadline = [](Conn& conn, Direction, Deadline deadline) { return conn.set_deadline(deadline); }};
}

ConnHooks future_deadlines_are_ignored(const Parts&) {
  return {.set_deadline = [](Conn& conn, Direction direction, Deadline deadline) {
    if (deadline > Clock::real()->now()) deadline.reset();
    return broken::set_deadline_of(conn, direction, deadline);
  }};
}

/// Of several deadlines only those count of which `counts` says so, which knows the one in force.
ConnHooks deadlines_are_chosen(std::function<bool(Deadline before, Deadline now)> counts) {
  return {.set_deadline = [counts = std::move(counts), before = std::make_shared<Deadline>()](
                              Conn& conn, Direction direction, Deadline deadline) -> Result<void> {
    if (!counts(*before, deadline)) return {};
    *before = deadline;
    return broken::set_deadline_of(conn, direction, deadline);
  }};
}

std::string text_of(std::span<const std::byte> data) {
  std::string text(data.size(), '\0');
  std::ranges::transform(data, text.begin(), [](std::byte byte) { return static_cast<char>(byte); });
  return text;
}

/// Changes one byte of the write with that number, from 1 on.
ConnHooks write_changes_a_byte(int number) {
  return {
      .write = [number, count = std::make_shared<std::atomic<int>>(0)](Conn& conn, std::span<const std::byte> data) {
        std::string text = text_of(data);
        if (++*count == number && !text.empty()) ++text.front();
        return conn.write(text);
      }};
}

const std::vector<ConnFault>& conn_faults() {
  static const std::vector<ConnFault> faults = {
      {"transfer", "reads lose a byte",
       [](const Parts&) -> ConnHooks {
         return {.read = [total = std::make_shared<std::size_t>(0)](Conn& conn, std::span<std::byte> buffer) {
           Result<std::size_t> count = conn.read(buffer);
           if (!count || *count == 0) return count;
           *total += *count;
           if (*total > 100'000) {
             *total = 0;
             --*count;
           }
           return count;
         }};
       }},
      {"ping-pong", "a write changes a byte", [](const Parts&) { return write_changes_a_byte(500); }},
      {"full-duplex", "a write waits for a read",
       [](const Parts&) -> ConnHooks {
         const auto turn = std::make_shared<std::mutex>();
         return {.read =
                     [turn](Conn& conn, std::span<std::byte> buffer) {
                       const std::lock_guard lock(*turn);
                       return conn.read(buffer);
                     },
                 .write =
                     [turn](Conn& conn, std::span<const std::byte> data) {
                       const std::lock_guard lock(*turn);
                       return conn.write(data);
                     }};
       },
       true},
      {"concurrent-writes", "a write lets another one in between",
       [](const Parts&) -> ConnHooks {
         struct State {
           std::mutex mutex;
           std::condition_variable changed;
           int halves = 0;
         };
         return {.write = [state = std::make_shared<State>()](Conn& conn, std::span<const std::byte> data) {
           Result<void> written = conn.write(data.first(data.size() / 2));
           if (!written) return written;
           {
             std::unique_lock lock(state->mutex);
             ++state->halves;
             state->changed.notify_all();
             state->changed.wait_for(lock, 5s, [&] { return state->halves >= 2; });
           }
           return conn.write(data.subspan(data.size() / 2));
         }};
       }},
      {"concurrent-reads", "a byte is read twice",
       [](const Parts&) -> ConnHooks {
         struct State {
           std::mutex mutex;
           std::optional<std::byte> again;
           bool done = false;
         };
         return {.read = [state = std::make_shared<State>()](Conn& conn,
                                                             std::span<std::byte> buffer) -> Result<std::size_t> {
           {
             const std::lock_guard lock(state->mutex);
             if (state->again && !buffer.empty()) {
               buffer[0] = *std::exchange(state->again, std::nullopt);
               return 1;
             }
           }
           const Result<std::size_t> count = conn.read(buffer);
           const std::lock_guard lock(state->mutex);
           if (count && *count > 0 && !std::exchange(state->done, true)) state->again = buffer[0];
           return count;
         }};
       }},
      {"racing-reads", "a read gives something else",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) {
           const Result<std::size_t> count = conn.read(buffer);
           if (count && *count > 0) buffer[0] = std::byte{0};
           return count;
         }};
       }},
      {"racing-writes", "a write sends something else",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) {
           static_cast<void>(conn.set_write_deadline(std::nullopt));
           static_cast<void>(conn.write("z"));
           return conn.write(data);
         }};
       }},
      {"read-buffer-free-after-timeout", "a read that timed out writes to its buffer later",
       [](const Parts&) -> ConnHooks {
         return {.read = [old = std::make_shared<std::span<std::byte>>()](Conn& conn, std::span<std::byte> buffer) {
           const Result<std::size_t> count = conn.read(buffer);
           if (!count) *old = buffer;
           if (count && !old->empty()) old->front() = std::byte{1};
           return count;
         }};
       }},
      {"write-buffer-free-after-timeout", "a write that timed out goes on later",
       [](const Parts&) -> ConnHooks {
         struct State {
           std::mutex mutex;
           std::condition_variable changed;
           bool expired = false;
           std::span<const std::byte> rest;
         };
         const auto state = std::make_shared<State>();
         return {.write = [state](Conn& conn, std::span<const std::byte> data) -> Result<void> {
                   if (Result<void> written = conn.write(data.first(1000)); !written) return written;
                   std::unique_lock lock(state->mutex);
                   state->changed.wait(lock, [&] { return state->expired; });
                   state->rest = data.subspan(1000, 10);
                   return fail("write", "it", std::errc::timed_out);
                 },
                 .close = [state](Conn& conn) -> Result<void> {
                   if (Result<void> written = conn.write(state->rest); !written) return written;
                   return conn.close();
                 },
                 .set_deadline = [state](Conn&, Direction, Deadline deadline) -> Result<void> {
                   const std::lock_guard lock(state->mutex);
                   state->expired = deadline.has_value();
                   state->changed.notify_all();
                   return {};
                 }};
       }},
      {"read-waits", "a read does not wait for data",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) -> Result<std::size_t> {
           static_cast<void>(conn.set_read_deadline(long_ago()));
           const Result<std::size_t> count = conn.read(buffer);
           return count ? *count : 0;
         }};
       }},
      {"read-does-not-wait-to-fill", "a read waits until its buffer is full",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) -> Result<std::size_t> {
           std::size_t count = 0;
           while (count < buffer.size()) {
             const Result<std::size_t> more = conn.read(buffer.subspan(count));
             if (!more) return more;
             if (*more == 0) break;
             count += *more;
           }
           return count;
         }};
       },
       true},
      {"read-keeps-the-rest", "what does not fit into the buffer is lost",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) -> Result<std::size_t> {
           std::array<std::byte, 1024> all{};
           const Result<std::size_t> count = conn.read(all);
           if (!count) return count;
           const std::size_t kept = std::min(*count, buffer.size());
           std::copy_n(all.begin(), kept, buffer.begin());
           return kept;
         }};
       },
       true},
      {"empty-read", "a read into nothing takes a byte",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) -> Result<std::size_t> {
           if (!buffer.empty()) return conn.read(buffer);
           std::array<std::byte, 1> lost{};
           static_cast<void>(conn.set_read_deadline(Clock::real()->now() + 1ms));
           static_cast<void>(conn.read(lost));
           static_cast<void>(conn.set_read_deadline(std::nullopt));
           return 0;
         }};
       },
       true},
      {"empty-write", "a write of nothing writes a byte",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) {
           return data.empty() ? conn.write(".") : conn.write(data);
         }};
       }},
      {"write-waits", "a write is short and says nothing",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) {
           return conn.write(data.first(std::min<std::size_t>(data.size(), 1000)));
         }};
       },
       true},
      {"write-count", "a write reports a wrong count",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) -> Result<void> {
           const Result<void> written = conn.write(data);
           if (written) return written;
           return fail("write", written.error().subject(), written.error().code(),
                       "0 of " + std::to_string(data.size()) + " bytes written");
         }};
       }},
      {"write-count", "a write tells its count in words only",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) -> Result<void> {
           const Result<void> written = conn.write(data);
           if (written) return written;
           return fail("write", written.error().subject(), written.error().code(), written.error().detail());
         }};
       }},
      {"readv-in-order", "readv fills the last buffer first",
       [](const Parts&) -> ConnHooks {
         return {.readv = [](Conn& conn, std::span<const std::span<std::byte>> buffers) {
           return conn.readv(std::vector(buffers.rbegin(), buffers.rend()));
         }};
       }},
      {"readv-waits-and-ends", "readv has an error for the end",
       [](const Parts&) -> ConnHooks {
         return {.readv = [](Conn& conn, std::span<const std::span<std::byte>> buffers) -> Result<std::size_t> {
           Result<std::size_t> count = conn.readv(buffers);
           if (count && *count == 0) return fail("read", "it", std::errc::no_message_available);
           return count;
         }};
       }},
      {"writev-in-order", "writev writes the last piece first",
       [](const Parts&) -> ConnHooks {
         return {.writev = [](Conn& conn, std::span<const std::span<const std::byte>> data) {
           return conn.writev(std::vector(data.rbegin(), data.rend()));
         }};
       }},
      {"vectored-timeouts", "writev knows no deadline",
       [](const Parts&) -> ConnHooks {
         return {.writev = [](Conn& conn, std::span<const std::span<const std::byte>> data) {
           static_cast<void>(conn.set_write_deadline(std::nullopt));
           return conn.writev(data);
         }};
       }},

      {"read-deadline-spares-writes", "a read deadline touches writes", deadlines_are_for_both},
      {"write-deadline-spares-reads", "a write deadline touches reads", deadlines_are_for_both},
      {"deadline-spares-the-peer", "a deadline touches the peer",
       [](const Parts& parts) -> ConnHooks {
         return {.set_deadline = [&peer = parts.peer](Conn& conn, Direction direction, Deadline deadline) {
           static_cast<void>(broken::set_deadline_of(peer, direction, deadline));
           return broken::set_deadline_of(conn, direction, deadline);
         }};
       }},
      {"past-deadline", "a deadline in the past is none",
       [](const Parts&) -> ConnHooks {
         return {.set_deadline = [](Conn& conn, Direction direction, Deadline deadline) {
           if (deadline < Clock::real()->now()) deadline.reset();
           return broken::set_deadline_of(conn, direction, deadline);
         }};
       }},
      {"deadline-ends-waiting-read", "a deadline wakes no read", deadline_wakes_nobody, true},
      {"deadline-ends-waiting-write", "a deadline wakes no write", deadline_wakes_nobody, true},
      {"deadline-of-both-ends-both", "a deadline of both is one of reads",
       [](const Parts&) -> ConnHooks {
         return {.set_deadline = [](Conn& conn, Direction direction, Deadline deadline) {
           return broken::set_deadline_of(conn, direction == Direction::both ? Direction::read : direction, deadline);
         }};
       },
       true},
      {"future-read-deadline", "a deadline to come is ignored", future_deadlines_are_ignored, true},
      {"future-write-deadline", "a deadline to come is ignored", future_deadlines_are_ignored, true},
      {"deadline-far-off", "the end of time has passed",
       [](const Parts&) -> ConnHooks {
         return {.set_deadline = [](Conn& conn, Direction direction, Deadline deadline) {
           if (deadline == Clock::time_point::max()) deadline = long_ago();
           return broken::set_deadline_of(conn, direction, deadline);
         }};
       }},
      {"deadline-by-the-contexts-clock", "a deadline fires too early",
       [](const Parts&) -> ConnHooks {
         return {.set_deadline = [](Conn& conn, Direction direction, Deadline deadline) {
           if (deadline) *deadline -= 2s;
           return broken::set_deadline_of(conn, direction, deadline);
         }};
       }},
      {"later-deadline-replaces", "the first deadline stays",
       [](const Parts&) { return deadlines_are_chosen([](Deadline before, Deadline) { return !before; }); }},
      {"earlier-deadline-replaces", "only a later deadline counts",
       [](const Parts&) { return deadlines_are_chosen([](Deadline before, Deadline now) { return before < now; }); },
       true},
      {"no-deadline-replaces", "a deadline cannot be taken away",
       [](const Parts&) { return deadlines_are_chosen([](Deadline, Deadline now) { return now.has_value(); }); }},
      {"deadline-lasts", "a deadline is gone when it has fired",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) {
           Result<std::size_t> count = conn.read(buffer);
           if (!count) static_cast<void>(conn.set_read_deadline(std::nullopt));
           return count;
         }};
       },
       true},

      {"close-ends-waiting-reads", "close does not unblock reads", close_is_put_off, true},
      {"close-ends-waiting-writes", "close does not unblock writes", close_is_put_off, true},
      {"reset-ends-waiting-reads", "reset does not unblock reads", reset_is_put_off, true},
      {"reset-ends-waiting-writes", "reset does not unblock writes", reset_is_put_off, true},
      {"every-method-at-once", "a second close succeeds",
       [](const Parts&) -> ConnHooks {
         return {.close = [](Conn& conn) -> Result<void> {
           static_cast<void>(conn.close());
           return {};
         }};
       }},
      {"use-after-close", "a read after close is the end",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) -> Result<std::size_t> {
           const Result<std::size_t> count = conn.read(buffer);
           if (!count && count.error() == std::errc::bad_file_descriptor) return 0;
           return count;
         }};
       }},
      {"use-after-reset", "a deadline after reset is accepted",
       [](const Parts&) -> ConnHooks {
         return {.set_deadline = [](Conn& conn, Direction direction, Deadline deadline) -> Result<void> {
           static_cast<void>(broken::set_deadline_of(conn, direction, deadline));
           return {};
         }};
       }},
      {"double-close", "a double close succeeds",
       [](const Parts&) -> ConnHooks {
         return {.close = [](Conn& conn) -> Result<void> {
           static_cast<void>(conn.close());
           return {};
         }};
       }},
      {"one-of-many-closes-succeeds", "each close succeeds",
       [](const Parts&) -> ConnHooks {
         return {.close = [](Conn& conn) -> Result<void> {
           static_cast<void>(conn.close());
           return {};
         }};
       }},
      {"close-delivers", "close discards",
       [](const Parts&) -> ConnHooks { return {.close = [](Conn& conn) { return conn.reset(); }}; }},
      {"close-with-unread-data-resets", "close only ends the stream",
       [](const Parts&) -> ConnHooks { return {.close = [](Conn& conn) { return conn.close_write(); }}; }},
      {"destructor-closes", "the destructor leaves the connection open",
       [](const Parts&) -> ConnHooks {
         static std::vector<std::shared_ptr<Conn>> left_open;
         left_open.clear();
         return {.destroy = [](const std::shared_ptr<Conn>& conn) { left_open.push_back(conn); }};
       },
       true},
      {"peer-close-ends-waiting-read", "the peer is not told of close", close_is_put_off, true},
      {"peer-close-ends-waiting-write", "the peer is not told of close", close_is_put_off, true},
      {"write-after-peer-close", "writes succeed whatever comes of them",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) -> Result<void> {
           static_cast<void>(conn.write(data));
           return {};
         }};
       }},
      {"no-sigpipe", "a write raises SIGPIPE",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) {
           Result<void> written = conn.write(data);
           if (!written) static_cast<void>(::raise(SIGPIPE));
           return written;
         }};
       }},
      {"half-close", "half close ends both ways",
       [](const Parts&) -> ConnHooks { return {.close_write = [](Conn& conn) { return conn.close(); }}; }},
      {"write-after-half-close", "a write after half close is accepted",
       [](const Parts&) -> ConnHooks { return {.close_write = [](Conn&) -> Result<void> { return {}; }}; }},
      {"half-close-ends-waiting-read-of-peer", "the peer is not told of half close",
       [](const Parts&) -> ConnHooks { return {.close_write = [](Conn&) -> Result<void> { return {}; }}; }, true},
      {"half-close-of-both", "two half closes are a close",
       [](const Parts&) -> ConnHooks {
         const auto ended = std::make_shared<bool>(false);
         return {.close_write =
                     [ended](Conn& conn) {
                       *ended = true;
                       return conn.close_write();
                     },
                 .close = [ended](Conn& conn) -> Result<void> {
                   if (*ended) return fail("close", "it", std::errc::bad_file_descriptor);
                   return conn.close();
                 }};
       }},
      {"reset-fails-the-peer", "reset is close", reset_is_close},
      {"reset-fails-waiting-write-of-peer", "a write that a reset has ended says that it has succeeded",
       [](const Parts&) -> ConnHooks {
         return {.write = [](Conn& conn, std::span<const std::byte> data) -> Result<void> {
           Result<void> written = conn.write(data);
           return !written && written.error() == std::errc::connection_reset ? Result<void>() : written;
         }};
       }},
      {"reset-discards", "reset is close", reset_is_close},

      {"addresses", "an address that the peer does not know",
       [](const Parts&) -> ConnHooks {
         return {.local_address = [](const Conn& conn) {
           auto address = conn.local_address();
           ++address.port;
           return address;
         }};
       }},
      {"errors-name-the-connection", "an error of another operation",
       [](const Parts&) -> ConnHooks {
         return {.read = [](Conn& conn, std::span<std::byte> buffer) -> Result<std::size_t> {
           Result<std::size_t> count = conn.read(buffer);
           if (!count) return fail("recv", count.error().subject(), count.error().code());
           return count;
         }};
       }},
      {"note", "a note is sent",
       [](const Parts&) -> ConnHooks {
         return {.note = [](Conn& conn, std::string_view text) { static_cast<void>(conn.write(text)); }};
       }},
      {"native-handle", "the handle stays after close",
       [](const Parts& parts) -> ConnHooks {
         return {.native_handle = [number = parts.own.native_handle()](const Conn&) { return number; }};
       },
       false, Over::tcp},
      {"release", "a released descriptor waits",
       [](const Parts&) -> ConnHooks {
         return {.release = [](Conn& conn) {
           Result<int> number = conn.release();
           if (number) ::fcntl(*number, F_SETFL, 0);
           return number;
         }};
       },
       false, Over::tcp},
      {"release-ends-waiting-read", "release does not unblock reads",
       [](const Parts&) -> ConnHooks {
         return {.release = [](Conn&) -> Result<int> { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }};
       },
       true, Over::tcp},
      {"release-ends-waiting-write", "release does not unblock writes",
       [](const Parts&) -> ConnHooks {
         return {.release = [](Conn&) -> Result<int> { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }};
       },
       true, Over::tcp},
      {"outlives-its-context", "a connection ends with the Context it was made with",
       [](const Parts& parts) -> ConnHooks {
         auto registration = parts.context.on_cancel([&own = parts.own] { static_cast<void>(own.reset()); });
         return {.owned = std::make_shared<leash::Registration>(std::move(registration))};
       }},
  };
  return faults;
}

/// Makes connections of which both ends are broken.
leash::net::MakeConnPair broken_pairs(leash::net::MakeConnPair pairs, const ConnFault& fault) {
  return [pairs = std::move(pairs), &fault](const Context& context) -> Result<ConnPair> {
    Result<ConnPair> made = pairs(context);
    if (!made) return made;
    const std::shared_ptr<Conn> near = std::move(made->near);
    const std::shared_ptr<Conn> far = std::move(made->far);
    made->near = std::make_unique<BrokenConn>(near, fault.make({*near, *far, context}));
    made->far = std::make_unique<BrokenConn>(far, fault.make({*far, *near, context}));
    return made;
  };
}

}  // namespace

TEST_CASE("Conformance: each check of connections can fail") {
  std::set<std::string_view> checked;
  for (const ConnFault& fault : conn_faults()) {
    const Watchdog watchdog;
    CAPTURE(fault.check);
    CAPTURE(fault.what);
    Network network(fault.over);
    const leash::net::ConformanceOptions options{.only = {std::string(fault.check)},
                                                 .limit = fault.hangs ? 200ms : 20s};
    const auto pairs = dialled_pairs(network.dialer, network.binder);
    const auto failures = check_conn(broken_pairs(pairs, fault), options);
    CHECK(std::ranges::count(failures, fault.check, &ConformanceFailure::check) > 0);
    CHECK(std::ranges::any_of(failures, broken::hangs) == fault.hangs);
    checked.insert(fault.check);
  }
  for (const std::string_view check : leash::net::conn_checks()) {
    CAPTURE(check);
    CHECK(checked.contains(check));
  }
}
