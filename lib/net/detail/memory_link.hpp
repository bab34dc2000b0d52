#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/detail/byte_ring.hpp>
#include <leash/net/detail/client_ports.hpp>
#include <leash/net/detail/deadline.hpp>
#include <leash/net/detail/transit.hpp>
#include <leash/net/detail/wait_list.hpp>
#include <leash/os/biased_lock.hpp>
#include <leash/os/fork.hpp>
#include <memory>
#include <span>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

class TrafficRules;

/// The two ends of a connection in memory: the one that dialled, and the one that was accepted.
enum class End : unsigned char { dialled, accepted };

constexpr End other(End end) noexcept { return end == End::dialled ? End::accepted : End::dialled; }

/// A connection in memory, which both its ends share. Thread-safe.
///
/// Each direction is a ring of bytes. While no rule applies, what is sent has arrived; else it is in a `Transit` first.
/// Time then passes when somebody looks: an operation reads the clock, takes out what has arrived by then, and while it
/// waits has a timer for what arrives next. So there is no timer that nobody waits for.
class MemoryLink : public std::enable_shared_from_this<MemoryLink> {
 public:
  /// How many bytes were read or written, and why not more.
  struct Transfer {
    std::size_t count = 0;
    std::errc error{};  ///< 0 for none.
  };

  /// `clock` is what the rules go by; `port` is that of the end that dialled, which keeps it until both are closed.
  /// `capacity` is how many bytes each direction holds.
  MemoryLink(std::shared_ptr<TrafficRules> rules, std::shared_ptr<Clock> clock, ClientPorts::Taken port,
             Address dialled, Address accepted, std::size_t capacity);
  MemoryLink(const MemoryLink&) = delete;
  MemoryLink& operator=(const MemoryLink&) = delete;
  ~MemoryLink();

  const Address& address(End end) const noexcept { return direction_to(other(end)).from; }
  const std::shared_ptr<Clock>& clock() const noexcept { return clock_; }

  /// Whether it is as a connection of the network "unix".
  bool is_unix() const noexcept { return is_unix_; }

  /// As `read` and `write` of one buffer, but false, and nothing was done, where more is to be considered than whether
  /// there are bytes or room. Inlined, since most reads and writes are no more than this.
  [[gnu::always_inline]] bool read_at_once(End end, std::span<std::byte> buffer, const Deadline& deadline,
                                           std::size_t& count) {
    OneWay& in = direction_to(end);
    {
      const os::BiasedLock::Guard lock(lock_);
      count = std::min(in.ring.size(), buffer.size());
      if (!plain_ || count == 0 || deadline.passed()) return false;
      in.ring.take(buffer.first(count));
    }
    in.writable.notify_all();
    return true;
  }

  [[gnu::always_inline]] bool write_at_once(End end, std::span<const std::byte> data, const Deadline& deadline) {
    OneWay& out = direction_from(end);
    {
      const os::BiasedLock::Guard lock(lock_);
      if (!plain_ || data.size() > out.ring.room() || deadline.passed()) return false;
      out.ring.put(data);
    }
    out.readable.notify_all();
    return true;
  }

  /// Waits for bytes, and fills one buffer after the other with those that are there. 0 bytes without an error mean the
  /// end of the stream.
  Transfer read(End end, std::span<const std::span<std::byte>> buffers, const Deadline& deadline);

  /// Sends all pieces, and waits where the direction is full. Another thread's bytes do not come between.
  Transfer write(End end, std::span<const std::span<const std::byte>> pieces, const Deadline& deadline);

  /// As `read`, but does not wait: false, and nothing was done, where `read` would. Then `readers(end)` are notified
  /// when there may be more, and at `due` one must look again.
  bool read_now(End end, std::span<const std::span<std::byte>> buffers, const Deadline& deadline, Transfer& result,
                Clock::time_point& due);

