#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <optional>

namespace LEASH_NAMESPACE::net::detail {

/// What the rules of a MemoryNetwork make of one direction of a connection. 0 means no limit.
struct Shape {
  Clock::duration latency{};
  std::uint64_t bandwidth = 0;  ///< Bytes per second.
  std::size_t read_limit = 0;   ///< How many bytes a read returns at most.
  std::size_t write_limit = 0;  ///< The size of the pieces that a write is handed over in.
  bool partitioned = false;     ///< Nothing arrives.

  friend bool operator==(const Shape&, const Shape&) = default;
};

/// What one end of a connection sends to the other.
enum class Signal : unsigned char { data, end, reset };

/// What is under way in one direction of a connection that rules apply to; the bytes themselves lie elsewhere. Nothing
/// is overtaken. Not thread-safe, and calls no clock: `now` is passed to it.
class Transit {
 public:
  struct Arrival {
    Signal signal = Signal::data;
    std::size_t size = 0;  ///< How many bytes of data.
    Clock::time_point time;
  };

  const Shape& shape() const noexcept { return shape_; }

  /// Replaces the shape, which then applies to what is under way too. What arrived before must have been taken out.
  /// `unread` is how many bytes were sent and not read yet.
  void set_shape(const Shape& shape, std::size_t unread);

  void send(Signal signal, std::size_t size, Clock::time_point now);

  /// Takes out what is the first to have arrived by `now`, or a part of it, if there is such.
  std::optional<Arrival> arrive(Clock::time_point now);

  /// When something arrives next; `time_point::max()` for never.
  Clock::time_point next_arrival() const noexcept;

  /// Whether an end or a reset is under way.
  bool ends() const noexcept { return !packets_.empty() && packets_.back().signal != Signal::data; }

  /// How many bytes are under way.
  std::size_t size() const noexcept { return size_; }

  /// Forgets the bytes that are under way.
  void drop_data();

  /// How many bytes one read may take of `arrived` ones.
  std::size_t readable(std::size_t arrived) const noexcept;

  /// So many bytes were read.
  void read(std::size_t count);

 private:
  struct Packet {
    Signal signal = Signal::data;
    std::size_t size = 0;
    std::size_t arrived = 0;  ///< How many bytes of it have arrived.
    Clock::time_point sent;
  };

  Clock::time_point arrival_of(const Packet& packet, std::size_t bytes) const noexcept;

  Shape shape_;
  std::deque<Packet> packets_;
  std::size_t size_ = 0;
  /// When the last packet that has arrived left the sender: the next one leaves then or later.
  Clock::time_point line_free_ = Clock::time_point::min();
  std::deque<std::size_t> pieces_;  ///< Of the bytes that were not read yet, if there is a `write_limit`.
};

}  // namespace LEASH_NAMESPACE::net::detail
