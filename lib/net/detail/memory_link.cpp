#include <algorithm>
#include <leash/net/detail/memory_link.hpp>
#include <leash/net/detail/timed_wait.hpp>
#include <leash/net/detail/traffic_rules.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

constexpr std::errc none{};

}  // namespace

/// Holds the lock while it lives. Wakes nobody before it has released it: an asynchronous operation calls its executor.
class MemoryLink::Locked {
 public:
  explicit Locked(MemoryLink& link) noexcept : wake_(link), guard_(link.lock_) {}
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { wake_.due = std::exchange(wake_.link.changed_, false); }

 private:
  struct Wake {
    explicit Wake(MemoryLink& link_) noexcept : link(link_) {}
    Wake(const Wake&) = delete;
    Wake& operator=(const Wake&) = delete;
    ~Wake() {
      if (due) link.wake_all();
    }

    MemoryLink& link;
    bool due = false;
  };

  // In this order: the guard ends first.
  Wake wake_;
  os::BiasedLock::Guard guard_;
};

/// What a write has still to send.
struct MemoryLink::Pieces {
  std::span<const std::span<const std::byte>> left;
  std::size_t offset = 0;  ///< Into the first of them.
  std::size_t written = 0;
  os::ThreadId writer = {};  ///< The calling thread, once it had to wait in the middle.

  /// Moves as many bytes as there is room for.
  std::size_t move_to(ByteRing& ring) noexcept {
    std::size_t moved = 0;
    while (!left.empty()) {
      const std::span<const std::byte> rest = left.front().subspan(offset);
      const std::size_t count = std::min(rest.size(), ring.room());
      ring.put(rest.first(count));
      moved += count;
      if (count < rest.size()) {
        offset += count;
        break;
      }
      left = left.subspan(1);
      offset = 0;
    }
    written += moved;
    return moved;
  }
};

MemoryLink::OneWay::OneWay(Address from_, std::size_t capacity) : ring(capacity), from(std::move(from_)) {}

MemoryLink::OneWay::~OneWay() = default;

MemoryLink::MemoryLink(std::shared_ptr<TrafficRules> rules, std::shared_ptr<Clock> clock, ClientPorts::Taken port,
                       Address dialled, Address accepted, std::size_t capacity)
    : rules_(std::move(rules)),
      clock_(std::move(clock)),
      port_(std::move(port)),
      is_unix_(accepted.network == "unix"),
      directions_{OneWay(std::move(dialled), capacity), OneWay(std::move(accepted), capacity)} {}

MemoryLink::~MemoryLink() { rules_->dismiss(*this); }

/// Calls `body(now)` with the lock held, after what has arrived by `now` was taken out. The clock, which may be the
/// user's, is not called under the lock, and not at all while no rule applies.
template <class Body>
auto MemoryLink::locked(Body body) {
  for (bool timed = shaped_.load(std::memory_order_relaxed);; timed = true) {
    const Clock::time_point now = timed ? clock_->now() : Clock::time_point();
    const Locked lock(*this);
    if (!timed && shaped_.load(std::memory_order_relaxed)) continue;
    settle(now);
    return body(now);
  }
}

MemoryLink::Transfer MemoryLink::read(End end, std::span<const std::span<std::byte>> buffers,
                                      const Deadline& deadline) {
  OneWay& in = direction_to(end);
  Transfer result;
  timed_wait(in.readable, *clock_,
             [&](Clock::time_point& due) { return read_now(end, buffers, deadline, result, due); });
  return result;
}

bool MemoryLink::try_read(End end, std::span<const std::span<std::byte>> buffers, const Deadline& deadline,
                          Transfer& result) {
  OneWay& in = direction_to(end);
  if (in.reader_closed) {
    result.error = std::errc::bad_file_descriptor;
    return true;
  }
  if (deadline.passed()) {
    result.error = std::errc::timed_out;
    return true;
  }
  if (in.read_error != none) {
    result.error = in.read_error;
    return true;
  }
  const std::size_t arrived = in.arrived();
  std::size_t left = in.transit ? in.transit->readable(arrived) : arrived;
  bool any_room = false;
  for (const std::span<std::byte> buffer : buffers) {
    const std::size_t count = std::min(buffer.size(), left);
    any_room = any_room || !buffer.empty();
    if (count == 0) continue;
    in.ring.take(buffer.first(count));
    result.count += count;
    left -= count;
  }
  if (in.transit) in.transit->read(result.count);
  return result.count != 0 || !any_room || in.end_arrived;
}

