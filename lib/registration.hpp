#pragma once

#include <leash/config.hpp>
#include <memory>
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
  explicit Registration(std::unique_ptr<Hold> hold) noexcept : hold_(std::move(hold)) {}

  /// Removes the callback, as the destructor does. Does nothing if there is none.
  void reset() noexcept { hold_.reset(); }

 private:
  std::unique_ptr<Hold> hold_;
};

}  // namespace LEASH_NAMESPACE
