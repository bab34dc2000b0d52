#include <algorithm>
#include <leash/detail/deadline_after.hpp>
#include <leash/net/detail/transit.hpp>

namespace LEASH_NAMESPACE::net::detail {
namespace {

using leash::detail::deadline_after;

__extension__ using Wide = unsigned __int128;

constexpr Wide second = 1'000'000'000;

/// How long so many bytes take, rounded up.
Clock::duration duration_of(std::size_t bytes, std::uint64_t bandwidth) noexcept {
  if (bandwidth == 0) return {};
  const Wide nanoseconds = (bytes * second + bandwidth - 1) / bandwidth;
  constexpr auto most = static_cast<Wide>(Clock::duration::max().count());
  return Clock::duration(static_cast<Clock::duration::rep>(std::min(nanoseconds, most)));
}

/// How many bytes go over in `time`, but at most `most`.
std::size_t bytes_in(Clock::duration time, std::uint64_t bandwidth, std::size_t most) noexcept {
  if (time < Clock::duration::zero()) return 0;
  if (bandwidth == 0) return most;
  const Wide bytes = static_cast<Wide>(time.count()) * bandwidth / second;
  return static_cast<std::size_t>(std::min<Wide>(bytes, most));
}

std::size_t lesser_limit(std::size_t size, std::size_t limit) noexcept {
  return limit == 0 ? size : std::min(size, limit);
}

}  // namespace

Clock::time_point Transit::arrival_of(const Packet& packet, std::size_t bytes) const noexcept {
  const Clock::time_point start = std::max(line_free_, packet.sent);
  return deadline_after(deadline_after(start, duration_of(bytes, shape_.bandwidth)), shape_.latency);
}

void Transit::set_shape(const Shape& shape, std::size_t unread) {
  if (!packets_.empty() && packets_.front().arrived != 0) {
    Packet& front = packets_.front();
    line_free_ = deadline_after(std::max(line_free_, front.sent), duration_of(front.arrived, shape_.bandwidth));
    front.size -= front.arrived;
    front.arrived = 0;
  }
  if (shape.write_limit == 0) {
    pieces_.clear();
  } else if (shape_.write_limit == 0 && unread != 0) {
    pieces_.push_back(unread);
  }
  shape_ = shape;
}

void Transit::send(Signal signal, std::size_t size, Clock::time_point now) {
  size_ += size;
  if (signal == Signal::data && shape_.write_limit != 0) {
    for (std::size_t left = size; left != 0; left -= pieces_.back()) {
      pieces_.push_back(std::min(left, shape_.write_limit));
    }
  }
  const bool joins = signal == Signal::data && !packets_.empty() && packets_.back().signal == Signal::data &&
                     packets_.back().sent == now;
  if (joins) {
    packets_.back().size += size;
  } else {
    packets_.push_back({signal, size, 0, now});
  }
}

std::optional<Transit::Arrival> Transit::arrive(Clock::time_point now) {
  if (shape_.partitioned || packets_.empty()) return std::nullopt;
  Packet& front = packets_.front();
  const Clock::time_point whole = arrival_of(front, front.size);
  if (whole <= now) {
    const Arrival arrival{front.signal, front.size - front.arrived, whole};
    line_free_ = deadline_after(whole, -shape_.latency);
    size_ -= arrival.size;
    packets_.pop_front();
    return arrival;
  }
  const Clock::time_point start = arrival_of(front, 0);
  const std::size_t arrived = now < start ? 0 : bytes_in(now - start, shape_.bandwidth, front.size);
  if (arrived <= front.arrived) return std::nullopt;
  const Arrival arrival{front.signal, arrived - front.arrived, arrival_of(front, arrived)};
  front.arrived = arrived;
  size_ -= arrival.size;
  return arrival;
}

Clock::time_point Transit::next_arrival() const noexcept {
  if (shape_.partitioned || packets_.empty()) return Clock::time_point::max();
  const Packet& front = packets_.front();
  return arrival_of(front, std::min(front.arrived + 1, front.size));
}

void Transit::drop_data() {
  std::erase_if(packets_, [](const Packet& packet) { return packet.signal == Signal::data; });
  size_ = 0;
}

std::size_t Transit::readable(std::size_t arrived) const noexcept {
  const std::size_t count = lesser_limit(arrived, shape_.read_limit);
  return pieces_.empty() ? count : std::min(count, pieces_.front());
}

void Transit::read(std::size_t count) {
  if (pieces_.empty()) return;
  pieces_.front() -= count;
  if (pieces_.front() == 0) pieces_.pop_front();
}

}  // namespace LEASH_NAMESPACE::net::detail
