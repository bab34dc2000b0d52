#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/result.hpp>
#include <memory>
#include <system_error>
#include <type_traits>

namespace LEASH_NAMESPACE::detail {

/// Whether a hook cannot make an operation succeed that it did not carry out: it returns a handle, or a descriptor, of
/// which 0 would be the standard input of the process.
template <class T>
inline constexpr bool needs_next = std::is_same_v<T, int>;
template <class T>
inline constexpr bool needs_next<std::unique_ptr<T>> = true;

/// What a hook, an object with a function `around`, shares with what passes operations through it, which may outlive
/// it. `Hook` makes this a friend.
template <class Hook>
struct HookLink : RefCounted {
  explicit HookLink(Hook* hook_) noexcept : hook(hook_) {}

  /// Passes `operation`, which `carry_out` does, through the hook. Without a hook any more it is just done.
  template <class T, class Operation, class CarryOut>
  Result<T> pass(Operation& operation, CarryOut carry_out) const {
    Hook* const present = hook.load(std::memory_order_acquire);
    if (present == nullptr) return carry_out();
    if constexpr (std::is_void_v<T>) {
      return present->around(operation, carry_out);
    } else {
      Result<T> result;
      bool carried_out = false;
      const auto next = [&]() -> Result<void> {
        result = carry_out();
        carried_out = true;
        if (!result) return std::unexpected(result.error());
        return {};
      };
      if constexpr (needs_next<T>) {
        // What a hook puts into the operation need not live as long as this call.
        const Operation asked = operation;
        const Result<void> status = present->around(operation, next);
        if (!status) return std::unexpected(status.error());
        if (!carried_out) return asked.fail(std::errc::operation_canceled, "the hook did not let it happen");
      } else {
        const Result<void> status = present->around(operation, next);
        if (!status) return std::unexpected(status.error());
        if (!result) return T();
      }
      return result;
    }
  }

  /// `pass` of an operation that ends a handle, which `close` does in any case, also if the hook throws.
  template <class Operation, class Close>
  Result<void> pass_close(Operation operation, Close close) const {
    bool closed = false;
    Result<void> result;
    try {
      result = pass<void>(operation, [&]() -> Result<void> {
        closed = true;
        return close();
      });
    } catch (...) {
      if (!closed) static_cast<void>(close());
      throw;
    }
    if (!closed) static_cast<void>(close());
    return result;
  }

  std::atomic<Hook*> hook;  ///< Null once it was destroyed.

  friend void destroy(HookLink* link) noexcept { delete link; }
};

}  // namespace LEASH_NAMESPACE::detail
