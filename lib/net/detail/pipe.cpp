#include <algorithm>
#include <leash/net/detail/pipe.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::net::detail {

Pipe::Transfer Pipe::read(std::span<std::byte> buffer, const Stopped& stopped) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (const std::error_code code = stopped()) return {0, code};
    if (reset_) return {0, std::make_error_code(std::errc::connection_reset)};
    if (buffer.empty() || !bytes_.empty() || write_closed_) break;
    changed_.wait(lock);
  }
  const std::size_t count = std::min(buffer.size(), bytes_.size());
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(bytes_.begin(), end, buffer.begin());
  bytes_.erase(bytes_.begin(), end);
  if (count != 0) changed_.notify_all();
  return {count, {}};
}

Pipe::Transfer Pipe::write(std::span<const std::byte> data, const Stopped& stopped) {
  std::unique_lock lock(mutex_);
  std::size_t written = 0;
  for (;;) {
    if (const std::error_code code = stopped()) return {written, code};
    if (reset_) return {written, std::make_error_code(std::errc::connection_reset)};
    if (write_closed_ || read_closed_) return {written, std::make_error_code(std::errc::broken_pipe)};
    const std::size_t count = std::min(data.size() - written, capacity_ - bytes_.size());
    const auto piece = data.subspan(written, count);
    bytes_.insert(bytes_.end(), piece.begin(), piece.end());
    written += count;
    if (count != 0) changed_.notify_all();
    if (written == data.size()) return {written, {}};
    changed_.wait(lock);
  }
}

void Pipe::close_write() {
  {
    const std::lock_guard lock(mutex_);
    write_closed_ = true;
  }
  changed_.notify_all();
}

void Pipe::close_read() {
  {
    const std::lock_guard lock(mutex_);
    read_closed_ = true;
    bytes_.clear();
  }
  changed_.notify_all();
}

void Pipe::reset() {
  {
    const std::lock_guard lock(mutex_);
    reset_ = true;
    bytes_.clear();
  }
  changed_.notify_all();
}

void Pipe::wake() {
  {
    const std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

}  // namespace LEASH_NAMESPACE::net::detail
