#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::net::conformance {

/// Keeps a SIGPIPE that the calling thread raises from ending the program, as long as this lives.
class SignalGuard {
 public:
  SignalGuard() noexcept;
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
  ~SignalGuard();

  /// Whether one was raised since the last call.
  [[nodiscard]] bool sigpipe_raised() noexcept;

 private:
  bool was_blocked_ = false;
};

}  // namespace LEASH_NAMESPACE::net::conformance
