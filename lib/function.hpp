#pragma once

#include <concepts>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE {

template <class Signature>
class Function;

/// A callable of any type that takes `Parameters` and returns an `R`: what `std::function` is, without the weight of
/// `<functional>`. Copies are the same callable, which need not be copyable itself; a copy costs one reference count.
///
/// Empty if made of nothing, `nullptr`, a null pointer to a function, or an empty `std::function` or the like. An empty
/// one must not be called.
template <class R, class... Parameters>
class Function<R(Parameters...)> {
 public:
  Function() noexcept = default;
  Function(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): it is written where a callable may be

  template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, Function> &&
             std::is_invocable_r_v<R, std::decay_t<Callable>&, Parameters...>)
  // NOLINTNEXTLINE(google-explicit-constructor): a lambda is passed as it is
  Function(Callable&& callable) {
    if constexpr (std::is_pointer_v<std::remove_reference_t<Callable>> || requires { callable.operator bool(); }) {
      if (!callable) return;
    }
    target_ = detail::Ref<Target>(new Holder<std::decay_t<Callable>>(std::forward<Callable>(callable)));
  }

  R operator()(Parameters... parameters) const { return target_->call(std::forward<Parameters>(parameters)...); }

  explicit operator bool() const noexcept { return static_cast<bool>(target_); }

 private:
  struct Target : detail::RefCounted {
    virtual ~Target() = default;
    virtual R call(Parameters... parameters) = 0;
    friend void destroy(Target* target) noexcept { delete target; }
  };

  template <class Callable>
  struct Holder final : Target {
    template <class Argument>
    // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): it is made of what is not a Holder
    explicit Holder(Argument&& argument) : callable(std::forward<Argument>(argument)) {}

    R call(Parameters... parameters) override {
      return static_cast<R>(callable(std::forward<Parameters>(parameters)...));
    }

    Callable callable;
  };

  detail::Ref<Target> target_;
};

}  // namespace LEASH_NAMESPACE
