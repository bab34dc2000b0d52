#pragma once

#include <concepts>
#include <leash/config.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE {

template <class Signature>
class FunctionRef;

/// Refers to a callable that takes `Parameters` and returns an `R`: what C++26 calls `std::function_ref` (P0792). For
/// parameters: two words, neither copies nor allocates. The callable must outlive it.
template <class R, class... Parameters>
class FunctionRef<R(Parameters...)> {
 public:
  template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, FunctionRef> &&
             std::is_invocable_r_v<R, Callable&, Parameters...>)
  // NOLINTNEXTLINE(google-explicit-constructor,cppcoreguidelines-missing-std-forward): a lambda is passed as it is
  FunctionRef(Callable&& callable LEASH_LIFETIMEBOUND) noexcept
      : callable_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* target, Parameters... parameters) -> R {
          return static_cast<R>(
              (*static_cast<std::remove_reference_t<Callable>*>(target))(std::forward<Parameters>(parameters)...));
        }) {}

  R operator()(Parameters... parameters) const { return call_(callable_, std::forward<Parameters>(parameters)...); }

 private:
  void* callable_;
  R (*call_)(void*, Parameters...);
};

}  // namespace LEASH_NAMESPACE
