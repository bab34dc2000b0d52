#pragma once

#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/network_hook.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::net {

/// Tells what is done with dialers and binders and with their handles: a line for each operation, once that is over,
/// with the place in the source that called it, and with the error if it failed. `AsyncLoggingHook` tells what is done
/// with asynchronous ones.
///
///     src/client.cpp:12: dial tcp localhost:8080: 127.0.0.1:51002 -> 127.0.0.1:8080
///     src/client.cpp:14: Conn::read 127.0.0.1:51002 -> 127.0.0.1:8080: 64 of 4096 bytes
///     src/client.cpp:19: dial tcp localhost:1: Connection refused
///
/// Control characters and the like in addresses and notes are escaped: a line is one line, and safe to print on a
/// terminal. The form of the lines is for people, and may change.
class LoggingHook final : public NetworkHook {
 public:
  /// `log` is called with each line, which has no newline and is valid during that call, by any number of threads at
  /// once; not after this object was destroyed. What it throws leaves the operation, which is done by then. Throws
  /// `std::logic_error` if it is empty.
  explicit LoggingHook(Function<void(std::string_view line)> log);

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  friend class AsyncLoggingHook;

  /// Tells of `operation`, which is over, and was to move `asked` bytes.
  void tell(const Operation& operation, std::uint64_t asked, const Result<void>& result) const;

  const Function<void(std::string_view line)> log_;
};

}  // namespace LEASH_NAMESPACE::net
