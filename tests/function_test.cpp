#include <doctest/doctest.h>

#include <functional>
#include <leash/function.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using leash::Function;

namespace {

int twice(int number) { return 2 * number; }

}  // namespace

TEST_CASE("a Function calls what it was made of, with the arguments as they come") {
  CHECK(Function<int(int)>(twice)(4) == 8);
  CHECK(Function<int(int)>([factor = 3](int number) { return factor * number; })(4) == 12);
  const Function<std::string(std::unique_ptr<int>)> moves = [](std::unique_ptr<int> number) {
    return std::to_string(*number);
  };
  CHECK(moves(std::make_unique<int>(5)) == "5");
  int number = 1;
  const Function<void(int&)> drops_the_result = [](int& changed) { return ++changed; };
  drops_the_result(number);
  CHECK(number == 2);
}

TEST_CASE("copies of a Function are the same callable, which goes with the last of them and need not be copyable") {
  auto value = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = value;
  Function<int()> count = [value = std::move(value), own = std::make_unique<int>(1)] { return *value += *own; };
  Function<int()> copy = count;
  CHECK(count() == 1);
  CHECK(copy() == 2);
  count = nullptr;
  CHECK_FALSE(alive.expired());
  const Function<int()> moved = std::move(copy);
  CHECK(moved() == 3);
  copy = nullptr;
  CHECK_FALSE(alive.expired());
}

TEST_CASE("a Function of nothing is empty") {
  CHECK_FALSE(Function<void()>());
  CHECK_FALSE(Function<void()>(nullptr));
  CHECK_FALSE(Function<int(int)>(static_cast<int (*)(int)>(nullptr)));
  CHECK_FALSE(Function<void()>(std::function<void()>()));
  CHECK_FALSE(Function<void()>(std::move_only_function<void()>()));
  CHECK(Function<void()>([] {}));
  CHECK(Function<int(int)>(twice));
}

TEST_CASE("a Function is made of what can be called as it is, and of nothing else") {
  static_assert(std::is_constructible_v<Function<void()>, void (*)()>);
  static_assert(!std::is_constructible_v<Function<void()>, int>);
  static_assert(!std::is_constructible_v<Function<void()>, decltype(twice)>);
  static_assert(!std::is_constructible_v<Function<std::string()>, int (*)()>);
  static_assert(std::is_nothrow_copy_constructible_v<Function<void()>>);
}
