#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/logging_hook.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// What a LoggingHook is, for HookedAsyncDialer and HookedAsyncBinder:
///
///     src/client.cpp:12: dial tcp localhost:8080: 127.0.0.1:51002 -> 127.0.0.1:8080
///     src/client.cpp:14: Conn::read 127.0.0.1:51002 -> 127.0.0.1:8080: 64 of 4096 bytes
///
/// A line is told when the operation is over, before its handler is called; of one whose handler is destroyed uncalled
/// there is none.
class AsyncLoggingHook final : public AsyncNetworkHook {
 public:
  /// `log` is as for a LoggingHook, but is called also for operations that were under way when this was destroyed. What
  /// it throws leaves, of an asynchronous operation, the function that runs the execution context. Throws
  /// `std::logic_error` if it is empty.
  explicit AsyncLoggingHook(Function<void(std::string_view line)> log)
      : logging_(std::make_shared<LoggingHook>(std::move(log))) {}

 protected:
  Result<void> around(Operation& operation, Next next) override { return logging_->around(operation, next); }

  void around_async(Operation& operation, AsyncNext next, Done done) override {
    next(wrap(std::move(done),
              [logging = logging_, &operation, asked = operation.size](Done passed, Result<void> result) {
                logging->tell(operation, asked, result);
                passed(std::move(result));
              }));
  }

 private:
  const std::shared_ptr<LoggingHook> logging_;
};

}  // namespace LEASH_NAMESPACE::net
