#pragma once

#include <sys/types.h>

#include <cstdint>
#include <leash/config.hpp>

namespace LEASH_NAMESPACE::os {

/// A descriptor by which any thread ends a poll(2) of its owner: a datagram socket that is connected to itself, so that
/// what is sent to it can be read from it.
///
/// Not an eventfd, because it lives long: a daemon may close all descriptors and get the number for a file of its own.
/// A socket has an inode of its own, which is compared before anything is read from or written to the number.
class WakeSocket {
 public:
  /// The calling thread's, made at its first wait and closed when the thread ends; none (`number` is -1) if the process
  /// is out of descriptors. In a forked child the thread makes a new one.
  static WakeSocket of_this_thread() noexcept;

  /// One that the caller closes.
  static WakeSocket make() noexcept;

  /// Makes a poll of the socket return. Does nothing in a forked child.
  void wake() const noexcept;

  /// Takes what was sent. False if the number is no longer this socket's.
  [[nodiscard]] bool drain() const noexcept;

  /// Closes it, unless the number is no longer this socket's.
  void close() const noexcept;

  int number() const noexcept { return number_; }
  friend bool operator==(const WakeSocket&, const WakeSocket&) noexcept = default;

 private:
  friend class OwnWakeSocket;

  bool is_there() const noexcept;

  int number_ = -1;
  std::uint32_t generation_ = 0;  ///< The `fork_generation` of the process that made it.
  ::ino_t inode_ = 0;
};

/// Makes the calling thread forget its socket, whose number is no longer its own.
void forget_wake_socket() noexcept;

}  // namespace LEASH_NAMESPACE::os
