#pragma once

#include <concepts>
#include <leash/config.hpp>
#include <utility>

namespace LEASH_NAMESPACE {

/// Keeps a callback registered: one of `Clock::at` or of `Context::on_cancel`.
///
/// Its destructor, and `reset`, remove the callback. If the callback is running in another thread, they wait until it
/// has returned; called in the callback itself, they do not wait. Afterwards the callback will not run, so what it
/// refers to may be destroyed.
class [[nodiscard]] Registration {
 public:
  /// Owned by a Registration; its destructor removes the callback.
  class Hold {
   public:
    Hold() = default;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    virtual ~Hold();
  };

  Registration() noexcept = default;

  /// Takes over what a `std::unique_ptr` to a Hold owns.
  template <class Owner>
    requires requires(Owner& owner) {
      { owner.release() } -> std::convertible_to<Hold*>;
    }
  explicit Registration(Owner hold) noexcept : hold_(hold.release()) {}

  Registration(Registration&& other) noexcept : hold_(std::exchange(other.hold_, nullptr)) {}
  Registration& operator=(Registration&& other) noexcept {
    Registration taken(std::move(other));
    std::swap(hold_, taken.hold_);
    return *this;
  }
  ~Registration() { reset(); }

  /// Removes the callback, as the destructor does. Does nothing if there is none.
  void reset() noexcept { delete std::exchange(hold_, nullptr); }

 private:
  Hold* hold_ = nullptr;
};

}  // namespace LEASH_NAMESPACE