bool MemoryLink::read_now(End end, std::span<const std::span<std::byte>> buffers, const Deadline& deadline,
                          Transfer& result, Clock::time_point& due) {
  OneWay& in = direction_to(end);
  const bool over = locked([&](Clock::time_point) {
    if (try_read(end, buffers, deadline, result)) return true;
    if (in.transit) due = in.transit->next_arrival();
    return false;
  });
  if (result.count != 0) in.writable.notify_all();
  return over;
}

bool MemoryLink::write_now(End end, std::span<const std::span<const std::byte>> pieces, const Deadline& deadline,
                           Transfer& result, Clock::time_point& due) {
  OneWay& out = direction_from(end);
  const bool over = locked([&](Clock::time_point now) {
    if (direction_to(end).reader_closed)
      result.error = std::errc::bad_file_descriptor;
    else if (deadline.passed())
      result.error = std::errc::timed_out;
    else if (out.end_sent)
      result.error = std::errc::broken_pipe;
    else
      result.error = out.write_error;
    if (result.error != none) return true;
    if (out.writer.lost()) out.writer = os::ThreadId();
    Pieces left{.left = pieces};
    if (!out.writer) result.count = left.move_to(out.ring);
    if (result.count != 0) {
      send(out, Signal::data, result.count, now);
      return true;
    }
    due = next_answer(out);
    return false;
  });
  if (result.count != 0) out.readable.notify_all();
  return over;
}

MemoryLink::Transfer MemoryLink::write(End end, std::span<const std::span<const std::byte>> pieces,
                                       const Deadline& deadline) {
  OneWay& out = direction_from(end);
  Pieces left{.left = pieces};
  Transfer result;
  timed_wait(out.writable, *clock_, [&](Clock::time_point& due) {
    const std::size_t before = left.written;
    const bool over = locked([&](Clock::time_point now) {
      if (try_write(end, left, deadline, now, result)) return true;
      due = next_answer(out);
      return false;
    });
    if (left.written != before) out.readable.notify_all();
    return over;
  });
  return result;
}

void MemoryLink::note_plain() noexcept {
  const auto plain = [](const OneWay& way) {
    return !way.transit && !way.writer && !way.end_sent && !way.reader_closed && way.read_error == none &&
           way.write_error == none;
  };
  plain_ = std::ranges::all_of(directions_, plain);
}

bool MemoryLink::end_write(OneWay& out, const Pieces& pieces, std::errc error, Transfer& result) noexcept {
  result = {pieces.written, error};
  if (pieces.writer) {
    out.writer = os::ThreadId();
    note_plain();
    changed_ = true;
  }
  return true;
}

bool MemoryLink::try_write(End end, Pieces& pieces, const Deadline& deadline, Clock::time_point now, Transfer& result) {
  OneWay& out = direction_from(end);
  if (direction_to(end).reader_closed) return end_write(out, pieces, std::errc::bad_file_descriptor, result);
  if (deadline.passed()) return end_write(out, pieces, std::errc::timed_out, result);
  for (;;) {
    if (out.end_sent) return end_write(out, pieces, std::errc::broken_pipe, result);
    if (out.write_error != none) return end_write(out, pieces, out.write_error, result);
    // A forked child goes on where a thread that it does not have was writing.
    if (out.writer.lost()) out.writer = os::ThreadId();
    if (out.writer && out.writer != pieces.writer) return false;
    const std::size_t moved = pieces.move_to(out.ring);
    if (moved != 0) send(out, Signal::data, moved, now);
    if (pieces.left.empty()) return end_write(out, pieces, none, result);
    if (out.ring.room() == 0) break;
  }
  pieces.writer = out.writer = os::ThreadId::current();
  note_plain();
  return false;
}

void MemoryLink::accepted() noexcept {
  if (dialled_by_ == os::ThreadId::current()) lock_.bias();
}

bool MemoryLink::close_write(End end) {
  return locked([&](Clock::time_point now) {
    OneWay& out = direction_from(end);
    if (direction_to(end).reader_closed) return false;
    if (!std::exchange(out.end_sent, true)) send(out, Signal::end, 0, now);
    note_plain();
    changed_ = true;
    return true;
  });
}

bool MemoryLink::close(End end) {
  return locked([&](Clock::time_point now) { return shut(end, false, now); });
}

bool MemoryLink::reset(End end) {
  return locked([&](Clock::time_point now) { return shut(end, true, now); });
}

bool MemoryLink::closed(End end) {
  const Locked lock(*this);
  return direction_to(end).reader_closed;
}

