#pragma once

#include <algorithm>
#include <leash/config.hpp>
#include <leash/net/async_network_hook.hpp>
#include <leash/net/async_sleep.hpp>
#include <leash/net/detail/fault_gate.hpp>
#include <optional>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// Lets asynchronous operations fail as the plan in their Context says.
class FaultAsyncHook final : public AsyncNetworkHook {
 public:
  FaultAsyncHook() = default;

 private:
  using Transfer = fault::detail::Transfer;

  Result<void> around(Operation& operation, Next next) override {
    const std::optional<fault::Fault> fault = fault_at(operation);
    return fault ? fault::detail::strike(*fault, operation, struck_transfer(operation.kind), next) : next();
  }

  void around_async(Operation& operation, AsyncNext next, Done done) override {
    const std::optional<fault::Fault> fault = fault_at(operation);
    if (!fault) return next(std::move(done));
    const Transfer transfer = struck_transfer(operation.kind);
    switch (fault->effect) {
      case fault::Effect::fail_after:
        return next(wrap(std::move(done), [&operation, code = fault->code](Done passed, Result<void> result) {
          if (result) result = operation.fail(code, "injected, after it took effect");
          passed(std::move(result));
        }));
      case fault::Effect::shorten:
      case fault::Effect::full:
        if (transfer != Transfer::none) operation.size = std::min(operation.size, fault->bytes);
        return next(std::move(done));
      case fault::Effect::delay:
        return async_sleep(operation.context, fault->delay,
                           wrap(std::move(done), [next](Done slept, Result<void> result) {
                             if (!result) return slept(std::move(result));
                             next(std::move(slept));
                           }));
      case fault::Effect::fail:
      case fault::Effect::end:
      case fault::Effect::reset:
      case fault::Effect::crash:
        break;
    }
    // What does nothing is over at once.
    done(fault::detail::strike(*fault, operation, transfer, [] { return Result<void>(); }));
  }
};

}  // namespace LEASH_NAMESPACE::net::detail
