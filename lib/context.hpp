#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/detail/chrono.hpp>
#include <leash/detail/key.hpp>
#include <leash/detail/owned.hpp>
#include <leash/detail/ref.hpp>
#include <leash/function.hpp>
#include <leash/fwd.hpp>
#include <leash/notes.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <optional>
#include <source_location>
#include <string_view>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE {

namespace detail {
class CancelState;
struct Copy;

/// What each Context hands to its children so that it is found in one step, whatever the depth. What stands in a slot
/// is known only to the layer that put it there.
enum class Slot : unsigned char { tracker, fault_plan };
inline constexpr std::size_t slot_count = 2;
}  // namespace detail

/// What travels with an operation: whether it is still wanted, until when, on which clock, for whom, and who keeps
/// track of it. The counterpart of Go's context value.
///
/// An immutable value: `with_…` returns a child and leaves this one as it is. One pointer wide; a copy costs one
/// reference count. Any number of threads may use one. A default-made Context is `background()`, and so is one that was
/// moved from.
class Context {
 public:
  Context() noexcept;
  Context(const Context&) noexcept;
  Context(Context&&) noexcept;
  Context& operator=(const Context&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  /// The root of all: never cancelled, no deadline, no values, the machine's clock.
  static Context background() noexcept { return {}; }

  /// A child in which `value<Key>()` is `value`. A key is a type of the user's own, `struct UserId { using value_type =
  /// int; };`, so keys of different libraries cannot meet. Shared libraries find each other's values; where one side is
  /// compiled without RTTI, only by a key that all export (of default visibility), in a program that exports it too
  /// (`-rdynamic`).
  template <class Key>
  [[nodiscard]] Context with_value(typename Key::value_type value) const {
    return with_entry(detail::key_of<Key>(), new detail::OwnedValue<typename Key::value_type>(std::move(value)));
  }

  /// The value nearest to this Context, or null. It lives as long as this Context or a descendant does.
  template <class Key>
  const typename Key::value_type* value() const noexcept LEASH_LIFETIMEBOUND {
    const detail::Owned* const owned = entry(detail::key_of<Key>());
    return owned == nullptr ? nullptr : &static_cast<const detail::OwnedValue<typename Key::value_type>*>(owned)->value;
  }

  /// A child and the source that cancels it, and all that descend from it. Not to cancel is no mistake: nothing is
  /// held.
  [[nodiscard]] Cancellable with_cancel() const;

  /// A child that expires when its clock reaches `time`, or earlier with its parent; at once if the time is past.
  /// The deadline goes by the clock that this Context has now: set a clock before a deadline. Throws what `Clock::at`
  /// does.
  [[nodiscard]] Context with_deadline(std::chrono::steady_clock::time_point time) const;
  [[nodiscard]] Context with_timeout(std::chrono::nanoseconds timeout) const;

  /// A child that is cancelled when a stop is requested of `token`, a `std::stop_token` (`<leash/stop_token.hpp>`).
  [[nodiscard]] Context with_stop_token(StopToken token) const;

  /// A child that neither cancellation nor deadline of this Context reaches: for cleaning up after them.
  [[nodiscard]] Context without_cancel() const;

  /// A child that goes by `clock`, a `std::shared_ptr` to a Clock (`<leash/clock.hpp>`). Throws `std::logic_error` if
  /// it is null.
  [[nodiscard]] Context with_clock(SharedClock clock) const;

  /// A child with one more line in its logical trail; reports show it.
  [[nodiscard]] Context with_note(std::string_view text,
                                  std::source_location site = std::source_location::current()) const;

  /// Whether this Context was cancelled or has expired.
  bool done() const noexcept;

  /// No error while not `done`; then `operation_canceled` or `timed_out`, and never changes again.
  std::error_code error() const noexcept;

  /// What the one who cancelled gave as the reason, if anything. The first cancellation fixes it.
  std::optional<Error> cause() const;

  /// Success while not `done`; then the Error of an operation that was refused for it, with the cause.
  [[nodiscard]] Result<void> check(std::string_view operation, std::string_view subject) const;

  std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept;

  /// Never null. `<leash/clock.hpp>`
  const SharedClock& clock() const noexcept LEASH_LIFETIMEBOUND;

  const Notes& notes() const noexcept LEASH_LIFETIMEBOUND;

  /// A `std::stop_token` whose stop is requested when this Context is done; one that never stops if it cannot be.
  /// `<leash/stop_token.hpp>`
  StopToken stop_token() const noexcept;

  /// Calls `callback` once when this Context is done, in the thread that cancels it or in its clock's; at once, in this
  /// thread, if it is done already. By then all descendants are done too. It must not throw (that ends the program) and
  /// not be empty (`std::logic_error`).
  Registration on_cancel(Function<void()> callback) const;

  /// For the layers of leash, and no others: the object in `slot`, or null; and a child that owns `object` there.
  void* slot(detail::Slot slot) const noexcept;
  template <class T>
  [[nodiscard]] Context with_slot(detail::Slot slot, T object) const {
    auto* const owned = new detail::OwnedValue<T>(std::move(object));
    return with_owned(slot, owned, &owned->value);
  }

 private:
  struct Node;
  friend struct detail::Copy;
  friend void destroy(const Node* node) noexcept;

  explicit Context(const Node* node) noexcept;

  // These take what is owned over.
  Context with_entry(detail::Key key, const detail::Owned* value) const;
  Context with_owned(detail::Slot slot, const detail::Owned* owner, void* object) const;

  const detail::Owned* entry(detail::Key key) const noexcept;

  detail::Ref<const Node> node_;
};

/// Cancels the Context it was made with. Copies are the same source; destroying them cancels nothing.
/// May be used from any thread, and outlive the Context. Moving one copies it.
class CancelSource {
 public:
  CancelSource(const CancelSource&) noexcept;
  CancelSource& operator=(const CancelSource&) noexcept;
  ~CancelSource();

  /// Cancels, and runs what `on_cancel` registered, in this thread. Only the first call, or an earlier expiry, counts.
  void cancel() const;

  /// The same with a reason, which `Context::cause` returns and errors carry.
  void cancel(Error cause) const;

 private:
  friend class Context;
  explicit CancelSource(detail::Ref<detail::CancelState> state) noexcept;

  detail::Ref<detail::CancelState> state_;
};

/// What `Context::with_cancel` returns: `auto [context, source] = parent.with_cancel();`
struct Cancellable {
  Context context;
  CancelSource source;
};

}  // namespace LEASH_NAMESPACE
