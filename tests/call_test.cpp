#include <doctest/doctest.h>

#include <leash/call.hpp>
#include <memory>
#include <string_view>
#include <type_traits>

namespace {

unsigned line_of(leash::Call call) { return call.site().line(); }
unsigned line_through_helper(leash::Call call) { return line_of(call); }

struct Base {
  virtual ~Base() = default;
  virtual leash::Call see(leash::Call call) const { return call; }
};
struct Derived : Base {
  leash::Call see(leash::Call call) const override { return Base::see(call); }
};

struct Client {
  explicit Client(leash::Call call) : site(call.site()) {}
  std::source_location site;
};

}  // namespace

TEST_CASE("a Call is two pointers, and carries the user's Context") {
  static_assert(sizeof(leash::Call) == 2 * sizeof(void*));
  static_assert(std::is_trivially_copyable_v<leash::Call>);
  const leash::Context context;
  CHECK(&leash::Call(context).context() == &context);
}

TEST_CASE("the site of a Call is the line where the user wrote the Context") {
  const leash::Context context;
  const unsigned here = __LINE__;
  CHECK(line_of(context) == here + 1);
  CHECK(line_through_helper(context) == here + 2);
  const std::unique_ptr<Base> object = std::make_unique<Derived>();
  const leash::Call call = object->see(context);
  CHECK(call.site().line() == here + 4);
  CHECK(std::string_view(call.site().file_name()) == "tests/call_test.cpp");
}

TEST_CASE("through a forwarding template the site is the template's, unless the Call is written out") {
  const leash::Context context;
  const unsigned here = __LINE__;
  CHECK(std::make_unique<Client>(context)->site.line() != here + 1);
  CHECK(std::make_unique<Client>(leash::Call{context})->site.line() == here + 2);
}
