#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <leash/config.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <span>
#include <system_error>

namespace LEASH_NAMESPACE::net::detail {

/// One direction of a connection in memory: a bounded queue of bytes. Thread-safe.
class Pipe {
 public:
  /// Returns an error if the operation must end with it, else none. Called under the mutex of the pipe, before and
  /// after each wait.
  using Stopped = std::function<std::error_code()>;

  /// How many bytes were read or written, and why not more.
  struct Transfer {
    std::size_t count = 0;
    std::error_code error;
  };

  explicit Pipe(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for bytes, and takes as many as there are room for in `buffer`. 0 bytes without an error mean the end.
  Transfer read(std::span<std::byte> buffer, const Stopped& stopped);

  /// Puts all of `data` into the pipe, and waits for room where it is full.
  Transfer write(std::span<const std::byte> data, const Stopped& stopped);

  /// The writer has closed: reads return what is in the pipe, and then the end.
  void close_write();

  /// The reader has closed: what is in the pipe is discarded, and writes fail with `broken_pipe`.
  void close_read();

  /// Discards what is in the pipe. Reads and writes fail with `connection_reset` from now on.
  void reset();

  /// Makes the operations that wait call their `Stopped` function again.
  void wake();

 private:
  const std::size_t capacity_;
  os::Mutex mutex_;
  os::ConditionVariable changed_;
  std::deque<std::byte> bytes_;
  bool write_closed_ = false;
  bool read_closed_ = false;
  bool reset_ = false;
};

}  // namespace LEASH_NAMESPACE::net::detail
