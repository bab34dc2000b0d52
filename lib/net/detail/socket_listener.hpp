#pragma once

#include <sys/types.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <leash/config.hpp>
#include <leash/net/detail/shared_descriptor.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/listener.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/waker.hpp>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// A name of the network "unix" in the file system, which is removed at the end, unless another socket has it by then.
/// A forked child leaves the name to the process that has made it.
class SocketFile {
 public:
  SocketFile() = default;

  /// The name `path`, which bind(2) is to make next. Removes nothing yet.
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) = delete;
  ~SocketFile() { remove(); }

  /// bind(2) has just made the name: it is removed from now on. Returns the permission bits that it has.
  std::uint32_t made() noexcept;

  /// Removes the name now. Does nothing the second time.
  void remove() noexcept;

  /// Leaves the name where it is.
  void keep() noexcept { made_ = false; }

 private:
  std::string path_;  ///< Absolute, since the program may change its working directory, as every daemon does.
  bool made_ = false;
  ::dev_t device_ = 0;
  ::ino_t inode_ = 0;
  std::uint32_t generation_ = os::fork_generation();
};

/// A connection that was just accepted.
struct AcceptedSocket {
  os::Descriptor socket;
  SocketAddress local;
  SocketAddress remote;
};

/// A listening socket. The connections that it accepts have its options: Linux copies those of the listening socket.
class SocketListener final : public Listener {
 public:
  /// `address` is that of the socket, and `accepts_there` whether it is that of each connection too, so that accept
  /// need not ask for it.
  SocketListener(os::Descriptor socket, const SocketAddress& address, bool accepts_there, SocketFile file);

  /// Accepts a connection that is there: `operation_would_block` if none is; `bad_file_descriptor` when it is closed.
  [[nodiscard]] std::expected<AcceptedSocket, std::error_code> accept_now();

  /// Whether whoever accepts has been told that there is no descriptor for the next connection, so that an accept is to
  /// wait for one from now on: `back_off` the first time, then twice as long each time. The times of Go's net/http.
  bool told_of_want() noexcept { return told_of_want_.exchange(true); }
  static constexpr std::chrono::nanoseconds back_off = std::chrono::milliseconds(5);
  static constexpr std::chrono::nanoseconds longest_back_off = std::chrono::seconds(1);

  /// Takes a socket over, if it was made without one: before anything else is called.
  void take(os::Descriptor socket) noexcept;

 private:
  Result<std::unique_ptr<Conn>> do_accept(Call call) override;
  Result<void> do_close(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;
  std::optional<int> retire();
  Address do_address() const override;
  int do_native_handle() const noexcept override;

  void wait(const Context& context, short events, std::optional<std::chrono::nanoseconds> timeout);

  const SocketAddress socket_address_;
  const bool accepts_there_;
  const Address address_;
  SharedDescriptor descriptor_;
  SocketFile file_;                        ///< Removed before the descriptor is closed.
  std::atomic<bool> told_of_want_{false};  ///< `accept` has failed for want of descriptors, and not succeeded since.
  os::Mutex mutex_;
  std::vector<std::shared_ptr<os::Waker>> waiting_;  ///< Of the threads that wait in `accept`.
};

}  // namespace LEASH_NAMESPACE::net::detail
