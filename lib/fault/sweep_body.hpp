#pragma once

#include <concepts>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/function.hpp>
#include <leash/result.hpp>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::fault {

/// What a sweep runs: any callable that takes a Context, and returns a `Result` or nothing.
class SweepBody {
 public:
  template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, SweepBody> &&
             std::invocable<std::decay_t<Callable>&, Context>)
  // NOLINTNEXTLINE(google-explicit-constructor): a lambda is passed as it is
  SweepBody(Callable&& callable)
      : tells_success_(!std::is_void_v<std::invoke_result_t<std::decay_t<Callable>&, Context>>),
        run_([body = std::forward<Callable>(callable)](Context context) mutable -> Result<void> {
          if constexpr (std::is_void_v<std::invoke_result_t<std::decay_t<Callable>&, Context>>) {
            body(std::move(context));
            return {};
          } else {
            auto result = body(std::move(context));
            if (!result) return std::unexpected<Error>(result.error());
            return {};
          }
        }) {}

  /// Whether it returns a `Result`, so that it can say that it failed.
  bool tells_success() const noexcept { return tells_success_; }

  Result<void> operator()(Context context) const { return run_(std::move(context)); }

 private:
  bool tells_success_;
  Function<Result<void>(Context)> run_;
};

}  // namespace LEASH_NAMESPACE::fault
