#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/counting_hook.hpp>
#include <leash/result.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::net {

/// What a CountingHook is, for HookedAsyncDialer and HookedAsyncBinder. An operation counts when it is over, as when
/// its handler is called; one whose handler is destroyed uncalled does not.
class AsyncCountingHook final : public AsyncNetworkHook {
 public:
  /// As of a CountingHook. Thread-safe.
  OperationCounts counts() const { return counting_->counts(); }
  OperationCounts reset() { return counting_->reset(); }

 protected:
  Result<void> around(Operation& operation, Next next) override { return counting_->around(operation, next); }

  void around_async(Operation& operation, AsyncNext next, Done done) override {
    next(wrap(std::move(done), [counting = counting_, &operation, began = operation.context.clock()->now()](
                                   Done passed, Result<void> result) {
      counting->add(operation, began, result.has_value());
      passed(std::move(result));
    }));
  }

 private:
  /// Which operations under way when this is destroyed keep.
  const std::shared_ptr<CountingHook> counting_ = std::make_shared<CountingHook>();
};

}  // namespace LEASH_NAMESPACE::net
