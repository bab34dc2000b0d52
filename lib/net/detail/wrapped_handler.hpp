#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <leash/config.hpp>
#include <leash/net/handler.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// Calls `function` with a Handler and what it is to be called with; has the associates of that Handler.
template <class Target, class Function>
class WrappedHandler {
 public:
  WrappedHandler(Target handler, Function function) : handler_(std::move(handler)), function_(std::move(function)) {}

  template <class... Arguments>
  void operator()(Arguments&&... arguments) {
    function_(std::move(handler_), std::forward<Arguments>(arguments)...);
  }

  asio::any_io_executor executor_or(const asio::any_io_executor& otherwise) const {
    return handler_.get_executor(otherwise);
  }
  using allocator_type = typename Target::allocator_type;
  allocator_type get_allocator() const noexcept { return handler_.get_allocator(); }
  using cancellation_slot_type = typename Target::cancellation_slot_type;
  cancellation_slot_type get_cancellation_slot() const noexcept { return handler_.get_cancellation_slot(); }

 private:
  Target handler_;
  Function function_;
};

template <class Target, class Function>
WrappedHandler(Target, Function) -> WrappedHandler<Target, Function>;

}  // namespace LEASH_NAMESPACE::net::detail

template <class Target, class Function, class Executor>
struct asio::associated_executor<leash::net::detail::WrappedHandler<Target, Function>, Executor> {
  using type = asio::any_io_executor;
  static type get(const leash::net::detail::WrappedHandler<Target, Function>& handler,
                  const Executor& otherwise = Executor()) {
    return handler.executor_or(otherwise);
  }
};
