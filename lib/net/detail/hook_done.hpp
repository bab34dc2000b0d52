#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/detail/hooked_operation.hpp>
#include <leash/result.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// What `Done` is made of that a hook gets.
class HookDone {
 public:
  explicit HookDone(Ref<HookedOperation> operation) noexcept : operation_(std::move(operation)) {}
  HookDone(HookDone&&) noexcept = default;
  HookDone& operator=(HookDone&&) = delete;
  ~HookDone() {
    if (operation_) operation_->end_with(std::nullopt);
  }

  void operator()(Result<void> result) { std::exchange(operation_, nullptr)->end_with(std::move(result)); }

  asio::any_io_executor executor_or(const asio::any_io_executor& otherwise) const {
    return operation_->executor_or(otherwise);
  }
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return operation_->slot(); }

 private:
  Ref<HookedOperation> operation_;
};

}  // namespace LEASH_NAMESPACE::net::detail

template <class Executor>
struct asio::associated_executor<leash::net::detail::HookDone, Executor> {
  using type = asio::any_io_executor;
  static type get(const leash::net::detail::HookDone& done, const Executor& otherwise = Executor()) {
    return done.executor_or(otherwise);
  }
};
