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

/// A slot of a Context. A child inherits the objects in all slots, so that they are found in one step, however deep the
/// Context is. Only the layer of leash that puts an object into a slot knows its type.
enum class Slot : unsigned char { tracker, fault_plan };
inline constexpr std::size_t slot_count = 2;
}  // namespace detail

/// What is passed along with an operation: its cancellation, deadline and clock, the user's values and notes, and the
/// tracker. The counterpart of Go's `context.Context`.
///
/// An immutable value: each `with_…` returns a child and leaves this Context as it is. One pointer wide; a copy
/// increments a reference count. Any number of threads may use one. A default-constructed Context, and one that was
/// moved from, is `background()`.
class Context {
 public:
  Context() noexcept;
  Context(const Context&) noexcept;
  Context(Context&&) noexcept;
  Context& operator=(const Context&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  /// The root of all Contexts: never cancelled, without deadline, values and notes, on the machine's clock.
  static Context background() noexcept { return {}; }

  /// A child in which `value<Key>()` is `value`. A key is a type that the user defines, so keys of different libraries
  /// differ:
  ///
  ///     struct UserId { using value_type = int; };
  ///
  /// One shared library finds the values that another one set. If one of the two is compiled without RTTI, it finds
  /// only those with a key that both export (default visibility), in a program that exports it too (linked with
  /// `-rdynamic`).
  template <class Key>
  [[nodiscard]] Context with_value(typename Key::value_type value) const {
    return with_entry(detail::key_of<Key>(), new detail::OwnedValue<typename Key::value_type>(std::move(value)));
  }

  /// The value of `Key` that this Context or its nearest ancestor with one was given, or null. It lives as long as this
  /// Context or a descendant of it.
  template <class Key>
  const typename Key::value_type* value() const noexcept LEASH_LIFETIMEBOUND {
    const detail::Owned* const owned = entry(detail::key_of<Key>());
    return owned == nullptr ? nullptr : &static_cast<const detail::OwnedValue<typename Key::value_type>*>(owned)->value;
  }

  /// A child and the source that cancels it and its descendants. A source need not be used: without it nothing leaks.
  [[nodiscard]] Cancellable with_cancel() const;

  /// A child that expires when the clock of this Context reaches `time`, or earlier with its parent; at once if the
  /// time is past. A later `with_clock` does not change the clock of the deadline: set the clock first. Throws what
  /// `Clock::at` does.
  [[nodiscard]] Context with_deadline(std::chrono::steady_clock::time_point time) const;

  /// As `with_deadline`, for the time `timeout` from now.
  [[nodiscard]] Context with_timeout(std::chrono::nanoseconds timeout) const;

  /// A child that is cancelled when a stop is requested of `token`, a `std::stop_token` (`<leash/stop_token.hpp>`).
  [[nodiscard]] Context with_stop_token(StopToken token) const;

  /// A child that has neither the cancellation nor the deadline of this Context: for clean-up that must run after them.
  [[nodiscard]] Context without_cancel() const;

  /// A child that goes by `clock`, a `std::shared_ptr` to a Clock (`<leash/clock.hpp>`). Throws `std::logic_error` if
  /// it is null.
  [[nodiscard]] Context with_clock(SharedClock clock) const;

  /// A child with one more note, `text` and the line that calls this. Reports show the notes of a Context.
  [[nodiscard]] Context with_note(std::string_view text,
                                  std::source_location site = std::source_location::current()) const;

  /// Whether this Context was cancelled or has expired.
  bool done() const noexcept;

  /// No error (a zero code) while not `done`; afterwards always the same: `operation_canceled` or `timed_out`.
  std::error_code error() const noexcept;

  /// The cause that the first cancellation was given, or nothing; nothing while not `done`, and after an expiry.
  std::optional<Error> cause() const;

  /// Success while not `done`; afterwards an Error of this operation and subject with the code of `error()` and, if
  /// there is one, the cause.
  [[nodiscard]] Result<void> check(std::string_view operation, std::string_view subject) const;

  std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept;

  /// Never null. `<leash/clock.hpp>`
  const SharedClock& clock() const noexcept LEASH_LIFETIMEBOUND;

  const Notes& notes() const noexcept LEASH_LIFETIMEBOUND;

  /// A `std::stop_token` whose stop is requested when this Context is done. If it can never be done, `stop_possible()`
  /// is false. `<leash/stop_token.hpp>`
  StopToken stop_token() const noexcept;

  /// Calls `callback` once when this Context is done, in the thread that cancels it or in the one that runs the
  /// callbacks of its clock. If it is done already, the callback runs in this call. When it runs, all descendants are
  /// done too. A callback that throws ends the program. Throws `std::logic_error` if `callback` is empty; in a forked
  /// child also what `Clock::at` does.
  Registration on_cancel(Function<void()> callback) const;

  /// For the layers of leash only: the object in `slot`, or null.
  void* slot(detail::Slot slot) const noexcept;

  /// For the layers of leash only: a child that owns `object`, and has it in `slot`.
  template <class T>
  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved, if T can be
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

/// Cancels the Context that `with_cancel` returned together with it. Copies cancel the same Context; moving copies;
/// destroying cancels nothing. May be used from any thread, and after the Context is destroyed.
class CancelSource {
 public:
  CancelSource(const CancelSource&) noexcept;
  CancelSource& operator=(const CancelSource&) noexcept;
  ~CancelSource();

  /// Cancels the Context and its descendants, and runs those of their `on_cancel` callbacks that have not run, in this
  /// thread. A Context that is done already keeps its error and cause.
  void cancel() const;

  /// As `cancel()`, with a cause, which `Context::cause` returns and errors contain.
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
