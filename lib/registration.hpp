#pragma once

#include <concepts>
#include <leash/config.hpp>
#include <utility>

namespace LEASH_NAMESPACE {

/// Holds a callback in place: one of `Clock::at` or of `Context::on_cancel`.
///
/// Destroying it (or `reset`) takes the callback back. If it is running in another thread at that moment, this waits
/// until it has returned; in the callback itself it does not wait. Afterwards the callback will not run, so what it
/// refers to may go.
class [[nodiscard]] Registration {
 public:
  /// What stands behind a registration; its destructor does the work.
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

  void reset() noexcept { delete std::exchange(hold_, nullptr); }

 private:
  Hold* hold_ = nullptr;
};

}  // namespace LEASH_NAMESPACE
