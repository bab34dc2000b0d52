#include <doctest/doctest.h>

#include <coroutine>
#include <expected>
#include <leash/result.hpp>
#include <leash/try.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

using leash::fail;
using leash::Result;

namespace {

const std::string long_text(100, 'x');  // Not within the string itself: one that is not destroyed leaks.

Result<std::string> text(bool there) {
  if (!there) return fail("read", "a", std::errc::io_error);
  return long_text;
}

Result<std::unique_ptr<int>> number(bool there) {
  if (!there) return fail("read", "b", std::errc::io_error);
  return std::make_unique<int>(42);
}

Result<void> done(bool there) {
  if (!there) return fail("close", "c", std::errc::io_error);
  return {};
}

Result<std::size_t> use(bool first, bool second, bool third) {
  const std::string value = LEASH_TRY(text(first));
  auto owned = LEASH_TRY(number(second));
  LEASH_TRY(done(third));
  std::string again;
  again = LEASH_TRY(text(first));
  LEASH_TRY(number(second));
  return value.size() + static_cast<std::size_t>(*owned);
}

Result<std::size_t> size_of(const std::string& value) { return value.size(); }

Result<void> nested(bool there, std::size_t& size) {
  size = LEASH_TRY(size_of(LEASH_TRY(text(there))));
  return {};
}

/// As a user may write it, under an `if` without braces.
Result<int> branches(bool there, bool which) {
  if (which)
    LEASH_TRY(done(there));
  else
    LEASH_TRY(number(there));
  for (const char c : LEASH_TRY(text(there))) {
    if (c != 'x') return 1;
  }
  return 0;
}

std::expected<int, std::string> other_error(bool there) {
  const std::expected<short, std::string> result = there ? std::expected<short, std::string>(7) : std::unexpected("no");
  return LEASH_TRY(result);
}

/// A coroutine that runs at once, to its end.
struct Started {
  struct promise_type {
    Started get_return_object() { return Started{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(Result<int> value) { returned.emplace(std::move(value)); }
    void unhandled_exception() { throw; }

    std::optional<Result<int>> returned;
  };

  std::coroutine_handle<promise_type> handle;
};

Started coroutine(bool first, bool second) {
  const std::string value = LEASH_CO_TRY(text(first));
  auto owned = LEASH_CO_TRY(number(second));
  LEASH_CO_TRY(done(second));
  co_return static_cast<int>(value.size()) + *owned;
}

Result<int> run(Started started) {
  Result<int> result = std::move(started.handle.promise().returned).value();
  started.handle.destroy();
  return result;
}

}  // namespace

TEST_CASE("LEASH_TRY gives the value, or leaves the function with the error") {
  CHECK(use(true, true, true).value() == 142);
  CHECK(to_string(use(false, true, true).error()) == "read a: Input/output error");
  CHECK(to_string(use(true, false, true).error()) == "read b: Input/output error");
  CHECK(to_string(use(true, true, false).error()) == "close c: Input/output error");
}

TEST_CASE("LEASH_TRY may stand in another one, under an if and in a loop's range") {
  std::size_t size = 0;
  CHECK(nested(true, size));
  CHECK(size == 100);
  CHECK_FALSE(nested(false, size));
  for (const bool which : {false, true}) {
    CHECK(branches(true, which).value() == 0);
    CHECK_FALSE(branches(false, which));
  }
}

TEST_CASE("LEASH_TRY copies the value of a variable, moves it where that is said, and takes any std::expected") {
  const auto copied = [](const Result<std::string>& result) -> Result<std::string> { return LEASH_TRY(result); };
  const Result<std::string> kept = text(true);
  CHECK(copied(kept).value() == *kept);
  CHECK(*kept == long_text);
  CHECK_FALSE(copied(text(false)));
  const auto moved = [](Result<std::unique_ptr<int>> result) -> Result<std::unique_ptr<int>> {
    return LEASH_TRY(std::move(result));
  };
  CHECK(*moved(number(true)).value() == 42);
  CHECK(other_error(true).value() == 7);
  CHECK(other_error(false).error() == "no");
}

TEST_CASE("LEASH_CO_TRY does the same in a coroutine") {
  CHECK(run(coroutine(true, true)).value() == 142);
  CHECK(to_string(run(coroutine(false, true)).error()) == "read a: Input/output error");
  CHECK(to_string(run(coroutine(true, false)).error()) == "read b: Input/output error");
}