  /// Sends as much of the pieces as there is room for, a byte at least; else as `read_now`, with `writers(end)`.
  bool write_now(End end, std::span<const std::span<const std::byte>> pieces, const Deadline& deadline,
                 Transfer& result, Clock::time_point& due);

  /// Who waits at `end` for bytes, or for room.
  WaitList& readers(End end) noexcept { return direction_to(end).readable; }
  WaitList& writers(End end) noexcept { return direction_from(end).writable; }

  /// Called by the thread that accepts it. If that has dialled it too, it may be the only one to use it, as in many
  /// tests: it then pays less for the lock.
  void accepted() noexcept;

  // These return false if the end was closed before.
  bool close_write(End end);
  bool close(End end);
  bool reset(End end);

  bool closed(End end);

  /// Both ends fail with `connection_reset` from now on; what was not read is lost. False if both were closed.
  bool cut();

  /// What waits for the direction looks at its deadline again.
  void wake(End end, Direction direction) noexcept;

  /// What the rules make of the two directions from `now` on.
  void set_shapes(const Shape& from_dialled, const Shape& from_accepted, Clock::time_point now);

  void wake_all() noexcept;

 private:
  friend class TrafficRules;

  struct Pieces;
  class Locked;

  /// What goes from one end to the other.
  struct alignas(64) OneWay {
    OneWay(Address from_, std::size_t capacity);
    ~OneWay();

    std::size_t arrived() const noexcept { return ring.size() - (transit ? transit->size() : 0); }

    ByteRing ring;                     ///< What has arrived and was not read, and then what is under way.
    std::unique_ptr<Transit> transit;  ///< Of both directions, or of none.
    WaitList readable;
    WaitList writable;
    os::ThreadId writer;     ///< The thread that is in the middle of a write.
    std::errc read_error{};  ///< What a read fails with, and a write.
    std::errc write_error{};
    bool end_sent = false;     ///< The writer has closed.
    bool end_arrived = false;  ///< The reader knows.
    bool reader_closed = false;
    bool reset_sent = false;
    const Address from;
  };

  OneWay& direction_from(End end) noexcept { return directions_[static_cast<std::size_t>(end)]; }
  OneWay& direction_to(End end) noexcept { return direction_from(other(end)); }
  const OneWay& direction_to(End end) const noexcept { return directions_[static_cast<std::size_t>(other(end))]; }
  OneWay& back(const OneWay& way) noexcept { return &way == directions_.data() ? directions_[1] : directions_[0]; }

  template <class Body>
  auto locked(Body body);

  // With the lock held.
  void note_plain() noexcept;
  bool try_read(End end, std::span<const std::span<std::byte>> buffers, const Deadline& deadline, Transfer& result);
  bool try_write(End end, Pieces& pieces, const Deadline& deadline, Clock::time_point now, Transfer& result);
  bool end_write(OneWay& out, const Pieces& pieces, std::errc error, Transfer& result) noexcept;
  bool shut(End end, bool reset, Clock::time_point now);
  void send(OneWay& way, Signal signal, std::size_t size, Clock::time_point now);
  void send_reset(OneWay& way, Clock::time_point now);
  void settle(Clock::time_point now);
  void arrive(OneWay& way, const Transit::Arrival& arrival);
  Clock::time_point next_answer(const OneWay& out) noexcept;

  const std::shared_ptr<TrafficRules> rules_;
  const std::shared_ptr<Clock> clock_;
  const os::ThreadId dialled_by_ = os::ThreadId::current();
  std::size_t index_ = 0;  ///< Of `rules_`.
  ClientPorts::Taken port_;
  const bool is_unix_;  ///< A close is known at once, and a reset is one.
  /// Whether there are Transits. Changes with the lock held.
  std::atomic<bool> shaped_{false};
  os::BiasedLock lock_;
  bool changed_ = false;  ///< All that wait are woken when the lock is released.
  bool plain_ = true;     ///< Nothing was closed, no rule applies, and no write waits for room.
  std::array<OneWay, 2> directions_;
};

}  // namespace LEASH_NAMESPACE::net::detail