bool MemoryLink::shut(End end, bool reset, Clock::time_point now) {
  OneWay& in = direction_to(end);
  OneWay& out = direction_from(end);
  if (std::exchange(in.reader_closed, true)) return false;
  if (out.reader_closed) port_.give_back();
  // That data was lost is told to who sent it: RFC 1122, 4.2.2.13.
  const bool lost = in.ring.size() != 0;
  in.ring.drop(in.ring.size());
  if (in.transit) in.transit->drop_data();
  if (reset || lost) {
    if (out.transit) {
      out.ring.drop_last(out.transit->size());
      out.transit->drop_data();
    }
    send_reset(out, now);
    settle(now);
  } else if (!out.end_sent) {
    send(out, Signal::end, 0, now);
  }
  out.end_sent = true;
  if (is_unix_ && in.write_error == none) in.write_error = std::errc::broken_pipe;
  note_plain();
  changed_ = true;
  return true;
}

void MemoryLink::send(OneWay& way, Signal signal, std::size_t size, Clock::time_point now) {
  if (!way.transit) {
    arrive(way, {signal, size, now});
    return;
  }
  way.transit->send(signal, size, now);
  settle(now);
}

void MemoryLink::send_reset(OneWay& way, Clock::time_point now) {
  if (std::exchange(way.reset_sent, true)) return;
  if (way.transit) {
    way.transit->send(Signal::reset, 0, now);
  } else {
    arrive(way, {Signal::reset, 0, now});
  }
}

void MemoryLink::settle(Clock::time_point now) {
  // What arrives at one end may make it answer the other.
  for (bool again = true; again;) {
    again = false;
    for (OneWay& way : directions_) {
      while (way.transit) {
        const std::optional<Transit::Arrival> arrival = way.transit->arrive(now);
        if (!arrival) break;
        arrive(way, *arrival);
        again = true;
      }
    }
  }
}

void MemoryLink::arrive(OneWay& way, const Transit::Arrival& arrival) {
  OneWay& answer = back(way);
  switch (arrival.signal) {
    case Signal::data:
      if (!way.reader_closed) break;
      way.ring.drop(arrival.size);
      send_reset(answer, arrival.time);
      break;
    case Signal::end:
      way.end_arrived = true;
      break;
    case Signal::reset:
      // As in Linux: who knows of the end may still read what came before it.
      if (answer.write_error == none) {
        answer.write_error = way.end_arrived ? std::errc::broken_pipe : std::errc::connection_reset;
      }
      if (way.end_arrived) break;
      way.read_error = std::errc::connection_reset;
      way.ring.drop(way.ring.size());
      break;
  }
  if (way.transit || arrival.signal != Signal::data) changed_ = true;
}

/// When a writer that waits for room may learn something but that there is room. That the bytes of an open connection
/// arrive does not make any.
Clock::time_point MemoryLink::next_answer(const OneWay& out) noexcept {
  Clock::time_point next = Clock::time_point::max();
  if (!out.transit) return next;
  if (out.reader_closed) next = out.transit->next_arrival();
  const Transit& answers = *back(out).transit;
  return answers.ends() ? std::min(next, answers.next_arrival()) : next;
}

bool MemoryLink::cut() {
  const Locked lock(*this);
  if (std::ranges::all_of(directions_, &OneWay::reader_closed)) return false;
  for (OneWay& way : directions_) {
    way.read_error = way.write_error = std::errc::connection_reset;
    way.ring.drop(way.ring.size());
    if (way.transit) way.transit->drop_data();
  }
  note_plain();
  changed_ = true;
  return true;
}

void MemoryLink::set_shapes(const Shape& from_dialled, const Shape& from_accepted, Clock::time_point now) {
  const Locked lock(*this);
  settle(now);
  const bool shaped = from_dialled != Shape() || from_accepted != Shape();
  if (!shaped && !shaped_.load(std::memory_order_relaxed)) return;
  for (OneWay& way : directions_) {
    if (!way.transit) way.transit = std::make_unique<Transit>();
    way.transit->set_shape(&way == directions_.data() ? from_dialled : from_accepted, way.ring.size());
  }
  // Without rules what is under way arrives, also what another thread has sent a moment later.
  settle(shaped ? now : Clock::time_point::max());
  if (!shaped) {
    for (OneWay& way : directions_) way.transit.reset();
  }
  shaped_.store(shaped, std::memory_order_relaxed);
  note_plain();
  changed_ = true;
}

void MemoryLink::wake(End end, Direction direction) noexcept {
  if (direction != Direction::write) direction_to(end).readable.notify_all();
  if (direction != Direction::read) direction_from(end).writable.notify_all();
}

void MemoryLink::wake_all() noexcept {
  for (OneWay& way : directions_) {
    way.readable.notify_all();
    way.writable.notify_all();
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
