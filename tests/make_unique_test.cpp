#include <doctest/doctest.h>

#include <leash/make_unique.hpp>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

struct Server {
  Server(leash::Call call, std::unique_ptr<int> port, std::string& name) : site(call.site()), number(std::move(port)) {
    if (call.context().done()) throw std::runtime_error("done");
    name = "renamed";
  }
  std::source_location site;
  std::unique_ptr<int> number;
};

struct WithoutCall {
  explicit WithoutCall(leash::Context) {}
};

template <class T, class... Arguments>
concept can_make_unique = requires(Arguments... arguments) { leash::make_unique<T>(arguments...); };

}  // namespace

TEST_CASE("make_unique and make_shared keep the line of their caller, and forward the rest") {
  const leash::Context context;
  std::string name;
  const unsigned here = __LINE__;
  const std::unique_ptr<Server> unique = leash::make_unique<Server>(context, std::make_unique<int>(80), name);
  const std::shared_ptr<Server> shared = leash::make_shared<Server>(context, nullptr, name);
  CHECK(unique->site.line() == here + 1);
  CHECK(shared->site.line() == here + 2);
  CHECK(std::string_view(unique->site.file_name()) == "tests/make_unique_test.cpp");
  CHECK(*unique->number == 80);
  CHECK(name == "renamed");
}

TEST_CASE("make_unique passes on the Call that it is given, and what the constructor throws") {
  const auto [context, source] = leash::Context().with_cancel();
  std::string name;
  const auto helper = [&](leash::Call call) { return leash::make_unique<Server>(call, nullptr, name); };
  const unsigned here = __LINE__;
  CHECK(helper(context)->site.line() == here + 1);
  source.cancel();
  CHECK_THROWS_AS(helper(context), std::runtime_error);
}

TEST_CASE("make_unique is for types whose constructor takes a Call first") {
  static_assert(!can_make_unique<WithoutCall, leash::Context>);
  static_assert(!can_make_unique<int, leash::Context>);
  static_assert(!can_make_unique<Server, int>);
}

TEST_CASE("where both namespaces are open, a class that takes no Call is made by the standard library") {
  using namespace leash;
  using namespace std;
  static_assert(is_same_v<decltype(make_unique<WithoutCall>(declval<Context>())), unique_ptr<WithoutCall>>);
  static_assert(is_same_v<decltype(make_shared<string>("name")), shared_ptr<string>>);
}
