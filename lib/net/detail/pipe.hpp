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
  /// Why an operation must not go on, if so; asked whenever it would wait or has waited, under the mutex.
  using Stopped = std::function<std::error_code()>;

  struct Outcome {
    std::size_t count = 0;
    std::error_code error;
  };

  explicit Pipe(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for bytes. None and no error at the end.
  Outcome read(std::span<std::byte> buffer, const Stopped& stopped);

  /// Waits for room until all of `data` is in the pipe.
  Outcome write(std::span<const std::byte> data, const Stopped& stopped);

  /// No more will be written: the reader gets what is in the pipe, and then the end.
  void close_write();

  /// No one will read: what is in the pipe is lost, and writing fails with `broken_pipe`.
  void close_read();

  /// Both fail with `connection_reset` from now on.
  void reset();

  /// Makes those who wait ask again whether they are stopped.
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
