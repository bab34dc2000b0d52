#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/address.hpp>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <memory>
#include <source_location>

namespace LEASH_NAMESPACE::net {

/// Waits for connections at one address. The destructor closes it.
///
/// It may outlive the Binder, the Context and the tracker it came from. Thread-safe: any number of threads may call any
/// members at once.
class Listener {
 public:
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener();

  /// Waits for the next connection. The connection's deadlines go by the clock of the Context of `call`.
  /// Errors: `timed_out` or `operation_canceled` as soon as the Context is done; `bad_file_descriptor` when the
  /// listener is closed, even during the wait; `too_many_files_open`, after which the listener still works.
  [[nodiscard]] Result<std::unique_ptr<Conn>> accept(Call call);

  /// Closes the listener: waiting calls of `accept` fail, and connections that were not accepted yet are reset.
  /// Errors: `bad_file_descriptor` if the listener is closed already.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// The address it listens at, with the port that the system chose for port 0; also after `close`.
  [[nodiscard]] Address address() const;

  /// The descriptor of the listener, which still owns it; -1 if the listener has none or is closed.
  [[nodiscard]] int native_handle() const noexcept;

  /// Ends the Listener without closing its descriptor, and returns the descriptor, which is now the caller's to close:
  /// it goes on listening. It is in non-blocking mode. Waiting calls of `accept` fail with `bad_file_descriptor`. The
  /// path of a listener of "unix" stays, and is the caller's to remove. Errors: `operation_not_supported` if the
  /// listener has none; it then stays open.
  [[nodiscard]] Result<int> release(std::source_location site = std::source_location::current());

 protected:
  Listener() = default;

  virtual Result<std::unique_ptr<Conn>> do_accept(Call call) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual Address do_address() const = 0;
  virtual int do_native_handle() const noexcept = 0;
  /// The default has no descriptor.
  virtual Result<int> do_release(std::source_location site);

 private:
  friend class ProxyListener;
};

}  // namespace LEASH_NAMESPACE::net
