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
/// It may outlive the Binder, the Context and the tracker it came from. Every member may be called from any thread,
/// also while others accept.
class Listener {
 public:
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener();

  /// Waits for the next connection. The deadlines of the result go by the clock of this call's Context.
  /// Errors: `timed_out` and `operation_canceled` at once when the Context is done, `bad_file_descriptor` when the
  /// listener is closed, also while this waits; `too_many_files_open`, after which it works on.
  [[nodiscard]] Result<std::unique_ptr<Conn>> accept(Call call);

  /// Ends every accept, and resets the connections that were not accepted yet.
  /// Errors: `bad_file_descriptor` if it is closed already.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

  /// Where it listens, with the port that was chosen; also after close.
  [[nodiscard]] Address address() const;

  /// The descriptor, still owned by the listener, or -1 if there is none or it is closed.
  [[nodiscard]] int native_handle() const noexcept;

 protected:
  Listener() = default;

  virtual Result<std::unique_ptr<Conn>> do_accept(Call call) = 0;
  virtual Result<void> do_close(std::source_location site) = 0;
  virtual Address do_address() const = 0;
  virtual int do_native_handle() const noexcept = 0;

 private:
  friend class ProxyListener;
};

}  // namespace LEASH_NAMESPACE::net
