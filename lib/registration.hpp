#pragma once

#include <leash/config.hpp>
#include <memory>
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
  explicit Registration(std::unique_ptr<Hold> hold) noexcept : hold_(std::move(hold)) {}

  void reset() noexcept { hold_.reset(); }

 private:
  std::unique_ptr<Hold> hold_;
};

}  // namespace LEASH_NAMESPACE
