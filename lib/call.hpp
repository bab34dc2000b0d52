#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <source_location>
#include <type_traits>

namespace LEASH_NAMESPACE {

/// A Context and the site of a call in the user's code (file, line, function). Every operation that acquires something
/// or may wait takes one as its first parameter, by value. The user passes a Context, and the compiler fills in the
/// site:
///
///     auto file = files.open(ctx, "data.csv");
///
/// A helper function that takes a `Call` and passes it on does not become the site: that is the line which calls the
/// helper. Where a template of the standard library makes the call (`std::invoke`, `emplace_back`), pass it
/// `leash::Call{ctx}`: with a mere Context the site would lie in the standard library. In place of `std::make_unique`
/// and `std::make_shared` use those of `<leash/make_unique.hpp>`.
///
/// Valid only during the call that it was made for. Code that runs later (a callback, an asynchronous operation) must
/// copy `context()` and `site()` before that call returns. A coroutine that takes a Call does not compile: it takes a
/// Context by value. See docs/coroutines.md.
class Call {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): the conversion is the point
  Call(const Context& context LEASH_LIFETIMEBOUND, std::source_location site = std::source_location::current()) noexcept
      : context_(&context), site_(site) {}

  const Context& context() const noexcept { return *context_; }
  std::source_location site() const noexcept { return site_; }

 private:
  const Context* context_;
  std::source_location site_;
};

namespace detail {

/// A text that GCC shows as an argument of the template that it is deleted in.
template <std::size_t size>
struct Reason {
  // NOLINTNEXTLINE(modernize-avoid-c-arrays): a literal is one
  consteval Reason(const char (&text_)[size]) {
    for (std::size_t i = 0; i < size; ++i) text[i] = text_[i];
  }

  char text[size]{};  // NOLINT(modernize-avoid-c-arrays): shown as a text
};

}  // namespace detail

/// Stands for the Call in overloads that no one can call. All but a Context or a Call converts to it, by a deleted
/// constructor, so that who forgets the Context is told about that, and not about each overload that does not fit:
///
///     Result<std::unique_ptr<File>> open(Call call, std::string_view path);
///     Result<std::unique_ptr<File>> open(NoContext path);
class NoContext {
 public:
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc++26-extensions"
  template <class T>
    requires(!std::convertible_to<T, Call>)
  NoContext(T&& argument) = delete("the first argument is a leash::Context");
#pragma clang diagnostic pop
#else
  template <class T, detail::Reason reason = "the first argument is a leash::Context">
    requires(!std::convertible_to<T, Call>)
  NoContext(T&& argument) = delete;
#endif
};

/// Whether a function with these parameters takes a Call, by value or by reference.
template <class... Parameters>
concept takes_call = (std::same_as<std::remove_cvref_t<Parameters>, Call> || ...);

/// The `std::coroutine_traits` of a coroutine that takes a Call: it does not compile, because the frame of a coroutine
/// may outlive the call that the Call was made for.
///
/// For a coroutine type `Future` that has its own partial specialisation of `std::coroutine_traits`, add this one:
///
///     template <class T, class... Parameters>
///       requires leash::takes_call<Parameters...>
///     struct std::coroutine_traits<Future<T>, Parameters...> : leash::RefusedCoroutine<Future<T>, Parameters...> {};
template <class R, class... Parameters>
struct RefusedCoroutine : std::coroutine_traits<R> {  // With its promise_type there is one error, not a dozen.
  static_assert(!takes_call<Parameters...>,
                "a coroutine must not take a leash::Call, whose Context may be gone when the coroutine is resumed: "
                "take a leash::Context by value");
};

}  // namespace LEASH_NAMESPACE

template <class R, class... Parameters>
  requires leash::takes_call<Parameters...>
struct std::coroutine_traits<R, Parameters...> : leash::RefusedCoroutine<R, Parameters...> {};
